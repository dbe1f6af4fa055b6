import type { Wake } from '../clients/wake.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Phone, PhoneFilter, PhoneState, Proxy, Sending, Settings } from '../models/phone.js';
import { createApiKey } from '../utils/api-key.js';
import { webhookSecret, type Sealer } from '../utils/crypto.js';
import { Problem } from '../utils/problem.js';
import { SCOPES_OF_PHONES } from '../utils/scope.js';
import { phoneStatusEvent } from './event-data.js';
import { holdGiver, type Giver } from './giving.js';
import { once } from './idempotency.js';
import type { QuotaService } from './quota.js';
import { remedyOf } from './reason.js';
import { settingsOf } from './tuning.js';
import { sealedFor } from './webhook-post.js';

export interface PhoneView {
  id: number;
  phoneNumber: string;
  deviceName: string;
  webhookUrl: string | null;
  status: Phone['status'];
  reason: string | null;
  remedy: string | null;
  statusSince: string;
  isConnected: boolean;
  isPaused: boolean;
  sending: Sending;
  settings: Settings;
  proxy: ProxyView | null;
  sessionData: Record<string, unknown>;
  createdAt: string;
}
export interface ProxyView extends Omit<Proxy, 'password'> {
  /** Whether its node uses it: not yet, or it cannot. */
  state: 'applied' | 'pending' | 'refused';
}
/** Secrets are shown this once. */
export interface CreatedPhone extends PhoneView {
  token: string;
  webhookSecret: string | null;
}
/** A replay of a creation: the same phone, its secrets left out. */
export interface ReplayedPhone extends PhoneView {
  secretOmitted: true;
}

export interface PhoneRequest {
  phoneNumber: string;
  deviceName: string;
  webhookUrl: string | null;
}

/** Why a URL may not be posted to, or null when it may. */
export type UrlRule = (url: string) => string | null;

export type Phones = ReturnType<typeof createPhones>;

/** How a phone sends unless told: at once, as fast as its node takes it. */
const SENDING: Sending = {
  timezone: 'UTC',
  quietHours: null,
  perMinute: null,
  jitter: 0,
  recipientGap: 0,
  warmUp: null,
};
export const sendingOf = (phone: Phone): Sending => ({ ...SENDING, ...phone.sending });

function proxyView({ proxy, tuningFault, proxyTuning, toldTuning }: Phone): ProxyView | null {
  if (!proxy) return null;
  const { password: _password, ...open } = proxy;
  const state = tuningFault ? 'refused' : toldTuning >= proxyTuning ? 'applied' : 'pending';
  return { ...open, state };
}

export const phoneView = (phone: Phone): PhoneView => ({
  id: phone.id,
  phoneNumber: phone.phoneNumber,
  deviceName: phone.deviceName,
  webhookUrl: phone.webhookUrl,
  status: phone.status,
  reason: phone.statusReason,
  remedy: remedyOf(phone.statusReason),
  statusSince: phone.statusSince.toISOString(),
  isConnected: phone.isConnected,
  isPaused: phone.isPaused,
  sending: sendingOf(phone),
  settings: settingsOf(phone),
  proxy: proxyView(phone),
  sessionData: phone.sessionData,
  createdAt: phone.createdAt.toISOString(),
});

/** What a phone's own webhook hears: all of that phone. */
export const PLAIN_WEBHOOK = { events: null, headers: null, isOrdered: false, isOfPhone: true } as const;

/**
 * The one way a phone's status changes: the row, the lane (open only while connected), and the event, in the caller's
 * transaction, which holds the user's counter. Returns the phone as it is now.
 */
export async function setPhoneState(models: Models, phone: Phone, wanted: PhoneState): Promise<Phone> {
  const isOpening = wanted.status === 'connected' && !phone.isConnected;
  const state =
    isOpening && !(await models.phones.takeNumber(phone))
      ? ({ ...wanted, status: 'conflict', reason: 'number_taken' } as const)
      : wanted;
  const now = (await models.phones.setState(phone.id, state))!;
  if (now.status === phone.status && now.statusReason === phone.statusReason) return now;
  await models.lanes.setOpen(now.userId, now.id, now.isConnected);
  await models.events.append(now.userId, [phoneStatusEvent(now)]);
  return now;
}

