import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';

/** Of a user who goes, in an order in which nothing refers to what is gone; the audit goes with the user alone. */
const TABLES = [
  'attempts',
  'deliveries',
  'webhooks',
  'events',
  'messages',
  'chats',
  'group_members',
  'groups',
  'contacts',
  'lids',
  'number_checks',
  'parked_acks',
  'parked_changes',
  'quarantine',
  'inbound_facts',
  'idempotency_keys',
  'bulks',
  'api_keys',
  'sessions',
  'mail_tokens',
  'recovery_codes',
  'erasures',
  'usage_days',
];

export const removalModel = (db: Db) => ({
  /** Nobody by name: the name and the address are free for others. Nobody can take a name with a colon. */
  async blankUser(userId: number): Promise<void> {
    await db.query(sql`
      update users set username = ${`removed:${userId}`}, email = ${`removed.${userId}@invalid`}, password_hash = '!',
             totp_secret = null, is_active = false where id = ${userId}`);
  },

  async blankPhones(userId: number): Promise<void> {
    await db.query(sql`select blank_phones(${userId})`);
  },

  /** Some of all that a user has. Returns from where to go on, past what was found empty; null: nothing was left. */
  async removeRows(userId: number, limit: number, from: number): Promise<number | null> {
    for (const [at, table] of TABLES.entries()) {
      if (at < from) continue;
      const rows = await db.query(sql`
        delete from ${raw(table)} where ctid = any (array(
          select ctid from ${raw(table)} where user_id = ${userId} limit ${limit})) returning 1`);
      if (rows.length > 0) return at;
    }
    return null;
  },

  /** Some of their files' rows; the keys of the files. */
  async removeFiles(userId: number, limit: number): Promise<string[]> {
    const media = await db.query<{ key: string | null }>(sql`
      delete from media where ctid = any (array(select ctid from media where user_id = ${userId} limit ${limit}))
      returning coalesce(storage_key, '') as key`);
    const exports = await db.query<{ key: string | null }>(
      sql`delete from exports where user_id = ${userId} returning coalesce(storage_key, '') as key`,
    );
    return [...media, ...exports].map(({ key }) => key ?? '');
  },

  /** Placements that their nodes have not forgotten yet. */
  async countLeft(userId: number): Promise<number> {
    const [row] = await db.query<{ count: number }>(sql`select left_of_user(${userId}) as count`);
    return row!.count;
  },

  /** With all that is still theirs. */
  async removeUser(userId: number): Promise<void> {
    await db.query(sql`delete from users where id = ${userId}`);
  },
});
