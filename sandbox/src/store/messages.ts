import { createBatcher } from '../utils/batch.js';
import { rowId } from '../utils/ids.js';
import type { Json } from '../utils/json.js';
import { createLru } from '../utils/lru.js';
import type { Database } from './database.js';

/** A message as a node answers, stores and reports it. */
export interface MessageRaw {
  readonly key: Json & { readonly id: string; readonly remoteJid: string; readonly fromMe: boolean };
  readonly pushName: string;
  readonly status: string;
  readonly message: Json;
  readonly contextInfo?: Json | null;
  readonly messageType: string;
  readonly messageTimestamp: number;
  readonly instanceId: string;
  readonly source: string;
}

export interface StatusRow {
  readonly keyId: string;
  readonly remoteJid: string;
  readonly fromMe: boolean;
  readonly participant?: string | null;
  readonly status: string;
  readonly messageId: string;
  readonly instanceId: string;
}

/** What findMessages filters by. Times are Unix seconds and count only when both ends are given. */
export interface MessageFilter {
  readonly id?: string;
  readonly source?: string;
  readonly messageType?: string;
  readonly key?: {
    readonly id?: string;
    readonly fromMe?: boolean;
    readonly remoteJid?: string;
    readonly participants?: string;
  };
  readonly messageTimestamp?: { readonly gte?: string; readonly lte?: string };
}

const WHERE = `"instanceId" = $1 and ($2::text is null or id = $2) and ($3::text is null or source::text = $3)
  and ($4::text is null or "messageType" = $4) and ($5::text is null or key->>'id' = $5)
  and ($6::boolean is null or (key->>'fromMe')::boolean = $6) and ($7::text is null or key->>'remoteJid' = $7)
  and ($8::text is null or key->>'participants' = $8)
  and ($9::int is null or $10::int is null or "messageTimestamp" between $9 and $10)`;

/** Whatever a date can be made of, as Unix seconds; null for nothing, and for what is no date. */
const seconds = (time: string | undefined): number | null => {
  const ms = time === undefined ? Number.NaN : new Date(time).getTime();
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
};

const parameters = (instanceId: string, f: MessageFilter): unknown[] => [
  instanceId,
  f.id ?? null,
  f.source ?? null,
  f.messageType ?? null,
  f.key?.id ?? null,
  f.key?.fromMe ?? null,
  f.key?.remoteJid ?? null,
  f.key?.participants ?? null,
  seconds(f.messageTimestamp?.gte),
  seconds(f.messageTimestamp?.lte),
];

const INSERT = `insert into "Message" (id, key, "pushName", participant, "messageType", message, "contextInfo", source,
    "messageTimestamp", "instanceId", status)
  select id, key, left("pushName", 100), key->>'participantAlt', "messageType", message, "contextInfo", source::"DeviceMessage",
    "messageTimestamp", "instanceId", status
  from jsonb_to_recordset($1::jsonb) as x(id text, key jsonb, "pushName" text, "messageType" text, message jsonb,
    "contextInfo" jsonb, source text, "messageTimestamp" integer, "instanceId" text, status text)`;

const RECORD = `id, key, "pushName", "messageType", message, "messageTimestamp", "instanceId", source, "contextInfo"`;

/** Rows of `"Message"` and `"MessageUpdate"`. */
export const createMessages = (db: Database) => {
  const ids = createLru<string, string>(50_000);
  return {
    /**
     * Stores a message and gives its row id.
     * @throws a foreign-key error when the instance's row is gone: the message stays sent all the same.
     */
    insert: createBatcher<MessageRaw, string>(async (messages) => {
      const rows = messages.map((message) => ({ id: rowId(), ...message }));
      await db.query(INSERT, [JSON.stringify(rows)]);
      for (const { id, key, instanceId } of rows) ids.set(`${instanceId} ${key.id}`, id);
      return rows.map(({ id }) => id);
    }),
    /** Row id of a message by its WhatsApp id, or null: then acks for it are passed over. */
    findId: async (instanceId: string, keyId: string): Promise<string | null> => {
      const cached = ids.get(`${instanceId} ${keyId}`);
      if (cached) return cached;
      const { rows } = await db.query<{ id: string }>(
        `select id from "Message" where key->>'id' = $2 and "instanceId" = $1 limit 1`,
        [instanceId, keyId],
      );
      if (rows[0]) ids.set(`${instanceId} ${keyId}`, rows[0].id);
      return rows[0]?.id ?? null;
    },
    find: async (
      instanceId: string,
      keyId: string,
    ): Promise<(Json & { key: Json; message: Json }) | null> => {
      const { rows } = await db.query<Json & { key: Json; message: Json }>(
        `select * from "Message" where key->>'id' = $2 and "instanceId" = $1 limit 1`,
        [instanceId, keyId],
      );
      return rows[0] ?? null;
    },
    markDeleted: async (id: string): Promise<void> => {
      await db.query(
        `update "Message" set key = key || '{"deleted": true}', status = 'DELETED' where id = $1`,
        [id],
      );
    },
    insertStatus: createBatcher<StatusRow, void>(async (statuses) => {
      await db.query(
        `insert into "MessageUpdate" (id, "keyId", "remoteJid", "fromMe", participant, status, "messageId", "instanceId")
         select id, "keyId", "remoteJid", "fromMe", participant, status, "messageId", "instanceId"
         from jsonb_to_recordset($1::jsonb) as x(id text, "keyId" text, "remoteJid" text, "fromMe" boolean, participant text,
           status text, "messageId" text, "instanceId" text)`,
        [JSON.stringify(statuses.map((status) => ({ id: rowId(), ...status })))],
      );
      return statuses.map(() => undefined);
    }),
    /** Newest first; `size` is what callers name `offset`. */
    page: async (
      instanceId: string,
      filter: MessageFilter,
      { page, size }: { page: number; size: number },
    ) => {
      const values = parameters(instanceId, filter);
      const total = await db.query<{ total: number }>(
        `select count(*) as total from "Message" where ${WHERE}`,
        values,
      );
      const { rows } = await db.query<Json>(
        `select ${RECORD}, (select coalesce(jsonb_agg(jsonb_build_object('status', u.status)), '[]') from "MessageUpdate" u
           where u."messageId" = m.id) as "MessageUpdate"
         from (select * from "Message" where ${WHERE} order by "messageTimestamp" desc, id desc limit $11 offset $12) m`,
        [...values, size, size * (page - 1)],
      );
      return { total: total.rows[0]!.total, records: rows };
    },
    statuses: async (
      instanceId: string,
      where: { id?: string; remoteJid?: string; fromMe?: boolean; participant?: string },
      { page, size }: { page: number; size: number },
    ): Promise<Json[]> => {
      const { rows } = await db.query<Json>(
        `select id, "keyId", "remoteJid", "fromMe", participant, "pollUpdates", status, "messageId", "instanceId"
         from "MessageUpdate" where "instanceId" = $1 and ($2::text is null or "keyId" = $2)
           and ($3::text is null or "remoteJid" = $3) and ($4::boolean is null or "fromMe" = $4)
           and ($5::text is null or participant = $5) order by id limit $6 offset $7`,
        [
          instanceId,
          where.id ?? null,
          where.remoteJid ?? null,
          where.fromMe ?? null,
          where.participant ?? null,
          size,
          size * (page - 1),
        ],
      );
      return rows;
    },
  };
};

export type Messages = ReturnType<typeof createMessages>;
