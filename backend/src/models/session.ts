import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';

export type SessionEnd =
  | 'signed_out'
  | 'refresh_reused'
  | 'password_changed'
  | 'password_reset'
  | 'all_signed_out'
  | 'disabled'
  | 'removed';

/** Where a user is signed in. */
export interface Session {
  id: string;
  device: string | null;
  ip: string | null;
  createdAt: Date;
  /** Within a minute. */
  lastSeenAt: Date;
  expiresAt: Date;
}

const columns = raw(`id, device, host(ip) as ip, created_at as "createdAt", last_seen_at as "lastSeenAt",
  expires_at as "expiresAt"`);
const isLive = raw(`revoked_at is null and expires_at > now()`);

export const sessionModel = (db: Db) => ({
  /** `lifetime` in seconds. */
  async create(session: {
    id: string;
    userId: number;
    refreshHash: Buffer;
    device: string | null;
    ip: string | null;
    lifetime: number;
  }): Promise<void> {
    await db.query(sql`
      insert into sessions (id, user_id, refresh_hash, device, ip, expires_at)
      values (${session.id}, ${session.userId}, ${session.refreshHash}, ${session.device}, ${session.ip}::inet,
              now() + make_interval(secs => ${session.lifetime}))`);
  },

  /** Those that are live, the latest first: their ids go by time. */
  list: ({ before, limit }: { before: string | undefined; limit: number }) =>
    db.query<Session>(sql`
      select ${columns} from sessions
       where ${isLive} and (${before ?? null}::text is null or id < ${before ?? null})
       order by id desc limit ${limit}`),

  /** Of these, those that are live; notes that they were used, at most once a minute. */
  async listLive(ids: readonly string[]): Promise<string[]> {
    const rows = await db.query<{ id: string }>(
      sql`select id from sessions where id = any (${[...ids]}::text[]) and ${isLive}`,
    );
    return rows.map(({ id }) => id);
  },

  async touch(id: string): Promise<void> {
    await db.query(sql`
      update sessions set last_seen_at = now() where id = ${id} and last_seen_at < now() - interval '1 minute'`);
  },

  /** Locked, as two may come with the same token. Null: it has ended. */
  async findForUpdate(id: string): Promise<{ refreshHash: Buffer } | null> {
    const [row] = await db.query<{ refreshHash: Buffer }>(sql`
      select refresh_hash as "refreshHash" from sessions where id = ${id} and ${isLive} for update`);
    return row ?? null;
  },

  /** `ip`: from where it was refreshed, which is where it is now; `lifetime` in seconds. */
  async setRefresh(
    id: string,
    { refreshHash, ip, lifetime }: { refreshHash: Buffer; ip: string | null; lifetime: number },
  ): Promise<void> {
    await db.query(sql`
      update sessions set refresh_hash = ${refreshHash}, ip = coalesce(${ip}::inet, ip), last_seen_at = now(),
             expires_at = now() + make_interval(secs => ${lifetime}) where id = ${id}`);
  },

  /** Whether it was live. */
  async revoke(id: string, why: SessionEnd): Promise<boolean> {
    const rows = await db.query(sql`
      update sessions set revoked_at = now(), revoked_why = ${why} where id = ${id} and ${isLive} returning 1`);
    return rows.length > 0;
  },

  /** Whether its user was ever signed in from there: an IPv6 customer owns a whole network, and changes addresses within it. */
  async isKnownPlace(userId: number, ip: string): Promise<boolean> {
    const rows = await db.query(sql`
      select 1 from sessions
       where user_id = ${userId} and (ip = ${ip}::inet
          or (family(ip) = 6 and family(${ip}::inet) = 6 and ip << set_masklen(${ip}::inet, 56)::cidr)) limit 1`);
    return rows.length > 0;
  },

  async revokeAll(userId: number, why: SessionEnd): Promise<void> {
    await db.query(sql`
      update sessions set revoked_at = now(), revoked_why = ${why} where user_id = ${userId} and ${isLive}`);
  },
});
