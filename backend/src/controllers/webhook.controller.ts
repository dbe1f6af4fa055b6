import type { Response } from 'express';
import type { WebhookChange, WebhookRequest, Webhooks } from '../services/webhook.js';
import type { Req } from '../utils/endpoint.js';
import {
  idempotencyKey,
  readCursor,
  readPlace,
  sendPage,
  sendPlacedPage,
  type IdempotencyHeaders,
  type PageQuery,
} from './page.js';

export interface CreateWebhookInput {
  headers: IdempotencyHeaders;
  body: Partial<WebhookRequest> & { url: string };
}
export interface ListWebhooksInput {
  query: PageQuery & { phoneId?: number };
}
export interface WebhookInput {
  params: { id: number };
}
export interface UpdateWebhookInput extends WebhookInput {
  body: WebhookChange;
}
export interface RollSecretInput extends WebhookInput {
  body: { overlap: number };
}
export interface ReplayInput extends WebhookInput {
  body: { since?: string; until?: string };
}
export interface ListDeliveriesInput extends WebhookInput {
  query: { limit: number; cursor?: string; state?: string };
}
export interface DeliveryInput {
  params: { id: string };
}

const moment = (at: string | undefined): Date | null => (at === undefined ? null : new Date(at));

export const webhookController = ({
  webhooks,
  events,
}: {
  webhooks: Webhooks;
  events: readonly string[];
}) => ({
  async create(req: Req<CreateWebhookInput>, res: Response) {
    const { phoneId = null, url, events: heard = null, headers = {}, isOrdered = false } = req.input.body;
    const request = { phoneId, url, events: heard, headers, isOrdered };
    const key = idempotencyKey(req);
    const { webhook, replayed } = await webhooks.create(req.caller.userId, request, key);
    if (replayed) res.setHeader('Idempotent-Replayed', 'true');
    res.status(201).location(`/api/webhooks/${webhook.id}`).json(webhook);
  },

  async list(req: Req<ListWebhooksInput>, res: Response) {
    const { limit, offset, phoneId } = req.input.query;
    const page = { limit, offset, phoneId, after: readCursor(req.input.query) ?? 0 };
    sendPage(res, await webhooks.list(req.caller.userId, page));
  },

  async find(req: Req<WebhookInput>, res: Response) {
    res.json(await webhooks.find(req.caller.userId, req.input.params.id));
  },

  async update(req: Req<UpdateWebhookInput>, res: Response) {
    res.json(await webhooks.update(req.caller.userId, req.input.params.id, req.input.body));
  },

  async remove(req: Req<WebhookInput>, res: Response) {
    await webhooks.remove(req.caller.userId, req.input.params.id);
    res.status(204).end();
  },

  async rollSecret(req: Req<RollSecretInput>, res: Response) {
    const { overlap } = req.input.body;
    res.json(await webhooks.rollSecret(req.caller.userId, req.input.params.id, overlap));
  },

  async test(req: Req<WebhookInput>, res: Response) {
    res.json(await webhooks.test(req.caller.userId, req.input.params.id));
  },

  async replay(req: Req<ReplayInput>, res: Response) {
    const { since, until } = req.input.body;
    const period = { since: moment(since), until: moment(until) };
    res.status(202).json(await webhooks.replay(req.caller.userId, req.input.params.id, period));
  },

  async listDeliveries(req: Req<ListDeliveriesInput>, res: Response) {
    const { limit, state } = req.input.query;
    const before = readPlace({ ...req.input.query, offset: 0 })?.at;
    const page = await webhooks.listDeliveries(req.caller.userId, req.input.params.id, {
      limit,
      state,
      before,
    });
    const last = page.data.at(-1);
    sendPlacedPage(res, {
      data: page.data,
      next: page.hasMore && last ? { at: last.sequence, id: 0 } : null,
    });
  },

  async findDelivery(req: Req<DeliveryInput>, res: Response) {
    res.json(await webhooks.findDelivery(req.caller.userId, req.input.params.id));
  },

  async resend(req: Req<DeliveryInput>, res: Response) {
    res.status(202).json(await webhooks.resend(req.caller.userId, req.input.params.id));
  },

  catalogue(_req: Req, res: Response) {
    res.json({ data: events });
  },
});
