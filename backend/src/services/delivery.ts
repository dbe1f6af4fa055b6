import type { WebhookAnswer } from '../clients/webhook.client.js';
import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';
import type { ClaimedDelivery, Delivery } from '../models/delivery.js';
import { signWebhook } from '../utils/crypto.js';
import type { Sealer } from './phone.js';

export type Deliveries = ReturnType<typeof createDeliveries>;

export interface DeliverySettings {
  /** Seconds between tries; as many retries as it has entries. */
  schedule: readonly number[];
  /** Seconds, in total for one Attempt. */
  timeout: number;
  concurrency: number;
  perWebhook: number;
}

/** Tries are spread by this much, so that what failed together does not come back together. */
const JITTER = 0.2;

/** Posts what is owed to webhooks, signed, until it is delivered or its schedule is exhausted. */
export function createDeliveries(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  client: { post(url: string, body: string, headers: Record<string, string>): Promise<WebhookAnswer> };
  sealer: Sealer;
  logger: Logger;
  settings: DeliverySettings;
  random?: () => number;
}) {
  const { tenancy, client, sealer, logger, settings, random = Math.random } = deps;

  /** When to try again, or null when the schedule is exhausted. A receiver's Retry-After is honoured when later. */
  function nextTry(attempts: number, answer: WebhookAnswer): Date | null {
    const pause = settings.schedule[attempts - 1];
    // 410: the receiver says it is gone for good.
    if (pause === undefined || answer.status === 410) return null;
    const jittered = pause * 1000 * (1 - JITTER + 2 * JITTER * random());
    return new Date(Date.now() + Math.max(jittered, answer.retryAfterMs ?? 0));
  }

  async function post(delivery: Delivery, userId: number): Promise<WebhookAnswer> {
    const timestamp = Math.floor(Date.now() / 1000);
    const secret = sealer.open(delivery.secret, `webhook:${userId}`);
    return client.post(delivery.url, delivery.body, {
      'content-type': 'application/json',
      'user-agent': 'Evolution-Gateway',
      'webhook-id': delivery.eventId,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signWebhook([secret], delivery.eventId, timestamp, delivery.body),
    });
  }

  return {
    claim: (limit: number): Promise<ClaimedDelivery[]> =>
      tenancy.shared.claims.deliveries({
        limit,
        perWebhook: settings.perWebhook,
        perUser: Math.max(1, Math.floor(settings.concurrency / 4)),
        lease: settings.timeout + 15,
      }),

    /** One Attempt of one claimed Delivery. A worker that dies in it is followed by another Attempt, with the same id. */
    async perform(claim: ClaimedDelivery): Promise<void> {
      const delivery = await tenancy.inTenant(claim.userId, (models) => models.deliveries.find(claim.id));
      if (!delivery || delivery.state !== 'pending') {
        await tenancy.inTenant(claim.userId, (models) => models.deliveries.finish(claim, null));
        return;
      }
      const at = new Date();
      const answer = await post(delivery, claim.userId);
      const attempts = delivery.attempts + 1;
      const nextAt = answer.ok ? null : nextTry(attempts, answer);
      const state = answer.ok ? 'delivered' : nextAt ? 'pending' : 'exhausted';
      await tenancy.inTenant(claim.userId, async (models) => {
        await models.deliveries.note(claim.userId, claim.id, {
          number: attempts,
          at,
          durationMs: answer.durationMs,
          statusCode: answer.status,
          errorClass: answer.errorClass,
          detail: answer.detail ?? null,
          answer: answer.body.replaceAll('\u0000', ''),
        });
        if (await models.deliveries.finish(claim, nextAt))
          await models.deliveries.settle(claim.id, { state, attempts, nextAt });
      });
      logger.info('attempt', {
        userId: claim.userId,
        webhookId: claim.webhookId,
        deliveryId: claim.id,
        eventId: delivery.eventId,
        number: attempts,
        state,
        status: answer.status,
        errorClass: answer.errorClass,
        ms: answer.durationMs,
      });
    },
  };
}
