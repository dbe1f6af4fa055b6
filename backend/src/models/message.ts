import type { Db } from '../config/postgres.js';
import { raw, sql, type Sql } from '../utils/sql.js';

export type MessageStatus =
  | 'scheduled'
  | 'queued'
  | 'sending'
  | 'sent'
  | 'delivered'
  | 'read'
  | 'played'
  | 'failed'
  | 'cancelled'
  | 'expired'
  | 'unknown'
  | 'received';

export interface Message {
  id: number;
  userId: number;
  phoneId: number;
  direction: 'in' | 'out';
  source: 'api' | 'phone' | 'contact';
  whatsappId: string | null;
  chat: string;
  chatKey: string;
  from: string;
  to: string;
  type: string;
  content: string | null;
  payload: Record<string, unknown> | null;
  status: MessageStatus;
  reason: string | null;
  attempts: number;
  leaseId: string | null;
  recovered: boolean;
  /** WhatsApp's own name of it, where it does not follow from chat and id. */
  key: Record<string, unknown> | null;
  lid: string | null;
  editedAt: Date | null;
  deletedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  expiresAt: Date | null;
  /** As asked for; null: at once. */
  sendAt: Date | null;
  priority: number;
  onUnknown: OnUnknown;
  /** An earlier try of it may have gone out. */
  isDoubted: boolean;
  mediaId: number | null;
  media: CarriedMedia | null;
  bulkId: number | null;
  /** The message that it answers, reacts to or votes in, where that is here by now. */
  refersTo: number | null;
}

/** What is done with a send of which nobody knows whether it went out. */
export type OnUnknown = 'keep' | 'resend';

export interface Draft {
  userId: number;
  phoneId: number;
  chat: string;
  type: string;
  content: string | null;
  payload: Record<string, unknown> | null;
  /** 0 high, 1 normal, 2 bulk. */
  priority: number;
  sendAt: string | null;
  /** When it is no longer worth sending; null: `ttl` seconds after it is due. */
  expiresAt: string | null;
  ttl: number;
  onUnknown: OnUnknown;
  mediaId: number | null;
  bulkId: number | null;
  requestId: string;
  key: string | null;
  /** SHA-256 of the request, as hex; with a key only. */
  hash: string | null;
  /** Seconds. */
  keyTtl: number;
  /** Messages of its user in a day (UTC); null: as many as they like, and none is counted. */
  dayLimit: number | null;
}

export interface Acceptance {
  outcome:
    | 'accepted'
    | 'replayed'
    /** Was replayed, and its message is no longer kept. */
    | 'gone'
    | 'key_mismatch'
    | 'phone_missing'
    | 'phone_refuses'
    | 'media_missing'
    | 'media_refused'
    | 'quota_exceeded';
  phoneStatus: string | null;
  id: number;
  phoneId: number;
  chat: string;
  from: string;
  to: string;
  type: string;
  content: string | null;
  payload: Record<string, unknown> | null;
  priority: number;
  mediaId: number | null;
  sendAt: Date | null;
  createdAt: Date;
  expiresAt: Date | null;
  /** How many more its user may send today after it; null: where there is no limit, and of what was accepted before. */
  dayLeft: number | null;
}

export interface NewFact {
  userId: number;
  phoneId: number;
  placementId: string | null;
  direction: 'in' | 'out';
  source: 'phone' | 'contact';
  whatsappId: string;
  chat: string;
  from: string;
  to: string;
  type: string;
  content: string | null;
  payload: Record<string, unknown> | null;
  status: MessageStatus;
  sequence: number;
  key: Record<string, unknown> | null;
  lid: string | null;
  mediaId: number | null;
  recovered: boolean;
  at: Date;
}

/** What a message shows of the file it carries. */
export interface CarriedMedia {
  id: number;
  status: string;
  kind: string;
  mimetype: string | null;
  fileName: string | null;
  /** Bytes. */
  size: number | null;
  /** Why it is not there, once it has failed. */
  reason: string | null;
}

