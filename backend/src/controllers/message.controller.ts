import type { Response } from 'express';
import type { QuotaService } from '../services/quota.js';
import type { Messages, SendRequest } from '../services/message.js';
import type { Req } from '../utils/endpoint.js';
import { idempotencyKey, sendAllowance, type IdempotencyHeaders } from './page.js';

export interface SendInput {
  headers: IdempotencyHeaders;
  body: SendRequest;
}

export const messageController = (deps: { messages: Messages; quotas: Pick<QuotaService, 'spending'> }) => ({
  async send(req: Req<SendInput>, res: Response) {
    const asking = { requestId: req.requestId, idempotencyKey: idempotencyKey(req) };
    const { userId } = req.caller;
    const { value, allowance } = await deps.quotas.spending(req.caller, 1, async () => {
      const accepted = await deps.messages.accept(userId, req.input.body, asking);
      return { value: accepted, used: accepted.replayed ? 0 : 1 };
    });
    const { message, replayed } = value;
    sendAllowance(res, allowance);
    if (replayed) res.setHeader('Idempotent-Replayed', 'true');
    res.status(202).location(`/api/messages/${message.id}`).json(message);
  },
});
