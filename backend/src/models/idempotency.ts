import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export interface Reservation {
  /** False: another request with this key was first; `response` and `requestHash` are its. Null: it was erased with a contact. */
  isFirst: boolean;
  requestHash: Buffer;
  response: unknown;
}

export const idempotencyModel = (db: Db) => ({
  /**
   * Takes the key for this transaction. A request that holds it at this moment is waited for, so the second one
   * always sees the first one's answer. `ttl` in seconds.
   */
  async reserve(key: {
    userId: number;
    key: string;
    requestHash: Buffer;
    ttl: number;
  }): Promise<Reservation> {
    const fresh = await db.query(sql`
      insert into idempotency_keys as k (user_id, key, request_hash, expires_at)
      values (${key.userId}, kept_key(${key.userId}, ${key.key}), ${key.requestHash}, now() + make_interval(secs => ${key.ttl}))
      on conflict (user_id, key) do update
        set request_hash = excluded.request_hash, expires_at = excluded.expires_at, response = null, message_id = null,
            created_at = now()
        where k.expires_at <= now()
      returning key`);
    if (fresh.length > 0) return { isFirst: true, requestHash: key.requestHash, response: null };
    const [row] = await db.query<Omit<Reservation, 'isFirst'>>(sql`
      select request_hash as "requestHash", response from idempotency_keys
       where user_id = ${key.userId} and key = kept_key(${key.userId}, ${key.key})`);
    return { isFirst: false, ...row! };
  },

  /** Whether the key is in use, and not about to expire: what it stands for is committed, and a request with it is a repetition or a mistake. */
  async isKnown(userId: number, key: string): Promise<boolean> {
    const rows = await db.query(sql`
      select 1 from idempotency_keys where user_id = ${userId} and key = kept_key(${userId}, ${key}) and expires_at > now() + interval '1 minute'`);
    return rows.length > 0;
  },

  async store(userId: number, key: string, response: unknown): Promise<void> {
    await db.query(sql`
      update idempotency_keys set response = ${JSON.stringify(response)}
       where user_id = ${userId} and key = kept_key(${userId}, ${key})`);
  },
});