/** Every column of a Message, by the name it has there. */
export const messageColumns =
  raw(`id, user_id as "userId", phone_number_id as "phoneId", direction, source, message_id as "whatsappId",
  chat, chat_key::text as "chatKey", from_number as "from", to_number as "to", type, content, payload, status, reason,
  attempts, lease_id as "leaseId", recovered, whatsapp_key as "key", lid, edited_at as "editedAt",
  deleted_at as "deletedAt", created_at as "createdAt", greatest(updated_at, created_at) as "updatedAt",
  expires_at as "expiresAt", send_at as "sendAt", priority, on_unknown as "onUnknown", is_doubted as "isDoubted",
  media_id as "mediaId", bulk_id as "bulkId",
  case when media_id is not null then (
    select json_build_object('id', d.id, 'status', d.status, 'kind', d.kind, 'mimetype', d.mimetype,
                             'fileName', d.file_name, 'size', d.size,
                             'reason', case when d.status = 'failed' then d.reason end)
      from media d where d.id = media_id) end as media,
  case when payload ? 'quotedWhatsappId' or payload ? 'reaction' or payload ? 'vote' then (
    select r.id from messages r
     where r.phone_number_id = messages.phone_number_id
       and r.message_id = coalesce(messages.payload->>'quotedWhatsappId', messages.payload->'reaction'->>'whatsappId',
                                   messages.payload->'vote'->>'whatsappId')
     order by r.direction desc limit 1) end as "refersTo"`);

