import type { WebhookAnswer } from '../clients/webhook.client.js';
import type { Logger } from '../config/logger.js';
import type { Wake } from '../clients/wake.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Attempt, ClaimedDelivery, Delivery } from '../models/delivery.js';
import { batcher } from '../utils/batch.js';
import { Problem } from '../utils/problem.js';
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

/** There are never more of either than deliveries in flight. */
const GROUP = { maxBatch: 64, maxQueue: Infinity };

/** What became of one Attempt. */
interface Tried {
  claim: ClaimedDelivery;
  delivery: Delivery;
  answer: WebhookAnswer;
  attempt: Attempt;
  nextAt: Date | null;
  state: 'delivered' | 'pending' | 'exhausted';
}

/** Tries are spread by this much, so that what failed together does not come back together. */
const JITTER = 0.2;
/** In an ordered lane, what its receiver does not take (4xx but for 408 and 429) blocks the rest for so many tries. */
const TRIES_OF_POISON = 3;
const isPoison = ({ status }: WebhookAnswer): boolean =>
  status !== null && status >= 400 && status < 500 && status !== 408 && status !== 429;

/** Posts what is owed to webhooks, signed, until it is delivered or its schedule is exhausted. */
export function createDeliveries(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'inTenants' | 'shared'>;
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

  const isolate = (error: unknown) => !(error instanceof Problem && error.code === 'unavailable');
  const usersOf = (claims: readonly ClaimedDelivery[]) => [...new Set(claims.map((claim) => claim.userId))];

  /** What claimed deliveries are to post, asked together; null: it is gone. */
  const loading = batcher<ClaimedDelivery, Delivery | null>({
    flush: async (claims) => {
      const ids = claims.map((claim) => claim.id);
      const found = await tenancy.inTenants(usersOf(claims), (models) => models.deliveries.listById(ids));
      const byId = new Map(found.map((delivery) => [delivery.id, delivery]));
      return ids.map((id) => byId.get(id) ?? null);
    },
    ...GROUP,
    isolate,
  });

  /** What became of Attempts, written together: what ends while one group is written forms the next. */
  const settling = batcher<Tried, void>({
    flush: async (all) => {
      const users = usersOf(all.map(({ claim }) => claim));
      await tenancy.inTenants(users, (models) => settle(models, all));
      return all.map(() => undefined);
    },
    ...GROUP,
    isolate,
  });

  async function settle(models: Models, all: readonly Tried[]): Promise<Tried[]> {
    await models.deliveries.note(
      all.map(({ claim, attempt }) => ({ ...attempt, userId: claim.userId, deliveryId: claim.id })),
    );
    const held = await models.deliveries.finish(all.map(({ claim, nextAt }) => ({ claim, retryAt: nextAt })));
    const ours = all.filter(({ claim }) => held.has(claim.id));
    await models.deliveries.settle(
      ours.map(({ claim, attempt, nextAt, state }) => ({
        id: claim.id,
        state,
        attempts: attempt.number,
        nextAt,
      })),
    );
    return ours;
  }

  /** Nothing more is tried: a webhook that is to be switched off is, in the same transaction. */
  const give = (tried: Tried): Promise<void> =>
    tenancy.inTenant(tried.claim.userId, async (models) => {
      const { claim, delivery, answer } = tried;
      // Deliveries are made and ended under the counter; only what may switch a webhook off needs it here.
      await models.events.lockCounter(claim.userId);
      const [ours] = await settle(models, [tried]);
      const reason = ours ? await isLost(models, delivery, answer) : null;
      if (reason) await disable(models, delivery, { userId: claim.userId, reason });
    });

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
      const delivery = await loading.add(claim);
      if (!delivery || delivery.state !== 'pending') {
        await tenancy.inTenant(claim.userId, (models) =>
          models.deliveries.finish([{ claim, retryAt: null }]),
        );
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
      const state = answer.ok ? 'delivered' : nextAt ? 'pending' : 'exhausted';
      const tried = { claim, delivery, answer, attempt, nextAt, state } as const;
      await (state === 'exhausted' ? give(tried) : settling.add(tried));
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
