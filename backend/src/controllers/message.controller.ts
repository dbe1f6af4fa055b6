import type { Response } from 'express';
import type { Messages, SendRequest } from '../services/message.js';
import type { Req } from '../utils/endpoint.js';
import type { IdempotencyHeaders } from './page.js';

export interface SendInput {
  headers: IdempotencyHeaders;
  body: SendRequest;
}

export const messageController = ({ messages }: { messages: Messages }) => ({
  async send(req: Req<SendInput>, res: Response) {
    const asking = { requestId: req.requestId, idempotencyKey: req.input.headers['idempotency-key'] ?? null };
    const { message, replayed } = await messages.accept(req.caller.userId, req.input.body, asking);
    if (replayed) res.setHeader('Idempotent-Replayed', 'true');
    res.status(202).location(`/api/messages/${message.id}`).json(message);
  },
});
