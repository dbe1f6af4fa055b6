import type { ApiKey } from '../models/api-key.js';
import type { Models, Tenancy } from '../models/index.js';
import { createApiKey } from '../utils/api-key.js';
import { Problem } from '../utils/problem.js';
import { SCOPES_OF_PHONES } from '../utils/scope.js';

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

export interface KeyRequest {
  name: string;
  scopes: string[] | null;
  allowedIps: string[] | null;
  phoneIds: number[] | null;
  /** ISO 8601. */
  expiresAt: string | null;
}

/** Who asks: a key gives no more than it has. */
export interface Giver {
  userId: number;
  scopes: readonly string[] | 'all';
  isAdmin: boolean;
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

/** Nobody gives away what they do not have. Problem: forbidden. */
function refuseMore(giver: Giver, scopes: readonly string[] | null | undefined): void {
  if (scopes === undefined) return;
  const missing =
    giver.scopes === 'all'
      ? (scopes ?? []).filter((scope) => scope === 'admin' && !giver.isAdmin)
      : (scopes ?? ['all']).filter((scope) => !giver.scopes.includes(scope));
  if (missing.length > 0)
    throw new Problem('forbidden', `You cannot give what you do not have: ${missing.join(', ')}`);
}

/** What is about the whole account cannot be limited to phones, and phones have to be there. Problem: unprocessable. */
async function refuseBeyond(
  models: Pick<Models, 'phones'>,
  { scopes, phoneIds }: { scopes: readonly string[] | null; phoneIds: readonly number[] | null },
): Promise<void> {
  if (phoneIds === null) return;
  const beyond = (scopes ?? []).filter((scope) => !SCOPES_OF_PHONES.includes(scope));
  const there = await Promise.all(phoneIds.map((id) => models.phones.find(id)));
  const errors = [
    ...beyond.map((scope) => ({
      pointer: '/scopes',
      code: 'beyond_phones',
      detail: `${scope} is about the whole account; a key that is limited to phones cannot have it`,
    })),
    ...phoneIds.flatMap((id, i) =>
      there[i] ? [] : [{ pointer: `/phoneIds/${i}`, code: 'not_found', detail: `There is no phone ${id}` }],
    ),
  ];
  if (errors.length > 0) throw new Problem('unprocessable', errors[0]!.detail, { errors });
}

/** A user's API keys: as many as they like, each with what it may do, from where, and until when. */
export function createKeys({ tenancy }: { tenancy: Pick<Tenancy, 'inTenant'> }) {
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
    const { key, id, hash } = createApiKey();
    await models.apiKeys.create({ ...like, id, userId, hash });
    return { ...view((await models.apiKeys.find(id))!), key };
  }

  return {
    /** Problems: forbidden (more than the giver has), unprocessable (a phone that is not there, a scope beyond phones), quota_exceeded. */
    async create(giver: Giver, request: KeyRequest): Promise<CreatedKey> {
      refuseMore(giver, request.scopes);
      return tenancy.inTenant(giver.userId, async (models) => {
        if ((await models.apiKeys.count()) >= MAX_KEYS)
          throw new Problem('quota_exceeded', `${MAX_KEYS} keys are the most`);
        await refuseBeyond(models, request);
        const expiresAt = request.expiresAt === null ? null : new Date(request.expiresAt);
        return make(models, giver.userId, { ...request, expiresAt, phoneId: null, rolledFrom: null });
      });
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
      return tenancy.inTenant(giver.userId, async (models) => {
        const key = await existing(models, id);
        refuseMore(giver, key.scopes);
        if (key.phoneId !== null && to.phoneIds !== undefined)
          throw new Problem('conflict', `This is the own token of phone ${key.phoneId}`);
        await refuseBeyond(models, { ...key, ...rest });
        await models.apiKeys.update(id, {
          ...rest,
          ...(expiresAt === undefined ? {} : { expiresAt: expiresAt === null ? null : new Date(expiresAt) }),
        });
        return view((await models.apiKeys.find(id))!);
      });
    },

    /** A new one that may do the same; the old one lives for `overlap` seconds more. Problems: not_found, forbidden. */
    async roll(giver: Giver, id: string, overlap: number): Promise<CreatedKey> {
      return tenancy.inTenant(giver.userId, async (models) => {
        const old = await existing(models, id);
        refuseMore(giver, old.scopes);
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
    },

    /** At once, in every process, its sockets too. Problem: not_found. */
    revoke: (userId: number, id: string): Promise<void> =>
      tenancy.inTenant(userId, async (models) => {
        await existing(models, id);
        await models.apiKeys.revoke(id);
      }),
  };
}
