import type { Response } from 'express';
import type { Messages, SendRequest } from '../services/message.js';
import type { Req } from '../utils/endpoint.js';
import { readCursor, sendPage, type IdempotencyHeaders, type PageQuery } from './page.js';

export interface SendInput {
  headers: IdempotencyHeaders;
  body: SendRequest;
}
export interface ListMessagesInput {
  query: PageQuery & { phoneId?: number; direction?: 'in' | 'out'; status?: string; chat?: string };
}
export interface MessageInput {
  params: { id: number };
}

export const messageController = ({ messages }: { messages: Messages }) => ({
  async send(req: Req<SendInput>, res: Response) {
    const asking = { requestId: req.requestId, idempotencyKey: req.input.headers['idempotency-key'] ?? null };
    const { message, replayed } = await messages.accept(req.caller.userId, req.input.body, asking);
    if (replayed) res.setHeader('Idempotent-Replayed', 'true');
    res.status(202).location(`/api/messages/${message.id}`).json(message);
  },

  async list(req: Req<ListMessagesInput>, res: Response) {
    const { cursor: _cursor, ...filter } = req.input.query;
    sendPage(res, await messages.list(req.caller.userId, { ...filter, before: readCursor(req.input.query) }));
  },

  async find(req: Req<MessageInput>, res: Response) {
    res.json(await messages.find(req.caller.userId, req.input.params.id));
  },
});
