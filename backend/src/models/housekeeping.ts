import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

/** Rows that have done their work. Deleted in bounded batches, so that no statement holds many rows for long. */
export const housekeepingModel = (db: Db) => ({
  /** Deletes at most `limit` rows of each kind that ended more than `keepDays` ago. Returns how many went. */
  async clear(keepDays: number, limit: number): Promise<number> {
    const statements = [
      sql`
        delete from idempotency_keys where (user_id, key) in
          (select user_id, key from idempotency_keys where expires_at < now() order by expires_at limit ${limit}) returning 1`,
      sql`
        delete from parked_acks where (phone_id, whatsapp_id, status) in
          (select phone_id, whatsapp_id, status from parked_acks where at < now() - interval '1 day' order by at limit ${limit})
        returning 1`,
      sql`
        delete from parked_changes where (phone_id, whatsapp_id, kind) in
          (select phone_id, whatsapp_id, kind from parked_changes where since < now() - interval '1 day' order by since limit ${limit})
        returning 1`,
      sql`
        delete from inbound_facts where (phone_id, key) in
          (select phone_id, key from inbound_facts where received_at < now() - make_interval(days => ${keepDays})
            order by received_at limit ${limit}) returning 1`,
      sql`
        delete from quarantine where id in
          (select id from quarantine where received_at < now() - make_interval(days => ${keepDays}) order by id limit ${limit})
        returning 1`,
    ];
    let deleted = 0;
    for (const statement of statements) deleted += (await db.query(statement)).length;
    return deleted;
  },

  /**
   * Deletes at most `limit` messages stored before a moment, or before their user's own, the oldest of each user; never one that waits or is being
   * sent. Rows that somebody holds are passed over, so that nothing is waited for. Returns how many went.
   */
  async removeMessages(before: Date, limit: number): Promise<number> {
    const rows = await db.query(sql`
      with old as (
        select m.id
          from (select id, kept_since(id, 'messages', ${before}) as since from unnest(app_user_ids()) as u (id)) u
         cross join (values ('in'), ('out')) as d (direction)
         cross join lateral (
          select id from messages
           where user_id = u.id and direction = d.direction and created_at < u.since
             and status not in ('scheduled', 'queued', 'sending')
           order by created_at, id limit ${limit} for update skip locked) m
         limit ${limit})
      delete from messages using old where messages.id = old.id returning 1`);
    return rows.length;
  },

  /** Deletes the oldest events of each user in reach, at most so many of each. Returns how many went. */
  async trimEvents(before: Date, limit: number): Promise<number> {
    const [row] = await db.query<{ gone: number }>(sql`select trim_events(${before}, ${limit}) as gone`);
    return row!.gone;
  },

  /** Ids of all users, in pages. Cross-tenant: ids only. */
  async userIds(after: number, limit: number): Promise<number[]> {
    const rows = await db.query<{ id: number }>(sql`select id from list_user_ids(${after}, ${limit})`);
    return rows.map((row) => row.id);
  },
});
