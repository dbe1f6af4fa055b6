import type { Db } from '../config/postgres.js';
import type { Place } from '../utils/place.js';
import { raw, sql } from '../utils/sql.js';
import { isAfter } from './history.js';

export interface Chat {
  chat: string;
  lastMessageId: number;
  lastAt: Date;
  unread: number;
  /** `lastAt` in microseconds since 1970. */
  place: number;
}

export const chatModel = (db: Db) => ({
  /** Latest first. A chat that is spoken in while somebody walks the list moves to its top, and is not met again. */
  list: (filter: {
    userId: number;
    phoneId: number;
    after?: Place | undefined;
    limit: number;
    offset: number;
  }) =>
    db.query<Chat>(sql`
      select chat, last_message_id as "lastMessageId", last_at as "lastAt", unread,
             (extract(epoch from last_at) * 1000000)::bigint as place
        from chats
       where user_id = ${filter.userId} and phone_id = ${filter.phoneId}
             ${filter.after ? sql`and ${isAfter(raw('last_at, last_message_id'), filter.after)}` : raw('')}
       order by last_at desc, last_message_id desc limit ${filter.limit} offset ${filter.offset}`),

  /**
   * Marks a chat as read up to a message. The unread ones are the newest received: of those, the ones stored after that
   * message stay unread.
   */
  async markRead(of: { userId: number; phoneId: number; chat: string; messageId: number }): Promise<void> {
    await db.query(sql`
      update chats c set unread = (
        select count(*) from (
          select id from messages
           where user_id = ${of.userId} and chat_key = hashtextextended(${of.chat}, 0) and direction = 'in'
             and phone_number_id = ${of.phoneId} and chat = ${of.chat}
           order by created_at desc, id desc limit c.unread) u
         where u.id > ${of.messageId})
       where c.phone_id = ${of.phoneId} and c.chat = ${of.chat}`);
  },

  /**
   * After messages stored before a moment were removed: chats that they were the last of get the last that is left, or
   * go; at most `limit`. A chat that somebody holds is passed over until the next time. Returns how many it saw to.
   */
  async forget(before: Date, limit: number): Promise<number> {
    const rows = await db.query(sql`
      with stale as (
        select c.user_id, c.phone_id, c.chat from chats c
         where c.last_at < kept_since(c.user_id, 'messages', ${before}) and not exists (select 1 from messages m where m.id = c.last_message_id)
         order by c.phone_id, c.chat limit ${limit} for update of c skip locked),
      left_over as (
        select s.phone_id, s.chat, m.id, m.created_at from stale s left join lateral (
          select id, created_at from messages
           where user_id = s.user_id and chat_key = hashtextextended(s.chat, 0) and phone_number_id = s.phone_id
           order by created_at desc, id desc limit 1) m on true),
      moved as (
        update chats c set last_message_id = l.id, last_at = l.created_at from left_over l
         where c.phone_id = l.phone_id and c.chat = l.chat and l.id is not null),
      gone as (
        delete from chats c using left_over l where c.phone_id = l.phone_id and c.chat = l.chat and l.id is null)
      select 1 from stale`);
    return rows.length;
  },
});
