import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';

export interface ApiKeyGrant {
  id: string;
  scopes: string[] | null;
  allowedIps: string[] | null;
  isActive: boolean;
  /** Of its user. */
  role: 'user' | 'admin';
}

export interface ApiKey {
  id: string;
  name: string;
  /** Null: everything its user may do. */
  scopes: string[] | null;
  /** CIDRs; null: from anywhere. */
  allowedIps: string[] | null;
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
  expiresAt?: Date | null;
  rolledFrom?: string | null;
}

/** What is left out stays. */
export interface ApiKeyChange {
  name?: string;
  scopes?: string[] | null;
  allowedIps?: string[] | null;
  expiresAt?: Date | null;
}

const columns = raw(`id, name, scopes, allowed_ips::text[] as "allowedIps", created_at as "createdAt",
  expires_at as "expiresAt", last_used_at as "lastUsedAt", rolled_from as "rolledFrom"`);
/** Of the rows of `k`. */
const grant = raw(`k.id, k.scopes, k.allowed_ips::text[] as "allowedIps"`);
const isLive = raw(`k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`);

export const apiKeyModel = (db: Db) => ({
  async create(key: NewApiKey): Promise<void> {
    const { scopes = null, allowedIps = null, expiresAt = null, rolledFrom = null } = key;
    await db.query(sql`
      insert into api_keys (id, user_id, name, hash, scopes, allowed_ips, expires_at, rolled_from)
      values (${key.id}, ${key.userId}, ${key.name}, ${key.hash}, ${scopes}::text[], ${allowedIps}::cidr[], ${expiresAt}, ${rolledFrom})`);
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

  async update(id: string, to: ApiKeyChange): Promise<void> {
    const has = (name: keyof ApiKeyChange): boolean => to[name] !== undefined;
    await db.query(sql`
      update api_keys set name = coalesce(${to.name ?? null}, name),
             scopes = case when ${has('scopes')} then ${to.scopes ?? null}::text[] else scopes end,
             allowed_ips = case when ${has('allowedIps')} then ${to.allowedIps ?? null}::cidr[] else allowed_ips end,
             expires_at = case when ${has('expiresAt')} then ${to.expiresAt ?? null}::timestamptz else expires_at end
       where id = ${id}`);
  },

  async revoke(id: string): Promise<void> {
    await db.query(sql`update api_keys set revoked_at = now() where id = ${id}`);
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
             (select role from users where id = k.user_id) as role
        from api_keys k where k.id = any (${[...ids]}::text[]) and ${isLive}`),

  /** What a live key may do; `isActive` is its user's. */
  async findGrant(id: string): Promise<ApiKeyGrant | null> {
    const [row] = await db.query<ApiKeyGrant>(sql`
      select ${grant}, u.is_active as "isActive", u.role from api_keys k join users u on u.id = k.user_id
       where k.id = ${id} and ${isLive}`);
    return row ?? null;
  },
});
