import type { ApiKey } from '../models/api-key.js';
import type { Models, Tenancy } from '../models/index.js';
import { createApiKey } from '../utils/api-key.js';
import { Problem } from '../utils/problem.js';
import { refuseBeyond, refuseMore, refuseWider, type Giver } from './giving.js';
import { once } from './idempotency.js';

export interface KeyView {
  id: string;
  name: string;
  /** Null: everything its user may do, but for what only admins may. */
  scopes: string[] | null;
  allowedIps: string[] | null;
  /** Null: all phones. */
  phoneIds: number[] | null;
  /** Whose own token it is. */
  phoneId: number | null;
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
  rolledFrom: string | null;
}
/** `key` is shown this once. */
export type CreatedKey = KeyView & { key: string };
/** A replay of a creation: the same key, and nothing of its secret. */
export type ReplayedKey = KeyView & { secretOmitted: true };

export interface KeyRequest {
  name: string;
  scopes: string[] | null;
  allowedIps: string[] | null;
  phoneIds: number[] | null;
  /** ISO 8601. */
  expiresAt: string | null;
}

export type Keys = ReturnType<typeof createKeys>;

const MAX_KEYS = 100;

const view = (key: ApiKey): KeyView => ({
  id: key.id,
  name: key.name,
  scopes: key.scopes,
  allowedIps: key.allowedIps,
  phoneIds: key.phoneIds,
  phoneId: key.phoneId,
  createdAt: key.createdAt.toISOString(),
  expiresAt: key.expiresAt?.toISOString() ?? null,
  lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
  rolledFrom: key.rolledFrom,
});

const dateOf = (text: string | null): Date | null => (text === null ? null : new Date(text));

/** Problem: unprocessable. */
function refusePast(expiresAt: string | null | undefined): void {
  if (!expiresAt || new Date(expiresAt) > new Date()) return;
  const detail = 'expiresAt must be in the future';
  throw new Problem('unprocessable', detail, { errors: [{ pointer: '/expiresAt', code: 'past', detail }] });
}

/** A user's API keys: each with what it may do, from where, and until when. */
export function createKeys(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  /** What is remembered of a key in this process does not hold any more. */
  forget: (keyId: string) => void;
  /** Seconds. */
  settings: { idempotencyTtl: number };
}) {
  const { tenancy, forget, settings } = deps;

  async function existing(models: Models, id: string): Promise<ApiKey> {
    const key = await models.apiKeys.find(id);
    if (!key) throw new Problem('not_found', `There is no key ${id}`);
    return key;
  }

  async function make(
    models: Models,
    userId: number,
    like: Omit<KeyRequest, 'expiresAt'> & {
      phoneId: number | null;
      expiresAt: Date | null;
      rolledFrom: string | null;
    },
  ): Promise<CreatedKey> {
    // Of two that are made at once the second sees the first.
    await models.events.lockCounter(userId);
    if (like.phoneId === null && (await models.apiKeys.count()) >= MAX_KEYS)
      throw new Problem('quota_exceeded', `${MAX_KEYS} keys are the most`);
    const { key, id, hash } = createApiKey();
    await models.apiKeys.create({ ...like, id, userId, hash });
    return { ...view((await models.apiKeys.find(id))!), key };
  }

  return {
    /** Problems: forbidden (more than the giver has), not_found (a phone), unprocessable (a scope beyond phones, an end in the past),
     *  quota_exceeded, idempotency_mismatch. */
    async create(
      giver: Giver,
      request: KeyRequest,
      idempotencyKey: string | null,
    ): Promise<{ key: CreatedKey | ReplayedKey; replayed: boolean }> {
      refuseMore(giver, request.scopes);
      const { userId } = giver;
      const asked = { userId, key: idempotencyKey, request: ['POST /api/keys', request] };
      const { value, replayed } = await tenancy.inTenant(userId, (models) =>
        once(models, { ...asked, ttl: settings.idempotencyTtl }, async () => {
          refusePast(request.expiresAt);
          await refuseBeyond(models, request);
          const like = { ...request, expiresAt: dateOf(request.expiresAt), phoneId: null, rolledFrom: null };
          await refuseWider(models, giver, like);
          const first = await make(models, userId, like);
          const { key: _key, ...open } = first;
          return { first, again: { ...open, secretOmitted: true as const } };
        }),
      );
      return { key: value, replayed };
    },

    async list(
      userId: number,
      page: { before: string | undefined; limit: number; offset: number },
    ): Promise<{ data: KeyView[]; hasMore: boolean }> {
      const rows = await tenancy.inTenant(userId, (models) =>
        models.apiKeys.list({ ...page, limit: page.limit + 1 }),
      );
      return { data: rows.slice(0, page.limit).map(view), hasMore: rows.length > page.limit };
    },

    /** Problems: not_found, forbidden (more than the giver has), unprocessable (as in create). */
    async update(giver: Giver, id: string, to: Partial<KeyRequest>): Promise<KeyView> {
      refuseMore(giver, to.scopes);
      const { expiresAt, ...rest } = to;
      refusePast(to.expiresAt);
      const changed = await tenancy.inTenant(giver.userId, async (models) => {
        const key = await existing(models, id);
        refuseMore(giver, key.scopes);
        if (key.phoneId !== null && to.phoneIds !== undefined)
          throw new Problem('conflict', `This is the own token of phone ${key.phoneId}`);
        await refuseBeyond(models, { ...key, ...rest });
        const change = { ...rest, ...(expiresAt === undefined ? {} : { expiresAt: dateOf(expiresAt) }) };
        await refuseWider(models, giver, change);
        await models.apiKeys.update(id, change);
        return view((await models.apiKeys.find(id))!);
      });
      forget(id);
      return changed;
    },

    /**
     * A new one that may do the same; the old one lives for `overlap` seconds more. Problems: not_found, forbidden, conflict
     * (it has ended, or was rolled already: what replaced it is to be rolled), quota_exceeded.
     */
    async roll(giver: Giver, id: string, overlap: number): Promise<CreatedKey> {
      const made = await tenancy.inTenant(giver.userId, async (models) => {
        const old = await models.apiKeys.findForUpdate(id);
        if (!old) throw new Problem('not_found', `There is no key ${id}`);
        const successor = await models.apiKeys.findSuccessor(id);
        if (successor) throw new Problem('conflict', `It was rolled already: roll ${successor.id} instead`);
        if (old.expiresAt && old.expiresAt <= new Date())
          throw new Problem('conflict', 'It has ended; make a new one');
        refuseMore(giver, old.scopes);
        await refuseWider(models, giver, old);
        if (overlap === 0) await models.apiKeys.revoke(id);
        else {
          const end = new Date(Date.now() + overlap * 1000);
          const isSooner = old.expiresAt !== null && old.expiresAt < end;
          await models.apiKeys.update(id, { expiresAt: isSooner ? old.expiresAt : end });
        }
        const { name, scopes, allowedIps, phoneIds, phoneId, expiresAt } = old;
        return make(models, giver.userId, {
          name,
          scopes,
          allowedIps,
          phoneIds,
          phoneId,
          expiresAt,
          rolledFrom: id,
        });
      });
      forget(id);
      return made;
    },

    /** At once, in every process, its sockets too. Problems: not_found, forbidden (it may do more than who revokes it, and is not that itself). */
    async revoke(giver: Giver, id: string): Promise<void> {
      await tenancy.inTenant(giver.userId, async (models) => {
        const { scopes } = await existing(models, id);
        if (id !== giver.credentialId) refuseMore(giver, scopes);
        await models.apiKeys.revoke(id);
      });
      forget(id);
    },
  };
}
