import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export interface ApiKeyGrant {
  id: string;
  scopes: string[] | null;
  isActive: boolean;
  /** Of its user. */
  role: 'user' | 'admin';
}

export const apiKeyModel = (db: Db) => ({
  async create(key: { id: string; userId: number; name: string; hash: Buffer }): Promise<void> {
    await db.query(sql`
      insert into api_keys (id, user_id, name, hash) values (${key.id}, ${key.userId}, ${key.name}, ${key.hash})`);
  },

  /** Of these keys, those that are live, with their hashes; `isActive` is their users'. */
  listGrants: (ids: readonly string[]) =>
    db.query<ApiKeyGrant & { userId: number; hash: Buffer }>(sql`
      select k.id, k.user_id as "userId", k.hash, k.scopes,
             (select is_active from users where id = k.user_id) as "isActive",
             (select role from users where id = k.user_id) as role
        from api_keys k
       where k.id = any (${[...ids]}::text[]) and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`),

  /** What a live key may do; `isActive` is its user's. */
  async findGrant(id: string): Promise<ApiKeyGrant | null> {
    const [row] = await db.query<ApiKeyGrant>(sql`
      select k.id, k.scopes, u.is_active as "isActive", u.role from api_keys k join users u on u.id = k.user_id
       where k.id = ${id} and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`);
    return row ?? null;
  },
});
