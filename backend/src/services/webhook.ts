import { maskedHeaders, refusedHeader, type Headers } from './webhook-header.js';
import type { WebhookAnswer } from '../clients/webhook.client.js';
import type { Wake } from '../clients/wake.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Attempt, Delivery } from '../models/delivery.js';
import type { Webhook } from '../models/webhook.js';
import { publicId, webhookSecret, type Sealer } from '../utils/crypto.js';
import { Problem, type ProblemCode } from '../utils/problem.js';
import { once } from './idempotency.js';
import type { UrlRule } from './phone.js';
import { remedyOf } from './reason.js';
import { postSigned, sealedFor, type WebhookPost } from './webhook-post.js';

export interface WebhookView {
  id: number;
  phoneId: number | null;
  url: string;
  events: string[] | null;
  /** Names with their values masked: they may be credentials. */
  headers: Headers;
  isEnabled: boolean;
  isOrdered: boolean;
  reason: string | null;
  remedy: string | null;
  disabledAt: string | null;
  previousSecretUntil: string | null;
  createdAt: string;
  updatedAt: string;
}
/** The secret is shown this once. */
export type CreatedWebhook = WebhookView & ({ secret: string } | { secretOmitted: true });

export interface WebhookRequest {
  phoneId: number | null;
  url: string;
  events: string[] | null;
  headers: Headers;
  isOrdered: boolean;
}
export type WebhookChange = Partial<Omit<WebhookRequest, 'phoneId'>> & { isEnabled?: boolean };

export interface DeliveryView {
  id: string;
  webhookId: number;
  phoneId: number | null;
  eventId: string;
  event: string;
  sequence: number;
  state: Delivery['state'];
  attempts: number;
  nextAt: string | null;
  createdAt: string;
  endedAt: string | null;
}
export type AttemptView = Omit<Attempt, 'at'> & { at: string };
export type DeliveryDetail = DeliveryView & { body: unknown; tries: AttemptView[] };

/** What came of a test. */
export type TestView = Omit<WebhookAnswer, 'body' | 'retryAfterMs' | 'status' | 'detail'> & {
  statusCode: number | null;
  detail: string | null;
  answer: string;
};

export type Webhooks = ReturnType<typeof createWebhooks>;

/** Webhooks of one user, beside those that are its phones' own. */
const MOST = 1000;
const REPLAY_A_BATCH = 500;
const iso = (at: Date | null): string | null => at && at.toISOString();

const wrong = (code: ProblemCode, pointer: string, detail: string) =>
  new Problem(code, detail, { errors: [{ pointer, code, detail }] });

const deliveryView = (delivery: Delivery): DeliveryView => ({
  id: delivery.id,
  webhookId: delivery.webhookId,
  phoneId: delivery.phoneId,
  eventId: delivery.eventId,
  event: delivery.event,
  sequence: delivery.sequence,
  state: delivery.state,
  attempts: delivery.attempts,
  nextAt: iso(delivery.nextAt),
  createdAt: delivery.createdAt.toISOString(),
  endedAt: iso(delivery.endedAt),
});

