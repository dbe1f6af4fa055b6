import type { Db } from '../config/postgres.js';
import { publicId } from '../utils/crypto.js';
import { sql } from '../utils/sql.js';

/** A fact to append. `data` must be plain JSON; its text is fixed here, for good. */
export interface NewEvent {
  type: string;
  phoneId: number | null;
  messageId: number | null;
  data: Record<string, unknown>;
}

/** Whose it is. */
export type Owned<T> = T & { userId: number };

export interface LedgerEntry {
  userId: number;
  sequence: number;
  type: string;
  phoneId: number | null;
  /** The envelope as JSON text: the same bytes for every reader and every Attempt. */
  body: string;
}

export const eventModel = (db: Db) => {
  /** Taken first by every transaction that may append: it serialises a user's facts and keeps the sequence gapless. */
  async function lockCounters(userIds: readonly number[]): Promise<void> {
    const ids = [...new Set(userIds)];
    const held = await db.query(sql`
      select from event_counters where user_id = any (${ids}::bigint[]) order by user_id for update`);
    if (held.length === ids.length) return;
    await db.query(sql`
      insert into event_counters (user_id) select u from unnest(${ids}::bigint[]) as u order by u
      on conflict (user_id) do update set last_sequence = event_counters.last_sequence`);
  }

  /** Appends to the ledgers of their owners, in this order, and makes the Deliveries owed. */
  async function appendAll(events: readonly Owned<NewEvent>[]): Promise<void> {
    if (events.length === 0) return;
    await db.query(sql`
      select append_events(${events.map((e) => e.userId)}::bigint[], ${events.map(() => publicId('evt'))}::text[],
        ${events.map((e) => e.type)}::text[], ${events.map((e) => e.phoneId)}::bigint[],
        ${events.map((e) => e.messageId)}::bigint[], ${events.map((e) => JSON.stringify(e.data))}::text[],
        clock_timestamp())`);
  }

  return {
    lockCounters,
    lockCounter: (userId: number) => lockCounters([userId]),
    appendAll,
    append: (userId: number, events: readonly NewEvent[]) =>
      appendAll(events.map((event) => ({ ...event, userId }))),

    listAfter: (userId: number, after: number, limit: number) =>
      db.query<LedgerEntry>(sql`
        select user_id as "userId", sequence, type, phone_id as "phoneId", body from events
         where user_id = ${userId} and sequence > ${after} order by sequence limit ${limit}`),

    /** For many users at once, each after its own cursor: one query per process and tick. */
    listAfterEach: (cursors: readonly { userId: number; after: number }[], limit: number) =>
      db.query<LedgerEntry>(sql`
        select e.user_id as "userId", e.sequence, e.type, e.phone_id as "phoneId", e.body
          from unnest(${cursors.map((c) => c.userId)}::bigint[], ${cursors.map((c) => c.after)}::bigint[]) as c (user_id, after)
         cross join lateral (select * from events e where e.user_id = c.user_id and e.sequence > c.after
                              order by e.sequence limit ${limit}) e
         order by e.user_id, e.sequence`),

    async bounds(userId: number): Promise<{ oldest: number; last: number }> {
      const [row] = await db.query<{ oldest: number | null; last: number | null }>(
        sql`select oldest, last from ledger_bounds(${userId})`,
      );
      const last = row?.last ?? 0;
      return { oldest: row?.oldest ?? last + 1, last };
    },
  };
};
