import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';
import type { Quotas } from './quota.js';

export interface ApiKeyGrant {
  id: string;
  scopes: string[] | null;
  allowedIps: string[] | null;
  /** Null: all of its user's phones. */
  phoneIds: number[] | null;
  isActive: boolean;
  /** Of its user, as is the next. */
  role: 'user' | 'admin';
  quotas: Quotas;
}

export interface ApiKey {
  id: string;
  name: string;
  /** Null: everything its user may do. */
  scopes: string[] | null;
  /** CIDRs; null: from anywhere. */
  allowedIps: string[] | null;
  /** The phones that it is limited to; null: all of its user's. */
  phoneIds: number[] | null;
  /** Whose own token it is. */
  phoneId: number | null;
  createdAt: Date;
  expiresAt: Date | null;
  /** Within a minute. */
  lastUsedAt: Date | null;
  /** The key that this one replaces. */
  rolledFrom: string | null;
}

export interface NewApiKey {
  id: string;
  userId: number;
  name: string;
  hash: Buffer;
  scopes?: string[] | null;
  allowedIps?: string[] | null;
  phoneIds?: readonly number[] | null;
  phoneId?: number | null;
  expiresAt?: Date | null;
  rolledFrom?: string | null;
}

/** What is left out stays. */
export interface ApiKeyChange {
  name?: string;
  scopes?: string[] | null;
  allowedIps?: string[] | null;
  phoneIds?: readonly number[] | null;
  expiresAt?: Date | null;
}

const columns =
  raw(`id, name, scopes, allowed_ips::text[] as "allowedIps", phone_ids as "phoneIds", phone_id as "phoneId",
  created_at as "createdAt",
  expires_at as "expiresAt", last_used_at as "lastUsedAt", rolled_from as "rolledFrom"`);
/** Of the rows of `k`. */
const grant = raw(`k.id, k.scopes, k.allowed_ips::text[] as "allowedIps", k.phone_ids as "phoneIds"`);
const isLive = raw(`k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`);

export const apiKeyModel = (db: Db) => ({
  async create(key: NewApiKey): Promise<void> {
    const { scopes = null, allowedIps = null, phoneId = null, expiresAt = null, rolledFrom = null } = key;
    const phoneIds = key.phoneIds ? [...key.phoneIds] : null;
    await db.query(sql`
      insert into api_keys (id, user_id, name, hash, scopes, allowed_ips, phone_ids, phone_id, expires_at, rolled_from)
      values (${key.id}, ${key.userId}, ${key.name}, ${key.hash}, ${scopes}::text[], ${allowedIps}::cidr[],
              ${phoneIds}::bigint[], ${phoneId}, ${expiresAt}, ${rolledFrom})`);
  },

  /** Those that are not revoked, the latest first: their ids go by time. */
  list: (page: { before: string | undefined; limit: number; offset: number }) =>
    db.query<ApiKey>(sql`
      select ${columns} from api_keys
       where revoked_at is null and (${page.before ?? null}::text is null or id < ${page.before ?? null})
       order by id desc limit ${page.limit} offset ${page.offset}`),

  async find(id: string): Promise<ApiKey | null> {
    const [row] = await db.query<ApiKey>(
      sql`select ${columns} from api_keys where id = ${id} and revoked_at is null`,
    );
    return row ?? null;
  },

  /** Locked: two may be about to replace it. */
  async findForUpdate(id: string): Promise<ApiKey | null> {
    const [row] = await db.query<ApiKey>(
      sql`select ${columns} from api_keys where id = ${id} and revoked_at is null for update`,
    );
    return row ?? null;
  },

  /** The live key that replaces this one. */
  async findSuccessor(id: string): Promise<{ id: string } | null> {
    const [row] = await db.query<{ id: string }>(
      sql`select k.id from api_keys k where k.rolled_from = ${id} and ${isLive} order by k.id desc limit 1`,
    );
    return row ?? null;
  },

  async update(id: string, to: ApiKeyChange): Promise<void> {
    const has = (name: keyof ApiKeyChange): boolean => to[name] !== undefined;
    await db.query(sql`
      update api_keys set name = coalesce(${to.name ?? null}, name),
             scopes = case when ${has('scopes')} then ${to.scopes ?? null}::text[] else scopes end,
             allowed_ips = case when ${has('allowedIps')} then ${to.allowedIps ?? null}::cidr[] else allowed_ips end,
             phone_ids = case when ${has('phoneIds')} then ${to.phoneIds ? [...to.phoneIds] : null}::bigint[] else phone_ids end,
             expires_at = case when ${has('expiresAt')} then ${to.expiresAt ?? null}::timestamptz else expires_at end
       where id = ${id}`);
  },

  async revoke(id: string): Promise<void> {
    await db.query(sql`update api_keys set revoked_at = now() where id = ${id}`);
  },

  /** A live one that stays so until this transaction ends. Null: it is not, or is no key. */
  async hold(id: string): Promise<ApiKey | null> {
    const [row] = await db.query<ApiKey>(
      sql`select ${columns} from api_keys k where id = ${id} and ${isLive} for share`,
    );
    return row ?? null;
  },

  async revokeAll(userId: number): Promise<void> {
    await db.query(
      sql`update api_keys set revoked_at = now() where user_id = ${userId} and revoked_at is null`,
    );
  },

  /** What is left of a phone's own tokens. */
  async revokeOfPhone(phoneId: number): Promise<void> {
    await db.query(
      sql`update api_keys set revoked_at = now() where phone_id = ${phoneId} and revoked_at is null`,
    );
  },

  /** Those that live and are not some phone's own. */
  async count(): Promise<number> {
    const [row] = await db.query<{ count: number }>(
      sql`select count(*) from api_keys k where ${isLive} and phone_id is null`,
    );
    return row!.count;
  },

  /** Notes that it was used, at most once a minute. */
  async touch(id: string): Promise<void> {
    await db.query(sql`
      update api_keys set last_used_at = now()
       where id = ${id} and (last_used_at is null or last_used_at < now() - interval '1 minute')`);
  },

  /** Of these keys, those that are live, with their hashes; `isActive` is their users'. */
  listGrants: (ids: readonly string[]) =>
    db.query<ApiKeyGrant & { userId: number; hash: Buffer }>(sql`
      select ${grant}, k.user_id as "userId", k.hash,
             (select is_active from users where id = k.user_id) as "isActive",
             (select role from users where id = k.user_id) as role,
             (select quotas from users where id = k.user_id) as quotas
        from api_keys k where k.id = any (${[...ids]}::text[]) and ${isLive}`),

  /** What a live key may do; `isActive` is its user's. */
  async findGrant(id: string): Promise<ApiKeyGrant | null> {
    const [row] = await db.query<ApiKeyGrant>(sql`
      select ${grant}, u.is_active as "isActive", u.role, u.quotas from api_keys k join users u on u.id = k.user_id
       where k.id = ${id} and ${isLive}`);
    return row ?? null;
  },
});
