import { createBatcher } from '../utils/batch.js';
import { rowId } from '../utils/ids.js';
import type { Json } from '../utils/json.js';
import { createLru } from '../utils/lru.js';
import type { Database } from './database.js';

interface ContactInput {
  readonly instanceId: string;
  readonly remoteJid: string;
  readonly pushName: string | null;
  readonly profilePicUrl: string | null;
}

/** The latest message of every chat, with what is known of the partner. */
const CHATS = `select coalesce(c.id, m.id) as id, m.jid as "remoteJid", c."pushName", c."profilePicUrl",
    to_timestamp(m."messageTimestamp") as "updatedAt", null as "windowStart", null as "windowExpires", false as "windowActive",
    jsonb_build_object('id', m.id, 'key', m.key, 'pushName', m."pushName", 'participant', m.participant,
      'messageType', m."messageType", 'message', m.message, 'contextInfo', m."contextInfo", 'source', m.source,
      'messageTimestamp', m."messageTimestamp", 'instanceId', m."instanceId", 'sessionId', m."sessionId", 'status', m.status)
      as "lastMessage", null as "unreadCount", c.id is not null as "isSaved"
  from (select distinct on (key->>'remoteJid') *, key->>'remoteJid' as jid from "Message"
    where "instanceId" = $1 and ($2::text is null or key->>'remoteJid' = $2)
    order by key->>'remoteJid', "messageTimestamp" desc, id desc) m
  left join "Contact" c on c."instanceId" = $1 and c."remoteJid" = m.jid
  order by m."messageTimestamp" desc`;

/** Rows of `"Contact"`, `"Chat"` and of the cache `"IsOnWhatsapp"`, which all nodes share. */
export const createContacts = (db: Database) => {
  const cached = createLru<string, true>(100_000);
  return {
    /** @returns for each whether it was there before. */
    save: createBatcher<ContactInput, boolean>(async (contacts) => {
      const last = [...new Map(contacts.map((c) => [`${c.instanceId} ${c.remoteJid}`, c])).values()];
      const { rows } = await db.query<{ instanceId: string; remoteJid: string; fresh: boolean }>(
        `insert into "Contact" (id, "remoteJid", "pushName", "profilePicUrl", "instanceId", "updatedAt")
         select id, "remoteJid", left("pushName", 100), "profilePicUrl", "instanceId", now()
         from jsonb_to_recordset($1::jsonb) as x(id text, "remoteJid" text, "pushName" text, "profilePicUrl" text, "instanceId" text)
         on conflict ("remoteJid", "instanceId") do update set "pushName" = coalesce(excluded."pushName", "Contact"."pushName"),
           "profilePicUrl" = excluded."profilePicUrl", "updatedAt" = now()
         returning "instanceId", "remoteJid", xmax = 0 as fresh`,
        [JSON.stringify(last.map((contact) => ({ id: rowId(), ...contact })))],
      );
      const fresh = new Set(rows.filter((r) => r.fresh).map((r) => `${r.instanceId} ${r.remoteJid}`));
      return contacts.map((c) => !fresh.has(`${c.instanceId} ${c.remoteJid}`));
    }),
    list: async (
      instanceId: string,
      where: { id?: string; remoteJid?: string; pushName?: string },
    ): Promise<Json[]> => {
      const { rows } = await db.query<Json>(
        `select id, "remoteJid", "pushName", "profilePicUrl", "createdAt", "updatedAt", "instanceId",
           "remoteJid" like '%@g.us' as "isGroup", true as "isSaved",
           case when "remoteJid" like '%@g.us' then 'group' else 'contact' end as type
         from "Contact" where "instanceId" = $1 and ($2::text is null or id = $2) and ($3::text is null or "remoteJid" = $3)
           and ($4::text is null or "pushName" = $4) order by "createdAt"`,
        [instanceId, where.id ?? null, where.remoteJid ?? null, where.pushName ?? null],
      );
      return rows;
    },
    chats: async (instanceId: string, remoteJid?: string): Promise<Json[]> => {
      const { rows } = await db.query<Json>(CHATS, [instanceId, remoteJid ?? null]);
      return rows;
    },
    saveChat: createBatcher<{ instanceId: string; remoteJid: string; name: string | null }, void>(
      async (chats) => {
        await db.query(
          `insert into "Chat" (id, "remoteJid", "instanceId", name, "updatedAt", "unreadMessages")
         select x.id, x."remoteJid", x."instanceId", left(x.name, 100), now(), 0
         from jsonb_to_recordset($1::jsonb) as x(id text, "remoteJid" text, "instanceId" text, name text)
         where not exists (select from "Chat" c where c."remoteJid" = x."remoteJid" and c."instanceId" = x."instanceId")`,
          [JSON.stringify(chats.map((chat) => ({ id: rowId(), ...chat })))],
        );
        return chats.map(() => undefined);
      },
    ),
    /** Whether some node has seen within a week that this address exists. */
    isCached: createBatcher<string, boolean>(async (jids) => {
      const asked = jids.filter((jid) => !cached.get(jid));
      const { rows } = asked.length
        ? await db.query<{ remoteJid: string }>(
            `select "remoteJid" from "IsOnWhatsapp" where "remoteJid" = any($1) and "updatedAt" > now() - interval '7 days'`,
            [asked],
          )
        : { rows: [] };
      for (const { remoteJid } of rows) cached.set(remoteJid, true);
      return jids.map((jid) => cached.get(jid) ?? false);
    }),
    cache: createBatcher<{ jid: string; lid: string }, void>(async (addresses) => {
      const unique = [...new Map(addresses.map((address) => [address.jid, address])).values()];
      await db.query(
        `insert into "IsOnWhatsapp" (id, "remoteJid", "jidOptions", lid, "updatedAt")
         select id, jid, jid, lid, now() from jsonb_to_recordset($1::jsonb) as x(id text, jid text, lid text)
         on conflict ("remoteJid") do update set "updatedAt" = now()`,
        [JSON.stringify(unique.map((address) => ({ id: rowId(), ...address })))],
      );
      for (const { jid } of unique) cached.set(jid, true);
      return addresses.map(() => undefined);
    }),
  };
};

export type Contacts = ReturnType<typeof createContacts>;
