import type { Db } from '../config/postgres.js';
import type { Place } from '../utils/place.js';
import { join, raw, sql, type Sql } from '../utils/sql.js';
import { messageColumns, type Message } from './message.js';
import type { TimelineEntry } from './progress.js';

export interface MessageFilter {
  userId: number;
  phoneId?: number | undefined;
  direction?: 'in' | 'out' | undefined;
  status?: string | undefined;
  type?: string | undefined;
  chat?: string | undefined;
  /** The first moment that is in. */
  since?: Date | undefined;
  /** The first moment that is out. */
  until?: Date | undefined;
  /** What comes after this place. */
  after?: Place | undefined;
  limit: number;
  offset: number;
}

export type PlacedMessage = Message & { place: number };

/** Of a search, so many of the newest messages that pass its filter are asked one by one before the index is. */
const WINDOWS = [100, 2000];

const placed = sql`${messageColumns}, (extract(epoch from created_at) * 1000000)::bigint as place`;
const newest = raw('order by created_at desc, id desc');

/** For a time column and its tie-breaker; the time is counted up from 1970 since a float would lose microseconds. */
export const isAfter = (columns: Sql, { at, id }: Place): Sql =>
  sql`(${columns}) < (timestamptz 'epoch' + ${at}::bigint * interval '1 microsecond', ${id}::bigint)`;

function conditions(filter: MessageFilter): Sql {
  const all = [sql`user_id = ${filter.userId}`];
  if (filter.phoneId !== undefined) all.push(sql`phone_number_id = ${filter.phoneId}`);
  if (filter.status !== undefined) all.push(sql`status = ${filter.status}`);
  if (filter.type !== undefined) all.push(sql`type = ${filter.type}`);
  if (filter.chat !== undefined)
    all.push(sql`chat_key = hashtextextended(${filter.chat}, 0) and chat = ${filter.chat}`);
  if (filter.since !== undefined) all.push(sql`created_at >= ${filter.since}`);
  if (filter.until !== undefined) all.push(sql`created_at < ${filter.until}`);
  if (filter.after !== undefined) all.push(isAfter(raw('created_at, id'), filter.after));
  return join(all, ' and ');
}

/** The directions to look at; the database holds messages to it (messages_status_direction). */
function directionsOf({ direction, status }: MessageFilter): ('in' | 'out')[] {
  if (direction) return [direction];
  if (status === undefined || status === 'read' || status === 'played') return ['in', 'out'];
  return [status === 'received' ? 'in' : 'out'];
}

/** The newest ids that pass a filter. Without a direction, both are read in order and merged: see the indexes. */
function newestIds(filter: MessageFilter, limit: number): Sql {
  const arms = directionsOf(filter).map(
    (direction) => sql`
      (select created_at, id from messages where direction = ${direction} and ${conditions(filter)} ${newest} limit ${limit})`,
  );
  return sql`select created_at, id from (${join(arms, ' union all ')}) arms ${newest} limit ${limit}`;
}

/** What was said, for reading. Lists name their user beside the policy, or no index would give them in order. */
export const historyModel = (db: Db) => {
  const page = (filter: MessageFilter, ids: Sql) =>
    db.query<PlacedMessage>(sql`
      select ${placed} from messages where user_id = ${filter.userId} and id in (${ids})
      ${newest} limit ${filter.limit} offset ${filter.offset}`);

  return {
    list: (filter: MessageFilter) =>
      page(filter, sql`select id from (${newestIds(filter, filter.limit + filter.offset)}) found`),

    /**
     * Messages with all of these words. A common word is soon met among the newest; a rare one is not, and then the
     * index of words has few messages to offer: each way alone would read everything for the other's case.
     */
    async search(filter: MessageFilter, words: readonly string[]): Promise<PlacedMessage[]> {
      const sought = JSON.stringify(words);
      for (const window of WINDOWS) {
        const recent = await db.query<{ id: number }>(newestIds(filter, window));
        const ids = recent.map((row) => row.id);
        const having = sql`select having_words(${filter.userId}, ${ids}::bigint[], ${sought}::jsonb)`;
        const found = await page(filter, having);
        if (found.length === filter.limit || recent.length < window) return found;
      }
      const direction = filter.direction ? sql`direction = ${filter.direction} and ` : raw('');
      return db.query<PlacedMessage>(sql`
        with found as materialized (select find_words(${filter.userId}, ${sought}::jsonb) as found_id)
        select ${placed} from found join messages on id = found_id
         where ${direction}${conditions(filter)} ${newest} limit ${filter.limit} offset ${filter.offset}`);
    },

    findMany: (ids: readonly number[]) =>
      db.query<Message>(sql`select ${messageColumns} from messages where id = any (${ids}::bigint[])`),

    timeline: (id: number) =>
      db.query<TimelineEntry>(
        sql`select status, reason, at from message_timeline where message_id = ${id} order by at`,
      ),

    /** Messages that chats and words do not know of yet: of one user, or of all. Cross-tenant: ids only. */
    listUnnoted: (userId: number | null, limit: number) =>
      db.query<{ id: number; userId: number }>(
        sql`select message_id as id, user_id as "userId" from list_unnoted(${userId}, ${limit})`,
      ),

    /** Puts messages into the chats and under their words. */
    async note(items: readonly { id: number; userId: number; words: readonly string[] }[]): Promise<void> {
      await db.query(sql`select note_history(${JSON.stringify(items)}::jsonb)`);
    },
  };
};
