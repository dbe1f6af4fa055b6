import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

/** Something that became of a message after it was said. */
export interface Change {
  kind: 'edited' | 'deleted';
  content: string | null;
  at: Date;
}

/** What became of messages: edits, deletions, reading. */
export const changeModel = (db: Db) => ({
  /** False: a later edit is known, or this one. What was deleted since keeps the words that it had. */
  async edit(id: number, edit: { content: string | null; at: Date }): Promise<boolean> {
    const rows = await db.query(sql`
      update messages set content = ${edit.content}, edited_at = ${edit.at}, updated_at = now()
       where id = ${id} and (edited_at is null or edited_at < ${edit.at}) returning 1`);
    return rows.length > 0;
  },

  /** False: it was deleted before. */
  async remove(id: number, at: Date): Promise<boolean> {
    const rows = await db.query(sql`
      update messages set deleted_at = ${at}, updated_at = now() where id = ${id} and deleted_at is null returning 1`);
    return rows.length > 0;
  },

  /** Keeps the newest of a kind. */
  async park(change: Change & { userId: number; phoneId: number; whatsappId: string }): Promise<void> {
    await db.query(sql`
      insert into parked_changes as p (user_id, phone_id, whatsapp_id, kind, content, at)
      values (${change.userId}, ${change.phoneId}, ${change.whatsappId}, ${change.kind}, ${change.content}, ${change.at})
      on conflict (phone_id, whatsapp_id, kind) do update set content = excluded.content, at = excluded.at
        where p.at < excluded.at`);
  },

  takeParked: (phoneId: number, whatsappId: string) =>
    db.query<Change>(sql`
      delete from parked_changes where phone_id = ${phoneId} and whatsapp_id = ${whatsappId}
      returning kind, content, at`),

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