export const messageModel = (db: Db) => {
  const one = async (statement: Sql): Promise<Message | null> =>
    (await db.query<Message>(statement))[0] ?? null;
  return {
    /**
     * Many drafts of many users in one statement and one commit; each answer is where its draft was, whatever became of the
     * others: they are of other tenants. Sets its own tenant context.
     */
    async accept(drafts: readonly Draft[]): Promise<(Acceptance | undefined)[]> {
      const rows = await db.query<Acceptance & { n: number }>(sql`
        select n, outcome, phone_status as "phoneStatus", id, phone_id as "phoneId", chat, from_number as "from",
               to_number as "to", type, content, payload, priority, media_id as "mediaId", send_at as "sendAt",
               created_at as "createdAt", expires_at as "expiresAt", day_left as "dayLeft"
          from accept_messages(kept_keys(${JSON.stringify(drafts)}::jsonb))`);
      const byPlace = new Map(rows.map(({ n, ...answer }) => [n, answer]));
      return drafts.map((_draft, n) => byPlace.get(n));
    },

    find: (id: number) => one(sql`select ${messageColumns} from messages where id = ${id}`),
    findForUpdate: (id: number) =>
      one(sql`select ${messageColumns} from messages where id = ${id} for update`),
    /** With their rows locked, in the order in which everything locks. */
    listForUpdate: (ids: readonly number[]) =>
      db.query<Message>(sql`
        select ${messageColumns} from messages where id = any (${[...ids]}::bigint[]) order by id for update`),

    /** What has not been handed over of a phone, with its rows locked, at most `limit`. */
    listWaiting: (phoneId: number, limit: number) =>
      db.query<Message>(sql`
        select ${messageColumns} from messages
         where phone_number_id = ${phoneId} and status in ('scheduled', 'queued') order by id limit ${limit} for update`),

    /** Whether one of the phone is being handed over at this moment. */
    async isSending(phoneId: number): Promise<boolean> {
      const rows = await db.query(
        sql`select 1 from messages where phone_number_id = ${phoneId} and status = 'sending' limit 1`,
      );
      return rows.length > 0;
    },

    /** By phone and WhatsApp's id, with their rows locked. Of two with one name, what was sent. */
    listByWhatsappId: (named: readonly { phoneId: number; whatsappId: string }[]) =>
      db.query<Message>(sql`
        select m.* from unnest(${named.map((n) => n.phoneId)}::bigint[], ${named.map((n) => n.whatsappId)}::text[])
                        as n (phone, name)
         cross join lateral (
           select ${messageColumns} from messages where phone_number_id = n.phone and message_id = n.name
            order by direction desc limit 1 for update) m`),

    /** Sends whose answer is not known, in chats: candidates for echoes. */
    listInDoubt: (chats: readonly { phoneId: number; chat: string }[]) =>
      db.query<Message>(sql`
        select m.* from unnest(${chats.map((c) => c.phoneId)}::bigint[], ${chats.map((c) => c.chat)}::text[])
                        as n (phone, address)
         cross join lateral (
           select ${messageColumns} from messages
            where phone_number_id = n.phone and chat_key = hashtextextended(n.address, 0) and chat = n.address
              and (status in ('sending', 'unknown') or is_doubted) and status in ('sending', 'unknown', 'queued')
              and message_id is null
            order by id for update) m`),

    /**
     * A new try under the same message. One in doubt keeps its place in its chat; any other goes to the end. `ttl` in
     * seconds, from now, unless it had longer.
     */
    requeue: (message: Pick<Message, 'id' | 'status'>, ttl: number) =>
      one(sql`
        update messages
           set status = 'queued', reason = null, lease_id = null, message_id = null, whatsapp_key = null, updated_at = now(),
               is_doubted = is_doubted or ${message.status} = 'unknown',
               due_at = case when ${message.status} = 'unknown' then due_at else now() end,
               expires_at = greatest(expires_at, now() + make_interval(secs => ${ttl}))
         where id = ${message.id} returning ${messageColumns}`),

    /** Sent to one person before `before`, nothing heard since, and nobody told yet: marked as told, at most `limit`. */
    markOverdue: (userId: number, before: Date, limit: number) =>
      db.query<Message>(sql`
        update messages set overdue_at = now() where id in (
          select id from messages
           where user_id = ${userId} and status = 'sent' and source = 'api' and overdue_at is null
             and sending_at < ${before} and chat not like 'group:%' and chat <> 'status'
           order by sending_at limit ${limit} for update)
        returning ${messageColumns}`),

    /** Those of these users who have such a message. */
    async usersWithSilence(before: Date): Promise<number[]> {
      const rows = await db.query<{ userId: number }>(sql`
        select distinct user_id as "userId" from messages
         where status = 'sent' and source = 'api' and overdue_at is null and sending_at < ${before} order by 1`);
      return rows.map((row) => row.userId);
    },

    /**
     * Stores what was said on phones and did not come through our API; without those that are here already. WhatsApp tells
     * whole seconds: what is here of the same second came before, as a question does before its answer.
     */
    async record(facts: readonly NewFact[]): Promise<Message[]> {
      if (facts.length === 0) return [];
      return db.query<Message>(sql`
        insert into messages (user_id, phone_number_id, placement_id, direction, source, message_id, chat, from_number,
                              to_number, type, content, payload, status, sequence, whatsapp_key, lid, media_id, recovered, due_at, created_at)
        select n."userId", n."phoneId", n."placementId", n.direction, n.source, n."whatsappId", n.chat, n."from", n."to", n.type,
               n.content, n.payload, n.status, n.sequence, n.key, n.lid, n."mediaId", n.recovered, n.at,
               least(clock_timestamp(), greatest(n.at, (
                 select max(e.created_at) from messages e
                  where e.user_id = n."userId" and e.phone_number_id = n."phoneId" and e.direction in ('in', 'out')
                    and e.created_at >= n.at and e.created_at < date_trunc('second', n.at) + interval '1 second')))
          from jsonb_to_recordset(${JSON.stringify(facts.map((fact, nth) => ({ ...fact, nth })))}::jsonb)
               as n ("userId" bigint, "phoneId" bigint, "placementId" text, direction text, source text, "whatsappId" text,
                     chat text, "from" text, "to" text, type text, content text, payload jsonb, status text, sequence bigint,
                     key jsonb, lid text, "mediaId" bigint, recovered boolean, at timestamptz, nth integer)
         order by n.nth
        on conflict (phone_number_id, message_id, direction) where message_id is not null do nothing
        returning ${messageColumns}`);
    },
  };
};
