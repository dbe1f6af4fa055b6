import type { Response } from 'express';
import type { BulkRequest, Bulks } from '../services/bulk.js';
import type { Req } from '../utils/endpoint.js';
import type { IdempotencyHeaders } from './page.js';

export interface SendBulkInput {
  headers: IdempotencyHeaders;
  body: BulkRequest;
}
export interface BulkInput {
  params: { id: number };
}

export const bulkController = ({ bulks }: { bulks: Bulks }) => ({
  async send(req: Req<SendBulkInput>, res: Response) {
    const asking = { requestId: req.requestId, idempotencyKey: req.input.headers['idempotency-key'] ?? null };
    const { bulk, replayed } = await bulks.accept(req.caller.userId, req.input.body, asking);
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
