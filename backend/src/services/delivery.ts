import type { WebhookAnswer } from '../clients/webhook.client.js';
import type { Logger } from '../config/logger.js';
import type { Wake } from '../clients/wake.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Attempt, ClaimedDelivery, Delivery } from '../models/delivery.js';
import { webhookDisabledEvent } from './event-data.js';
import { postSigned, type WebhookPost } from './webhook-post.js';
import type { Sealer } from '../utils/crypto.js';

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
/** In an ordered lane, what its receiver does not take (4xx but for 408 and 429) blocks the rest for so many tries. */
const TRIES_OF_POISON = 3;
const isPoison = ({ status }: WebhookAnswer): boolean =>
  status !== null && status >= 400 && status < 500 && status !== 408 && status !== 429;

/** Posts what is owed to webhooks, signed, until it is delivered or its schedule is exhausted. */
export function createDeliveries(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  client: WebhookPost;
  wake: Pick<Wake, 'hint'>;
  sealer: Sealer;
  logger: Logger;
  settings: DeliverySettings;
  random?: () => number;
}) {
  const { tenancy, client, wake, sealer, logger, settings, random = Math.random } = deps;

  /** When to try again, or null when the schedule is exhausted. A receiver's Retry-After is honoured when later. */
  function nextTry(attempts: number, answer: WebhookAnswer, isOrdered: boolean): Date | null {
    const pause = settings.schedule[attempts - 1];
    if (isOrdered && attempts >= TRIES_OF_POISON && isPoison(answer)) return null;
    // 410: the receiver says it is gone for good.
    if (pause === undefined || answer.status === 410) return null;
    const jittered = pause * 1000 * (1 - JITTER + 2 * JITTER * random());
    return new Date(Date.now() + Math.max(jittered, answer.retryAfterMs ?? 0));
  }

  /** Nobody is there any more, or nothing has been delivered since before this began: what else comes is held. */
  async function isLost(models: Models, delivery: Delivery, answer: WebhookAnswer): Promise<string | null> {
    if (answer.status === 410) return 'receiver_gone';
    return (await models.deliveries.isReached(delivery.webhookId, delivery.createdAt))
      ? null
      : 'receiver_fails';
  }

  /** Switches it off, and tells its owner. */
  async function disable(
    models: Models,
    delivery: Delivery,
    at: { userId: number; reason: string },
  ): Promise<void> {
    const { userId, reason } = at;
    const webhook = await models.webhooks.disable({ id: delivery.webhookId, userId }, reason);
    if (webhook) await models.events.append(userId, [webhookDisabledEvent(webhook)]);
  }

  /** What became of one Attempt. A webhook that is to be switched off is, in the same transaction. */
  async function settle(
    claim: ClaimedDelivery,
    tried: { delivery: Delivery; answer: WebhookAnswer; attempt: Attempt; nextAt: Date | null },
  ): Promise<Delivery['state']> {
    const { delivery, answer, attempt, nextAt } = tried;
    const state = answer.ok ? 'delivered' : nextAt ? 'pending' : 'exhausted';
    await tenancy.inTenant(claim.userId, async (models) => {
      // Deliveries are made and ended under the counter; only what may switch a webhook off needs it here.
      if (state === 'exhausted') await models.events.lockCounter(claim.userId);
      await models.deliveries.note(claim.userId, claim.id, attempt);
      if (!(await models.deliveries.finish(claim, nextAt))) return;
      await models.deliveries.settle(claim.id, { state, attempts: attempt.number, nextAt });
      const reason = state === 'exhausted' ? await isLost(models, delivery, answer) : null;
      if (reason) await disable(models, delivery, { userId: claim.userId, reason });
    });
    return state;
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
      const answer = await postSigned(client, sealer, { ...delivery, userId: claim.userId });
      const number = delivery.attempts + 1;
      const attempt = {
        number,
        at,
        durationMs: answer.durationMs,
        statusCode: answer.status,
        errorClass: answer.errorClass,
        detail: answer.detail ?? null,
        answer: answer.body.replaceAll('\u0000', ''),
      };
      const nextAt = answer.ok ? null : nextTry(number, answer, delivery.isOrdered);
      const state = await settle(claim, { delivery, answer, attempt, nextAt });
      if (state !== 'pending') wake.hint('delivery');
      logger.info('attempt', {
        userId: claim.userId,
        webhookId: claim.webhookId,
        deliveryId: claim.id,
        eventId: delivery.eventId,
        number,
        state,
        status: answer.status,
        errorClass: answer.errorClass,
        ms: answer.durationMs,
      });
    },
  };
}
