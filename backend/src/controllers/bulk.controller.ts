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
  quotas: Pick<QuotaService, 'spending'>;
}) => ({
  async send(req: Req<SendBulkInput>, res: Response) {
    const asking = { requestId: req.requestId, idempotencyKey: idempotencyKey(req) };
    const { userId } = req.caller;
    const { value, allowance } = await quotas.spending(
      req.caller,
      req.input.body.messages.length,
      async () => {
        const accepted = await bulks.accept(userId, req.input.body, asking);
        return { value: accepted, used: accepted.replayed ? 0 : accepted.bulk.accepted };
      },
    );
    const { bulk, replayed } = value;
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
