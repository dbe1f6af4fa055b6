import type { Response } from 'express';
import type { QuotaService } from '../services/quota.js';
import type { Messages, SendRequest } from '../services/message.js';
import type { Req } from '../utils/endpoint.js';
import { Problem } from '../utils/problem.js';
import { idempotencyKey, sendAllowance, type IdempotencyHeaders } from './page.js';

export interface SendInput {
  headers: IdempotencyHeaders;
  body: SendRequest;
}

export const messageController = (deps: { messages: Messages; quotas: Pick<QuotaService, 'dayLimit'> }) => ({
  async send(req: Req<SendInput>, res: Response) {
    const dayLimit = deps.quotas.dayLimit(req.caller);
    const asking = { requestId: req.requestId, idempotencyKey: idempotencyKey(req), dayLimit };
    const accepting = deps.messages.accept(req.caller.userId, req.input.body, asking);
    const { message, replayed, allowance } = await accepting.catch((error: unknown) => {
      const isOver = error instanceof Problem && error.code === 'quota_exceeded';
      sendAllowance(res, isOver && dayLimit !== null ? { limit: dayLimit, left: 0 } : null);
      throw error;
    });
    sendAllowance(res, allowance);
    if (replayed) res.setHeader('Idempotent-Replayed', 'true');
    res.status(202).location(`/api/messages/${message.id}`).json(message);
  },
});
