import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

/** Something that became of a message after it was said. */
export interface Change {
  kind: 'edited' | 'deleted';
  content: string | null;
  at: Date;
}

/** A change of a message that is not here; `fromMe`: it was said on the phone itself. */
export interface ParkedChange extends Change {
  whatsappId: string;
  chat: string | null;
  fromMe: boolean;
}

/** What became of messages: edits, deletions, reading. */
export const changeModel = (db: Db) => ({
  /** False: a later edit is known, or this one. Of two at one time the greater words stay, whichever came first. */
  async edit(id: number, edit: { content: string | null; at: Date }): Promise<boolean> {
    const rows = await db.query(sql`
      update messages set content = ${edit.content}, edited_at = ${edit.at}, updated_at = now()
       where id = ${id} and (edited_at is null or edited_at < ${edit.at}
                             or edited_at = ${edit.at} and content < ${edit.content}) returning 1`);
    return rows.length > 0;
  },

  /** Keeps the earliest time that is told of it. */
  async remove(id: number, at: Date): Promise<void> {
    await db.query(sql`
      update messages set deleted_at = least(deleted_at, ${at}), updated_at = now()
       where id = ${id} and (deleted_at is null or deleted_at > ${at})`);
  },

  /** Of a message that is not here (yet): the last edit, the first deletion. */
  async park(change: ParkedChange & { userId: number; phoneId: number }): Promise<void> {
    const { userId, phoneId, whatsappId, kind, content, at, chat, fromMe } = change;
    await db.query(sql`
      insert into parked_changes as p (user_id, phone_id, whatsapp_id, kind, content, at, chat, from_me)
      values (${userId}, ${phoneId}, ${whatsappId}, ${kind}, ${content}, ${at}, ${chat}, ${fromMe})
      on conflict (phone_id, whatsapp_id, kind) do update set content = excluded.content, at = excluded.at
        where case p.kind when 'edited' then (p.at, p.content) < (excluded.at, excluded.content) else p.at > excluded.at end`);
  },

  /** What came of these messages before they did; it is forgotten by this. */
  takeParked: (messages: readonly { phoneId: number; whatsappId: string | null }[]) =>
    db.query<Change & { phoneId: number; whatsappId: string }>(sql`
      delete from parked_changes p
       using unnest(${messages.map((m) => m.phoneId)}::bigint[], ${messages.map((m) => m.whatsappId)}::text[])
             as n (phone, name)
       where p.phone_id = n.phone and p.whatsapp_id = n.name
      returning p.phone_id as "phoneId", p.whatsapp_id as "whatsappId", p.kind, p.content, p.at`),

  /** Parked since before a moment, and told to nobody: marked as told, at most `limit`, in the order in which they came. */
  markTold: (userId: number, before: Date, limit: number) =>
    db.query<ParkedChange & { phoneId: number }>(sql`
      with told as (
        update parked_changes set told_at = now() where (phone_id, whatsapp_id, kind) in (
          select phone_id, whatsapp_id, kind from parked_changes
           where user_id = ${userId} and told_at is null and since < ${before} order by since limit ${limit} for update)
        returning *)
      select phone_id as "phoneId", whatsapp_id as "whatsappId", kind, content, at, chat, from_me as "fromMe"
        from told order by since, at, whatsapp_id`),

  /** Those of the users in reach who have such a change. */
  async usersWithUntold(before: Date): Promise<number[]> {
    const rows = await db.query<{ userId: number }>(sql`
      select distinct user_id as "userId" from parked_changes where told_at is null and since < ${before} order by 1`);
    return rows.map((row) => row.userId);
  },

  /** What came in a chat up to a message and is not marked as read: the newest, at most `limit`. */
  listUnread: (upTo: { phoneId: number; chatKey: string; id: number }, limit: number) =>
    db.query<{ id: number; whatsappId: string; key: Record<string, unknown> | null }>(sql`
      select id, message_id as "whatsappId", whatsapp_key as "key" from messages
       where phone_number_id = ${upTo.phoneId} and chat_key = ${upTo.chatKey}::bigint and status = 'received'
         and id <= ${upTo.id}
       order by id desc limit ${limit}`),

  async markRead(ids: readonly number[]): Promise<void> {
    await db.query(sql`
      with marked as (
        update messages set status = 'read', updated_at = now()
         where id = any (${[...ids]}::bigint[]) and status = 'received' returning user_id, id)
      insert into message_timeline (user_id, message_id, status, at)
      select user_id, id, 'read', now() from marked on conflict do nothing`);
  },
});
