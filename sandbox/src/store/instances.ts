import { createBatcher } from '../utils/batch.js';
import { rowId } from '../utils/ids.js';
import type { Json } from '../utils/json.js';
import type { Database } from './database.js';

export interface InstanceRow {
  readonly id: string;
  readonly name: string;
  readonly connectionStatus: 'open' | 'close' | 'connecting';
  readonly ownerJid: string | null;
  readonly profileName: string | null;
  readonly profilePicUrl: string | null;
  readonly number: string | null;
  readonly token: string | null;
  readonly clientName: string | null;
}

export interface NewInstance {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly number: string | null;
  readonly clientName: string;
}

/** Facts that change with the connection; what is left out stays. */
export interface ConnectionFacts {
  readonly id: string;
  readonly connectionStatus?: 'open' | 'close' | 'connecting';
  readonly ownerJid?: string;
  readonly profileName?: string;
  readonly profilePicUrl?: string;
  readonly reasonCode?: number;
  /** As real nodes store it: JSON text inside the JSON column. */
  readonly reason?: string;
}

const DETAILS = `select i.id, i.name, i."connectionStatus", i."ownerJid", i."profileName", i."profilePicUrl", i.integration,
  i.number, i."businessId", i.token, i."clientName", i."disconnectionReasonCode", i."disconnectionObject",
  i."disconnectionAt", i."createdAt", i."updatedAt", null as "Chatwoot", null as "Proxy", null as "Rabbitmq",
  null as "Nats", null as "Sqs", null as "Websocket",
  (select jsonb_build_object('id', s.id, 'rejectCall', s."rejectCall", 'msgCall', s."msgCall", 'groupsIgnore', s."groupsIgnore",
     'alwaysOnline', s."alwaysOnline", 'readMessages', s."readMessages", 'readStatus', s."readStatus",
     'syncFullHistory', s."syncFullHistory", 'wavoipToken', s."wavoipToken",
     'createdAt', to_char(s."createdAt", 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
     'updatedAt', to_char(s."updatedAt", 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'instanceId', s."instanceId")
     from "Setting" s where s."instanceId" = i.id) as "Setting",
  jsonb_build_object('Message', (select count(*) from "Message" m where m."instanceId" = i.id),
     'Contact', (select count(*) from "Contact" c where c."instanceId" = i.id),
     'Chat', (select count(*) from "Chat" c where c."instanceId" = i.id)) as _count
  from "Instance" i`;

/** One row per instance, later facts over earlier ones. */
const merged = (facts: readonly ConnectionFacts[]): ConnectionFacts[] => {
  const byId = new Map<string, ConnectionFacts>();
  for (const fact of facts) byId.set(fact.id, { ...byId.get(fact.id), ...fact });
  return [...byId.values()];
};

const createConnectionWriter = (db: Database) =>
  createBatcher<ConnectionFacts, void>(async (facts) => {
    await db.query(
      `update "Instance" i set
         "connectionStatus" = coalesce(f."connectionStatus"::"InstanceConnectionStatus", i."connectionStatus"),
         "ownerJid" = coalesce(f."ownerJid", i."ownerJid"), "profileName" = coalesce(f."profileName", i."profileName"),
         "profilePicUrl" = coalesce(f."profilePicUrl", i."profilePicUrl"),
         "disconnectionReasonCode" = coalesce(f."reasonCode", i."disconnectionReasonCode"),
         "disconnectionObject" = coalesce(to_jsonb(f.reason), i."disconnectionObject"),
         "disconnectionAt" = case when f."reasonCode" is null then i."disconnectionAt" else now() end,
         "updatedAt" = now()
       from jsonb_to_recordset($1::jsonb) as f(id text, "connectionStatus" text, "ownerJid" text, "profileName" text,
         "profilePicUrl" text, "reasonCode" integer, reason text)
       where i.id = f.id`,
      [JSON.stringify(merged(facts))],
    );
    return facts.map(() => undefined);
  }, 500);

