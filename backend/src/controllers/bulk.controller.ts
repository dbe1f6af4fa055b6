import type { Response } from 'express';
import type { BulkRequest, Bulks } from '../services/bulk.js';
import type { QuotaService } from '../services/quota.js';
import type { Req } from '../utils/endpoint.js';
import { idempotencyKey, sendAllowance, type IdempotencyHeaders } from './page.js';

export interface SendBulkInput {
  headers: IdempotencyHeaders;
  body: BulkRequest;
}
export interface BulkInput {
  params: { id: number };
}

export const bulkController = ({
  bulks,
  quotas,
}: {
  bulks: Bulks;
  quotas: Pick<QuotaService, 'dayLimit'>;
}) => ({
  async send(req: Req<SendBulkInput>, res: Response) {
    const dayLimit = quotas.dayLimit(req.caller);
    const asking = { requestId: req.requestId, idempotencyKey: idempotencyKey(req), dayLimit };
    const { bulk, replayed, allowance } = await bulks.accept(req.caller.userId, req.input.body, asking);
    sendAllowance(res, allowance);
    if (replayed) res.setHeader('Idempotent-Replayed', 'true');
    res.status(202).location(`/api/messages/bulk/${bulk.id}`).json(bulk);
  },

  async find(req: Req<BulkInput>, res: Response) {
    res.json(await bulks.find(req.caller.userId, req.input.params.id));
  },

  async cancel(req: Req<BulkInput>, res: Response) {
    res.json(await bulks.cancel(req.caller.userId, req.input.params.id));
  },
});