/** The webhooks of users, and what became of what was owed to them. */
export function createWebhooks(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'reading'>;
  wake: Pick<Wake, 'hint'>;
  sealer: Sealer;
  client: WebhookPost;
  refuseUrl: UrlRule;
  /** Seconds. */
  settings: { idempotencyTtl: number };
}) {
  const { tenancy, wake, sealer, client, refuseUrl, settings } = deps;

  const headersOf = ({ headers, userId }: Pick<Webhook, 'headers' | 'userId'>): Headers =>
    headers === null ? {} : (JSON.parse(sealer.open(headers, sealedFor(userId))) as Headers);

  const view = (webhook: Webhook): WebhookView => {
    const isRolling = webhook.previousUntil !== null && webhook.previousUntil > new Date();
    return {
      id: webhook.id,
      phoneId: webhook.phoneId,
      url: webhook.url,
      events: webhook.events,
      headers: maskedHeaders(headersOf(webhook)),
      isEnabled: webhook.isEnabled,
      isOrdered: webhook.isOrdered,
      reason: webhook.disabledReason,
      remedy: remedyOf(webhook.disabledReason),
      disabledAt: iso(webhook.disabledAt),
      previousSecretUntil: isRolling ? iso(webhook.previousUntil) : null,
      createdAt: webhook.createdAt.toISOString(),
      updatedAt: webhook.updatedAt.toISOString(),
    };
  };

  function check({ url, headers }: Pick<WebhookChange, 'url' | 'headers'>): void {
    const refusal = url === undefined ? null : refuseUrl(url);
    if (refusal !== null) throw wrong('invalid_url', '/url', `The URL is refused: ${refusal}`);
    for (const [name, value] of Object.entries(headers ?? {})) {
      const fault = refusedHeader(name, value);
      if (fault) throw wrong('unprocessable', `/headers/${name}`, fault);
    }
  }

  const sealHeaders = (userId: number, headers: Headers): string | null =>
    Object.keys(headers).length === 0 ? null : sealer.seal(JSON.stringify(headers), sealedFor(userId));

  async function found(models: Models, id: number): Promise<Webhook> {
    const webhook = await models.webhooks.findForUpdate(id);
    if (!webhook) throw new Problem('not_found', `There is no webhook ${id}`);
    return webhook;
  }

  async function make(models: Models, userId: number, request: WebhookRequest): Promise<CreatedWebhook> {
    const { phoneId, headers } = request;
    if (phoneId !== null && !(await models.phones.find(phoneId)))
      throw wrong('not_found', '/phoneId', `There is no phone ${phoneId}`);
    if ((await models.webhooks.count()) >= MOST)
      throw new Problem('conflict', `You have ${MOST} webhooks, which is the most there can be`);
    const secret = webhookSecret();
    const webhook = await models.webhooks.create({
      ...request,
      userId,
      isOfPhone: false,
      headers: sealHeaders(userId, headers),
      secret: sealer.seal(secret, sealedFor(userId)),
    });
    return { ...view(webhook), secret };
  }

  async function change(models: Models, webhook: Webhook, to: WebhookChange): Promise<Webhook> {
    const { userId } = webhook;
    let now = await models.webhooks.update({
      ...webhook,
      url: to.url ?? webhook.url,
      events: to.events === undefined ? webhook.events : to.events,
      headers: to.headers === undefined ? webhook.headers : sealHeaders(userId, to.headers),
      isOrdered: to.isOrdered ?? webhook.isOrdered,
    });
    if (to.url !== undefined && now.isOfPhone) await models.phones.setWebhookUrl(now.phoneId!, to.url);
    if (to.isEnabled === true) now = (await models.webhooks.enable(now)) ?? now;
    if (to.isEnabled === false) now = (await models.webhooks.disable(now, 'switched_off')) ?? now;
    return now;
  }

  async function findDelivery(models: Models, id: string): Promise<Delivery> {
    const delivery = await models.deliveries.find(id);
    if (!delivery) throw new Problem('not_found', `There is no delivery ${id}`);
    return delivery;
  }

  return {
    /** Problems: not_found (its phone), invalid_url, unprocessable (a header), conflict (too many), idempotency_mismatch. */
    async create(
      userId: number,
      request: WebhookRequest,
      key: string | null,
    ): Promise<{ webhook: CreatedWebhook; replayed: boolean }> {
      check(request);
      const asked = { userId, key, request: ['POST /api/webhooks', request], ttl: settings.idempotencyTtl };
      const { value, replayed } = await tenancy.inTenant(userId, (models) =>
        once(models, asked, async () => {
          const first = await make(models, userId, request);
          const { secret: _secret, ...open } = first as CreatedWebhook & { secret: string };
          return { first, again: { ...open, secretOmitted: true as const } };
        }),
      );
      return { webhook: value, replayed };
    },

    async list(
      userId: number,
      page: { after: number; limit: number; offset: number; phoneId: number | undefined },
    ): Promise<{ data: WebhookView[]; hasMore: boolean }> {
      const rows = await tenancy.reading(userId, ({ webhooks }) =>
        webhooks.list({ ...page, limit: page.limit + 1 }),
      );
      return { data: rows.slice(0, page.limit).map(view), hasMore: rows.length > page.limit };
    },

    /** Problem: not_found. */
    find: (userId: number, id: number): Promise<WebhookView> =>
      tenancy.inTenant(userId, async (models) => view(await found(models, id))),

    /** What is left out stays as it is. Switched on again, what was held goes out in order. Problems as for `create`. */
    async update(userId: number, id: number, to: WebhookChange): Promise<WebhookView> {
      const now = await tenancy.inTenant(userId, async (models) => {
        // As everything that makes or ends Deliveries, after the counter.
        await models.events.lockCounter(userId);
        const webhook = await found(models, id);
        check(to);
        return change(models, webhook, to);
      });
      wake.hint('delivery');
      return view(now);
    },

    /** With it go its Deliveries. Problem: not_found. */
    remove: (userId: number, id: number): Promise<void> =>
      tenancy.inTenant(userId, async (models) => {
        await models.events.lockCounter(userId);
        const webhook = await found(models, id);
        if (webhook.isOfPhone) await models.phones.setWebhookUrl(webhook.phoneId!, null);
        await models.webhooks.remove(id);
      }),

    /** `overlap` in seconds: so long the former secret signs as well. Problem: not_found. */
    async rollSecret(userId: number, id: number, overlap: number): Promise<CreatedWebhook> {
      const secret = webhookSecret();
      const now = await tenancy.inTenant(userId, async (models) => {
        await found(models, id);
        const until = new Date(Date.now() + overlap * 1000);
        return (await models.webhooks.rollSecret(id, sealer.seal(secret, sealedFor(userId)), until))!;
      });
      return { ...view(now), secret };
    },

    /** Posts a `webhook.test` once, now, also to one that is switched off. It is in no ledger. Problem: not_found. */
    async test(userId: number, id: number): Promise<TestView> {
      const webhook = await tenancy.inTenant(userId, (models) => found(models, id));
      const eventId = publicId('evt');
      const timestamp = new Date().toISOString();
      const data = { webhookId: id, phoneId: webhook.phoneId, timestamp };
      const event = { id: eventId, sequence: 0, event: 'webhook.test', createdAt: timestamp, data };
      const isRolling = webhook.previousUntil !== null && webhook.previousUntil > new Date();
      const previousSecret = isRolling ? webhook.previousSecret : null;
      const to = { ...webhook, previousSecret, eventId, body: JSON.stringify(event) };
      const { status, body, retryAfterMs: _pause, detail, ...answer } = await postSigned(client, sealer, to);
      return { ...answer, statusCode: status, detail: detail ?? null, answer: body };
    },

    /** Newest first. Problem: not_found. */
    async listDeliveries(
      userId: number,
      id: number,
      page: { state: string | undefined; before: number | undefined; limit: number },
    ): Promise<{ data: DeliveryView[]; hasMore: boolean }> {
      const rows = await tenancy.inTenant(userId, async (models) => {
        await found(models, id);
        return models.deliveries.list({ ...page, webhookId: id, limit: page.limit + 1 });
      });
      return { data: rows.slice(0, page.limit).map(deliveryView), hasMore: rows.length > page.limit };
    },

    /** With what was sent and every try of it. Problem: not_found. */
    findDelivery: (userId: number, id: string): Promise<DeliveryDetail> =>
      tenancy.inTenant(userId, async (models) => {
        const delivery = await findDelivery(models, id);
        const attempts = await models.deliveries.listAttempts(id);
        const tries = attempts.map((attempt) => ({ ...attempt, at: attempt.at.toISOString() }));
        return { ...deliveryView(delivery), body: JSON.parse(delivery.body) as unknown, tries };
      }),

    /** The same Delivery goes out again, with its id and bytes. One that has not ended is left alone. Problem: not_found. */
    async resend(userId: number, id: string): Promise<DeliveryView> {
      const now = await tenancy.inTenant(userId, async (models) => {
        await models.events.lockCounter(userId);
        await findDelivery(models, id);
        await models.deliveries.reopen(id);
        return findDelivery(models, id);
      });
      wake.hint('delivery');
      return deliveryView(now);
    },

    /**
     * All that it hears of a period goes out (again); without one, all that it was owed in vain. Returns how many do.
     * Problem: not_found.
     */
    async replay(
      userId: number,
      id: number,
      period: { since: Date | null; until: Date | null },
    ): Promise<{ deliveries: number }> {
      const undelivered = period.since === null && period.until === null;
      let [deliveries, after] = [0, 0];
      for (;;) {
        const { reopened, last } = await tenancy.inTenant(userId, async (models) => {
          await models.events.lockCounter(userId);
          await found(models, id);
          return models.deliveries.replay(id, { ...period, undelivered, after, limit: REPLAY_A_BATCH });
        });
        deliveries += reopened;
        wake.hint('delivery');
        if (last === null) return { deliveries };
        after = last;
      }
    },
  };
}
