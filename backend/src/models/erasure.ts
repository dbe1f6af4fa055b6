import type { Db } from '../config/postgres.js';
import { raw, sql, type Sql } from '../utils/sql.js';

export interface Erasure {
  id: number;
  /** Null once it has ended. */
  contact: string | null;
  createdAt: Date;
  /** When it was last asked for, in microseconds since 1970. */
  askedAt: number;
  endedAt: Date | null;
}

export interface ErasedMessage {
  id: number;
  mediaId: number | null;
  phoneId: number;
  status: string;
}

/** Of whom nothing is to be left: the names of one contact, in every spelling, and how they look inside of longer texts. */
export interface Names {
  /** Numbers and `lid:…`. */
  addresses: readonly string[];
  /** The same as nodes have them, and what stands before the @ of those. */
  jids: readonly string[];
  users: readonly string[];
  /** What names them anywhere: a regular expression. */
  pattern: string;
}

/** What somebody else said, and names them. */
export interface Naming {
  id: number;
  payload: Record<string, unknown> | null;
  key: Record<string, unknown> | null;
  content: string | null;
}

/** A user's tables, and what in a row of them tells of a contact. */
const TRACES: readonly { table: string; is: (names: Names) => Sql }[] = [
  { table: 'chats', is: ({ addresses }) => sql`chat = any (${[...addresses]}::text[])` },
  {
    table: 'contacts',
    is: ({
      addresses,
    }) => sql`(address = any (${[...addresses]}::text[]) or 'lid:' || lid = any (${[...addresses]}::text[])
                              or lid = any (${[...addresses]}::text[]))`,
  },
  { table: 'group_members', is: ({ addresses }) => sql`address = any (${[...addresses]}::text[])` },
  { table: 'number_checks', is: ({ addresses }) => sql`number = any (${[...addresses]}::text[])` },
  {
    table: 'lids',
    is: ({ addresses }) =>
      sql`(number = any (${[...addresses]}::text[]) or lid = any (${[...addresses]}::text[]) or 'lid:' || lid = any (${[...addresses]}::text[]))`,
  },
  {
    table: 'parked_changes',
    is: ({ pattern }) => sql`(chat || coalesce(content::text, '')) ~ ${pattern}`,
  },
  { table: 'inbound_facts', is: ({ pattern }) => sql`key ~ ${pattern}` },
  { table: 'quarantine', is: ({ pattern }) => sql`body::text ~ ${pattern}` },
];

/** Digits between others than digits, as a key of somebody's own making may have them. */
const wholeOf = (users: readonly string[]): string => `(^|[^0-9])(${users.join('|')})([^0-9]|$)`;

const columns = raw(`id, contact, created_at as "createdAt", ended_at as "endedAt",
  (extract(epoch from created_at) * 1000000)::bigint as "askedAt"`);