export function createPhones(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'reading'>;
  wake: Pick<Wake, 'hint'>;
  sealer: Sealer;
  refuseUrl: UrlRule;
  quotas: Pick<QuotaService, 'checkPhones'>;
  /** Seconds. */
  settings: { idempotencyTtl: number };
}) {
  const { tenancy, wake, sealer, refuseUrl, quotas, settings } = deps;

  function checkUrl(url: string | null): void {
    const refusal = url === null ? null : refuseUrl(url);
    if (refusal === null) return;
    const detail = `webhookUrl ${refusal}`;
    throw new Problem('invalid_url', detail, {
      errors: [{ pointer: '/webhookUrl', code: 'invalid_url', detail }],
    });
  }

  /** Makes the phone's own webhook. Returns its secret. */
  async function addWebhook(
    models: Models,
    phone: Pick<Phone, 'id' | 'userId'>,
    url: string,
  ): Promise<string> {
    const secret = webhookSecret();
    await models.webhooks.create({
      ...PLAIN_WEBHOOK,
      userId: phone.userId,
      phoneId: phone.id,
      url,
      secret: sealer.seal(secret, sealedFor(phone.userId)),
    });
    return secret;
  }

  /** Where the phone's own webhook posts to from now on. Returns the secret of one that was made. */
  async function direct(models: Models, phone: Phone, url: string | null): Promise<string | null> {
    await models.phones.setWebhookUrl(phone.id, url);
    const webhook = await models.webhooks.findOfPhone(phone.id);
    if (url === null) {
      if (webhook) await models.webhooks.remove(webhook.id);
      return null;
    }
    if (!webhook) return addWebhook(models, phone, url);
    await models.webhooks.update({ ...webhook, url });
    return null;
  }

  async function make(models: Models, giver: Giver, request: PhoneRequest): Promise<CreatedPhone> {
    const { userId } = giver;
    if (await models.phones.isTaken(userId, request.phoneNumber)) {
      const detail = `${request.phoneNumber} is paired already, by another user`;
      throw new Problem('number_taken', detail, {
        errors: [{ pointer: '/phoneNumber', code: 'number_taken', detail }],
      });
    }
    await quotas.checkPhones(models, userId);
    const { key: token, id: keyId, hash } = createApiKey();
    const phone = await models.phones.create({ ...request, userId, token: hash });
    if (!phone) {
      const existing = await models.phones.findByNumber(request.phoneNumber);
      throw new Problem('phone_exists', `You have this number already: it is phone ${existing?.id}`);
    }
    // A key that adds a phone is given no token that may do more than itself.
    const own = await holdGiver(models, giver);
    await models.apiKeys.create({
      id: keyId,
      userId,
      name: `Token of ${phone.phoneNumber}`,
      hash,
      scopes: own?.scopes?.filter((scope) => SCOPES_OF_PHONES.includes(scope)) ?? null,
      allowedIps: own?.allowedIps ?? null,
      expiresAt: own?.expiresAt ?? null,
      phoneIds: [phone.id],
      phoneId: phone.id,
    });
    const secret = request.webhookUrl === null ? null : await addWebhook(models, phone, request.webhookUrl);
    await models.lanes.setOpen(userId, phone.id, false);
    await models.checks.ask(userId, phone.id);
    return { ...phoneView(phone), token, webhookSecret: secret };
  }

  return {
    /** Problems: invalid_url, phone_exists, number_taken, idempotency_mismatch. Placing and pairing it go on in the background. */
    async create(
      giver: Giver,
      request: PhoneRequest,
      key: string | null,
    ): Promise<{ phone: CreatedPhone | ReplayedPhone; replayed: boolean }> {
      checkUrl(request.webhookUrl);
      const { userId } = giver;
      const result = await tenancy.inTenant(userId, (models) =>
        once(
          models,
          { userId, key, request: ['POST /api/phones', request], ttl: settings.idempotencyTtl },
          async () => {
            const created = await make(models, giver, request);
            const { token: _token, webhookSecret: _secret, ...open } = created;
            return { first: created, again: { ...open, secretOmitted: true as const } };
          },
        ),
      );
      wake.hint('check');
      return { phone: result.value, replayed: result.replayed };
    },

    /** Problem: invalid_url. */
    checkUrl,

    /**
     * A name, and where its events go: null takes its webhook away, a first URL makes one, whose secret is shown this once.
     * Problems: not_found, invalid_url.
     */
    async update(
      userId: number,
      id: number,
      to: { deviceName?: string; webhookUrl?: string | null },
    ): Promise<PhoneView & { webhookSecret?: string }> {
      checkUrl(to.webhookUrl ?? null);
      return tenancy.inTenant(userId, async (models) => {
        // A webhook that goes takes its Deliveries along, which are made under the counter.
        if (to.webhookUrl !== undefined) await models.events.lockCounter(userId);
        const phone = await models.phones.findForUpdate(id);
        if (!phone) throw new Problem('not_found', `There is no phone ${id}`);
        if (to.deviceName !== undefined) await models.phones.setName(id, to.deviceName);
        const secret = to.webhookUrl === undefined ? null : await direct(models, phone, to.webhookUrl);
        const now = phoneView((await models.phones.find(id))!);
        return secret === null ? now : { ...now, webhookSecret: secret };
      });
    },

    async list(userId: number, filter: PhoneFilter): Promise<{ data: PhoneView[]; hasMore: boolean }> {
      const rows = await tenancy.reading(userId, (models) =>
        models.phones.list({ ...filter, limit: filter.limit + 1 }),
      );
      return { data: rows.slice(0, filter.limit).map(phoneView), hasMore: rows.length > filter.limit };
    },

    async find(userId: number, id: number): Promise<PhoneView> {
      const phone = await tenancy.inTenant(userId, (models) => models.phones.find(id));
      if (!phone) throw new Problem('not_found', `There is no phone ${id}`);
      return phoneView(phone);
    },
  };
}