/** Rows of `"Instance"`. */
export const createInstances = (db: Database) => ({
  /** @returns false when another row has the name; nothing is written then. */
  insert: async ({ id, name, token, number, clientName }: NewInstance): Promise<boolean> => {
    const { rowCount } = await db.query(
      `insert into "Instance" (id, name, "connectionStatus", integration, number, token, "clientName", "updatedAt")
       values ($1, $2, 'close', 'WHATSAPP-BAILEYS', $3, $4, $5, now()) on conflict (name) do nothing`,
      [id, name, number, token, clientName],
    );
    return rowCount === 1;
  },
  findByName: async (name: string): Promise<InstanceRow | null> => {
    const { rows } = await db.query<InstanceRow>('select * from "Instance" where name = $1', [name]);
    return rows[0] ?? null;
  },
  findName: async (by: { id?: string; number?: string }): Promise<string | null> => {
    const { rows } = await db.query<{ name: string }>(
      'select name from "Instance" where ($1::text is null or id = $1) and ($2::text is null or number = $2) limit 1',
      [by.id ?? null, by.number ?? null],
    );
    return rows[0]?.name ?? null;
  },
  /** Whether there is any instance at all: a create without a name collides with whichever there is. */
  any: async (): Promise<boolean> => (await db.query('select from "Instance" limit 1')).rowCount === 1,
  namesByToken: async (token: string): Promise<string[]> => {
    const { rows } = await db.query<{ name: string }>('select name from "Instance" where token = $1', [
      token,
    ]);
    return rows.map(({ name }) => name);
  },
  /** What a node loads at start. */
  listOf: async (clientName: string): Promise<InstanceRow[]> => {
    const { rows } = await db.query<InstanceRow>(
      'select * from "Instance" where "clientName" = $1 order by "createdAt"',
      [clientName],
    );
    return rows;
  },
  /** The answer of fetchInstances: only rows with the client name, whoever holds them. */
  details: async (clientName: string, names: readonly string[] | null): Promise<Json[]> => {
    const { rows } = await db.query<Json>(
      `${DETAILS} where i."clientName" = $1 and ($2::text[] is null or i.name = any($2)) order by i."createdAt"`,
      [clientName, names],
    );
    return rows;
  },
  writeConnection: createConnectionWriter(db),
  /** What real nodes do first when an instance ends: the row stays, its credentials go. */
  cleanUp: async (name: string): Promise<void> => {
    const { rows } = await db.query<{ id: string }>(
      `update "Instance" set "connectionStatus" = 'close', "updatedAt" = now() where name = $1 returning id`,
      [name],
    );
    if (rows[0]) await db.query('delete from "Session" where "sessionId" = $1', [rows[0].id]);
  },
  /** Removes the row and, by its keys, all that belongs to it. */
  remove: (name: string) => db.query('delete from "Instance" where name = $1', [name]),
});

export type Instances = ReturnType<typeof createInstances>;

export interface Settings {
  readonly rejectCall: boolean;
  readonly msgCall: string | null;
  readonly groupsIgnore: boolean;
  readonly alwaysOnline: boolean;
  readonly readMessages: boolean;
  readonly readStatus: boolean;
  readonly syncFullHistory: boolean;
  readonly wavoipToken: string | null;
}

/** Rows of `"Setting"`. */
export const createSettings = (db: Database) => ({
  /** @throws a foreign-key error when the instance's row is gone. */
  save: async (instanceId: string, s: Settings): Promise<void> => {
    await db.query(
      `insert into "Setting" (id, "rejectCall", "msgCall", "groupsIgnore", "alwaysOnline", "readMessages", "readStatus",
         "syncFullHistory", "wavoipToken", "instanceId", "updatedAt") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now())
       on conflict ("instanceId") do update set "rejectCall" = $2, "msgCall" = $3, "groupsIgnore" = $4, "alwaysOnline" = $5,
         "readMessages" = $6, "readStatus" = $7, "syncFullHistory" = $8, "wavoipToken" = $9, "updatedAt" = now()`,
      [
        rowId(),
        s.rejectCall,
        s.msgCall,
        s.groupsIgnore,
        s.alwaysOnline,
        s.readMessages,
        s.readStatus,
        s.syncFullHistory,
        s.wavoipToken,
        instanceId,
      ],
    );
  },
  find: async (instanceId: string): Promise<Settings | null> => {
    const { rows } = await db.query<Settings>(
      `select "rejectCall", "msgCall", "groupsIgnore", "alwaysOnline", "readMessages", "readStatus", "syncFullHistory",
         "wavoipToken" from "Setting" where "instanceId" = $1`,
      [instanceId],
    );
    return rows[0] ?? null;
  },
});

export type SettingsStore = ReturnType<typeof createSettings>;