export const erasureModel = (db: Db) => {
  /** Events keep their id, their place and their time; what receivers answered to them goes too. */
  async function blank(userId: number, which: Sql): Promise<void> {
    await db.query(sql`
      with blanked as (
        update events set type = 'event.erased', message_id = null,
               body = json_build_object('id', id, 'sequence', sequence, 'event', 'event.erased', 'createdAt', body::json->'createdAt',
                                        'data', json_build_object('phoneId', phone_id))::text
         where user_id = ${userId} and type <> 'event.erased' and ${which} returning sequence)
      update attempts a set answer = null, detail = null
        from deliveries d where d.user_id = ${userId} and d.event_sequence in (select sequence from blanked)
         and a.user_id = d.user_id and a.delivery_id = d.id`);
  }

  return {
    /** The one of that contact, new or not. */
    async create(userId: number, contact: string): Promise<Erasure> {
      const [row] = await db.query<Erasure>(sql`
      insert into erasures (user_id, contact) values (${userId}, ${contact})
      on conflict (user_id, contact) do update set created_at = now() returning ${columns}`);
      return row!;
    },

    async find(id: number): Promise<Erasure | null> {
      const [row] = await db.query<Erasure>(sql`select ${columns} from erasures where id = ${id}`);
      return row ?? null;
    },

    /** It tells of nobody any more; unless it was asked for again meanwhile, which is a job of its own. */
    async end({ id, askedAt }: Erasure): Promise<void> {
      await db.query(sql`
      update erasures set contact = null, ended_at = now()
       where id = ${id} and ended_at is null and (extract(epoch from created_at) * 1000000)::bigint = ${askedAt}`);
    },

    /** Those of these names that are the user's own phones. */
    async ownPhones(userId: number, names: readonly string[]): Promise<string[]> {
      const rows = await db.query<{ name: string }>(sql`
      select phone_number as name from phone_numbers where user_id = ${userId} and phone_number = any (${[...names]}::text[])`);
      return rows.map(({ name }) => name);
    },

    /** Every name that this contact goes by, whose name this is in one spelling or another. */
    async aliases(userId: number, spellings: readonly string[]): Promise<string[]> {
      const given = sql`any (${[...spellings]}::text[])`;
      const ofLid = sql`user_id = ${userId} and (lid = ${given} or 'lid:' || lid = ${given})`;
      const lid = raw(`case when lid like 'lid:%' then lid else 'lid:' || lid end`);
      const rows = await db.query<{ name: string }>(sql`
      select number as name from lids where ${ofLid}
      union select ${lid} from lids where user_id = ${userId} and number = ${given}
      union select ${lid} from contacts where user_id = ${userId} and address = ${given} and lid is not null
      union select address from contacts where ${ofLid}`);
      return [...new Set([...spellings, ...rows.map(({ name }) => name)])];
    },

    /**
     * Some of what was said with them, in their own chat or by them elsewhere: two questions, each by its index. What a phone of
     * one's own has said elsewhere is never theirs, whatever number it had.
     */
    messages: (userId: number, { addresses }: Names, { after, limit }: { after: number; limit: number }) =>
      db.query<Pick<ErasedMessage, 'id' | 'mediaId'>>(sql`
      with theirs as materialized (
        select id, media_id from messages
         where user_id = ${userId} and chat = any (${[...addresses]}::text[]) and id > ${after}
           and chat_key = any (array(select hashtextextended(a, 0) from unnest(${[...addresses]}::text[]) a))
        union all
        select id, media_id from messages
         where user_id = ${userId} and from_number = any (${[...addresses]}::text[]) and id > ${after}
           and direction = 'in' and chat <> from_number)
      select distinct id, media_id as "mediaId" from theirs order by id limit ${limit}`),

    /** Held against a message that takes one of them at this moment: it is seen afterwards, or finds the file gone. */
    async holdMedia(userId: number, messages: readonly Pick<ErasedMessage, 'mediaId'>[]): Promise<void> {
      const media = messages.flatMap(({ mediaId }) => (mediaId === null ? [] : [mediaId]));
      await db.query(sql`
      select from media where user_id = ${userId} and id = any (${media}::bigint[]) order by id for update`);
    },

    /** Chats of others in which they spoke: their last message is one that stays, and what stays is counted. */
    async mendChats(userId: number, messageIds: readonly number[]): Promise<void> {
      const ids = sql`${[...messageIds]}::bigint[]`;
      const said = (direction: 'in' | 'out') => sql`(
        select id, created_at from messages m
         where m.user_id = t.user_id and m.chat_key = hashtextextended(t.chat, 0) and m.direction = ${direction}
           and m.phone_number_id = t.phone_id and m.chat = t.chat and m.id <> all (${ids})
         order by created_at desc, id desc limit 1)`;
      await db.query(sql`
      with touched as (
        select c.user_id, c.phone_id, c.chat from chats c
          join (select distinct phone_number_id, chat from messages
                 where user_id = ${userId} and id = any (${ids}) and chat <> from_number and direction = 'in') m
            on c.user_id = ${userId} and c.phone_id = m.phone_number_id and c.chat = m.chat
         order by c.phone_id, c.chat for update of c),
      mended as (
        select t.*, l.id, l.created_at from touched t left join lateral (
          select * from (${said('in')} union all ${said('out')}) l order by created_at desc, id desc limit 1) l on true),
      moved as (
        update chats c set last_message_id = n.id, last_at = n.created_at, unread = (
          select count(*) from (
            select id from messages m
             where m.user_id = c.user_id and m.chat_key = hashtextextended(c.chat, 0) and m.direction = 'in'
               and m.phone_number_id = c.phone_id and m.chat = c.chat
             order by m.created_at desc, m.id desc limit c.unread) u where u.id <> all (${ids}))
          from mended n where c.phone_id = n.phone_id and c.chat = n.chat and n.id is not null)
      delete from chats c using mended n where c.phone_id = n.phone_id and c.chat = n.chat and n.id is null`);
    },

    /** What is left of events about these messages is that they were there. Deliveries send that from now on. */
    async blankEventsOf(userId: number, messageIds: readonly number[]): Promise<void> {
      await blank(userId, sql`message_id = any (${[...messageIds]}::bigint[])`);
    },

    /** The same of a stretch of the ledger, of those that name them. Returns where it ends; null: that was the end. */
    async blankEvents(
      userId: number,
      { pattern }: Names,
      { after, limit }: { after: number; limit: number },
    ): Promise<number | null> {
      const [stretch] = await db.query<{ last: number | null }>(sql`
      select max(sequence) as last from (
        select sequence from events where user_id = ${userId} and sequence > ${after} order by sequence limit ${limit}) s`);
      const last = stretch?.last ?? null;
      if (last === null) return null;
      await blank(userId, sql`sequence > ${after} and sequence <= ${last} and body ~ ${pattern}`);
      return last;
    },

    /** Of a stretch of all messages, those that name them, locked; and where it ends, null: that was the end. */
    async naming(
      userId: number,
      { pattern }: Names,
      { after, limit }: { after: number; limit: number },
    ): Promise<{ last: number | null; found: Naming[] }> {
      const [stretch] = await db.query<{ last: number | null }>(sql`
      select max(id) as last from (
        select id from messages where user_id = ${userId} and id > ${after} order by id limit ${limit}) s`);
      const last = stretch?.last ?? null;
      if (last === null) return { last, found: [] };
      const found = await db.query<Naming>(sql`
      select id, payload, whatsapp_key as key, content from messages
       where user_id = ${userId} and id > ${after} and id <= ${last}
         and (payload::text ~ ${pattern} or whatsapp_key::text ~ ${pattern})
       order by id for update`);
      return { last, found };
    },

    async rewrite(said: readonly Naming[]): Promise<void> {
      if (said.length === 0) return;
      await db.query(sql`
      update messages m set payload = nullif(n.payload, '{}'), whatsapp_key = n.key, content = n.content
        from jsonb_to_recordset(${JSON.stringify(said)}::jsonb) as n (id bigint, payload jsonb, key jsonb, content text)
       where m.id = n.id`);
    },

    /** Returns the keys of files that nothing else needs any more. What was uploaded by itself is the user's own, and stays. */
    async removeMessages(userId: number, messages: readonly ErasedMessage[]): Promise<string[]> {
      const ids = messages.map(({ id }) => id);
      const media = messages.flatMap(({ mediaId }) => (mediaId === null ? [] : [mediaId]));
      await db.query(sql`delete from messages where user_id = ${userId} and id = any (${ids}::bigint[])`);
      // Without the message its key refuses a repetition; without the key, that would be sent again.
      await db.query(sql`
      update idempotency_keys set message_id = null where user_id = ${userId} and message_id = any (${ids}::bigint[])`);
      const rows = await db.query<{ key: string | null }>(sql`
      delete from media m where m.user_id = ${userId} and m.id = any (${media}::bigint[])
         and m.source <> 'upload' and not exists (select 1 from messages w where w.user_id = m.user_id and w.media_id = m.id)
      returning storage_key as key`);
      return rows.flatMap(({ key }) => (key ? [key] : []));
    },

    /**
     * Keys stay, as what they stand for is never to be done again: answers that tell of them are blanked, and of keys that name
     * them a form is made that nobody reads. Keys themselves go with the traces, when none is asked for by them any more.
     */
    async hideKeys(userId: number, { pattern, users }: Names): Promise<void> {
      await db.query(sql`
      update idempotency_keys set response = null where user_id = ${userId} and response::text ~ ${pattern}`);
      await db.query(sql`
      insert into idempotency_keys (user_id, key, request_hash, message_id, response, created_at, expires_at)
      select user_id, erased_key(user_id, key), request_hash, message_id, response, created_at, expires_at
        from idempotency_keys where user_id = ${userId} and key !~ '^erased:' and key ~ ${wholeOf(users)}
      on conflict do nothing`);
    },

    /** All that is short. */
    async removeTraces(userId: number, names: Names): Promise<void> {
      for (const { table, is } of TRACES)
        await db.query(sql`delete from ${raw(table)} where user_id = ${userId} and ${is(names)}`);
      await db.query(
        sql`delete from idempotency_keys where user_id = ${userId} and key !~ '^erased:' and key ~ ${wholeOf(names.users)}`,
      );
      // Answers that were being written while their event was erased.
      await db.query(sql`
      update attempts a set answer = null, detail = null
        from deliveries d join events e on e.user_id = d.user_id and e.sequence = d.event_sequence
       where a.user_id = ${userId} and a.at > now() - interval '1 hour' and coalesce(a.answer, a.detail) is not null
         and d.user_id = ${userId} and d.id = a.delivery_id and e.type = 'event.erased'`);
      await db.query(sql`
      update groups set owner = null where user_id = ${userId} and owner = any (${[...names.addresses]}::text[])`);
    },

    /** Where their phones live or lived. */
    async placements(userId: number): Promise<string[]> {
      const rows = await db.query<{ id: string }>(sql`select id from placements where user_id = ${userId}`);
      return rows.map(({ id }) => id);
    },
  };
};
