import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';
import type { Message } from './message.js';

/** When a message reached a status, in its own time. */
export interface TimelineEntry {
  status: string;
  reason: string | null;
  at: Date;
}

/** An ack, by WhatsApp's id of the message. */
export interface Ack {
  phoneId: number;
  whatsappId: string;
  status: string;
  at: Date;
}

/** How far messages have come: their statuses, the times of these, and acks that came before their message had an id. */
export const progressModel = (db: Db) => ({
  /** Writes what progress changes of messages, as they are now. */
  async save(messages: readonly Message[]): Promise<void> {
    if (messages.length === 0) return;
    await db.query(sql`
      update messages m
         set status = n.status, reason = n.reason, message_id = n.whatsapp_id, whatsapp_key = n.key, lease_id = n.lease_id,
             is_doubted = n.is_doubted, updated_at = now()
        from unnest(${messages.map((m) => m.id)}::bigint[], ${messages.map((m) => m.status)}::text[],
                    ${messages.map((m) => m.reason)}::text[], ${messages.map((m) => m.whatsappId)}::text[],
                    ${messages.map((m) => m.key && JSON.stringify(m.key))}::jsonb[],
                    ${messages.map((m) => m.leaseId)}::uuid[], ${messages.map((m) => m.isDoubted)}::boolean[])
             as n (id, status, reason, whatsapp_id, key, lease_id, is_doubted)
       where m.id = n.id`);
  },

  /** Keeps the earliest time of each status. */
  async note(entries: readonly (TimelineEntry & { userId: number; messageId: number })[]): Promise<void> {
    if (entries.length === 0) return;
    await db.query(sql`
      insert into message_timeline as t (user_id, message_id, status, reason, at)
      select e.user_id, e.message_id, e.status, (array_agg(e.reason order by e.at))[1], min(e.at)
        from unnest(${entries.map((e) => e.userId)}::bigint[], ${entries.map((e) => e.messageId)}::bigint[],
                    ${entries.map((e) => e.status)}::text[], ${entries.map((e) => e.reason)}::text[],
                    ${entries.map((e) => e.at)}::timestamptz[]) as e (user_id, message_id, status, reason, at)
       group by e.user_id, e.message_id, e.status order by e.message_id, e.status
      on conflict (message_id, status) do update set at = excluded.at, reason = excluded.reason
        where excluded.at < t.at`);
  },

  /** Keeps acks, each at its earliest, until the message has their id. */
  async park(acks: readonly (Ack & { userId: number })[]): Promise<void> {
    if (acks.length === 0) return;
    await db.query(sql`
      insert into parked_acks as p (user_id, phone_id, whatsapp_id, status, at)
      select a.user_id, a.phone_id, a.whatsapp_id, a.status, min(a.at)
        from unnest(${acks.map((a) => a.userId)}::bigint[], ${acks.map((a) => a.phoneId)}::bigint[],
                    ${acks.map((a) => a.whatsappId)}::text[], ${acks.map((a) => a.status)}::text[],
                    ${acks.map((a) => a.at)}::timestamptz[]) as a (user_id, phone_id, whatsapp_id, status, at)
       group by a.user_id, a.phone_id, a.whatsapp_id, a.status order by a.phone_id, a.whatsapp_id, a.status
      on conflict (phone_id, whatsapp_id, status) do update set at = excluded.at where excluded.at < p.at`);
  },

  /** The acks of these messages that came early; they are forgotten by this. */
  async takeParked(messages: readonly { phoneId: number; whatsappId: string }[]): Promise<Ack[]> {
    if (messages.length === 0) return [];
    return db.query<Ack>(sql`
      delete from parked_acks p
       using unnest(${messages.map((m) => m.phoneId)}::bigint[], ${messages.map((m) => m.whatsappId)}::text[])
             as n (phone_id, whatsapp_id)
       where p.phone_id = n.phone_id and p.whatsapp_id = n.whatsapp_id
      returning p.phone_id as "phoneId", p.whatsapp_id as "whatsappId", p.status, p.at`);
  },
});
