import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';
import { messageColumns, type Message, type TimelineEntry } from './message.js';

export interface MessageFilter {
  phoneId?: number | undefined;
  direction?: 'in' | 'out' | undefined;
  status?: string | undefined;
  chat?: string | undefined;
  /** Ids below it: the page after the one that ended with it. */
  before?: number | undefined;
  limit: number;
  offset: number;
}

export const historyModel = (db: Db) => ({
  list: (filter: MessageFilter) =>
    db.query<Message>(sql`
      select ${messageColumns} from messages
       where (${filter.phoneId ?? null}::bigint is null or phone_number_id = ${filter.phoneId ?? null})
         and (${filter.direction ?? null}::text is null or direction = ${filter.direction ?? null})
         and (${filter.status ?? null}::text is null or status = ${filter.status ?? null})
         and (${filter.chat ?? null}::text is null or chat = ${filter.chat ?? null})
         and (${filter.before ?? null}::bigint is null or id < ${filter.before ?? null})
       order by id desc limit ${filter.limit} offset ${filter.offset}`),

  timeline: (id: number) =>
    db.query<TimelineEntry>(
      sql`select status, reason, at from message_timeline where message_id = ${id} order by at`,
    ),
});
