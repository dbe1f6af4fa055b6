import type { Redis } from 'ioredis';
import type pg from 'pg';

/** Who is forgotten, as nodes call them. */
export interface Forgotten {
  /** Full names. */
  jids: readonly string[];
  /** What stands before the @. */
  users: readonly string[];
  /** What names them inside of what others said: a regular expression. */
  pattern: string;
}

/** A history is read once, from its beginning to its end. */
const TIMEOUT_MS = 300_000;
/** Whose values name others as well, beside those that their field names. */
const NAMING = /^(sender-key-memory|lid-mapping)/;

const THEIRS = `"instanceId" = any ($1) and (key->>'remoteJid' = any ($2) or key->>'remoteJidAlt' = any ($2)
  or key->>'participant' = any ($2) or key->>'participantAlt' = any ($2) or participant = any ($2)
  or key::text ~ $3 or message::text ~ $3 or "contextInfo"::text ~ $3)`;

/**
 * Takes away what nodes have stored of a contact for these instances: messages with and by them, those of others that mention
 * or quote them or carry their card, acks, media, chat, name, and the keys of the talk with them.
 */
export const forgetContact = (deps: {
  inTransaction: <T>(work: (client: pg.PoolClient) => Promise<T>) => Promise<T>;
  redis: Redis;
  keysOf: (id: string) => string;
}) => {
  const { inTransaction, redis, keysOf } = deps;

  const forgetRows = (names: readonly string[], { jids, pattern }: Forgotten): Promise<string[]> =>
    inTransaction(async (client) => {
      const query = async (text: string, values: unknown[]): Promise<string[]> => {
        const long = { text, values, query_timeout: TIMEOUT_MS };
        return (await client.query<{ id: string }>(long)).rows.map(({ id }) => id);
      };
      await client.query(`set local statement_timeout = ${TIMEOUT_MS}`);
      const ids = await query('select id from "Instance" where name = any ($1)', [names]);
      const messages = await query(`select id from "Message" where ${THEIRS}`, [ids, jids, pattern]);
      await query('delete from "Media" where "messageId" = any ($1)', [messages]);
      await query(
        `delete from "MessageUpdate"
          where "messageId" = any ($3) or "instanceId" = any ($1) and ("remoteJid" = any ($2) or participant = any ($2))`,
        [ids, jids, messages],
      );
      await query('delete from "Message" where id = any ($1)', [messages]);
      for (const table of ['Chat', 'Contact'])
        await query(`delete from "${table}" where "instanceId" = any ($1) and "remoteJid" = any ($2)`, [
          ids,
          jids,
        ]);
      await query(`delete from "IsOnWhatsapp" where "remoteJid" = any ($1) or "jidOptions" like any ($2)`, [
        jids,
        jids.map((jid) => `%${jid}%`),
      ]);
      return ids;
    });

  async function forgetKeys(id: string, users: readonly string[]): Promise<void> {
    // Whole: a longer number is somebody else's.
    const whole = users.map((user) => new RegExp(`(^|\\D)${user}(\\D|$)`));
    const isNamed = (text: string | null) => text !== null && whole.some((pattern) => pattern.test(text));
    const fields = await redis.hkeys(keysOf(id));
    const naming = fields.filter((field) => NAMING.test(field));
    // A node that misses one of these asks WhatsApp, or gives the group its key again.
    const values = naming.length > 0 ? await redis.hmget(keysOf(id), ...naming) : [];
    const gone = new Set([...fields.filter(isNamed), ...naming.filter((_, i) => isNamed(values[i] ?? null))]);
    if (gone.size > 0) await redis.hdel(keysOf(id), ...gone);
  }

  return async (names: readonly string[], contact: Forgotten): Promise<void> => {
    const ids = await forgetRows(names, contact);
    for (const id of ids) await forgetKeys(id, contact.users);
  };
};
