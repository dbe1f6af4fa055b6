import { Redis } from 'ioredis';
import pg from 'pg';
import type { Logger } from '../config/logger.js';
import { forgetContact } from './evolution.forget.js';
import { isObject } from './evolution.value.js';

export type EvolutionStore = ReturnType<typeof evolutionStore>;

/** A name no node has: a node loads at its start what carries its own. */
const NOBODY = 'gateway:moved';
const TIMEOUT_MS = 5000;
const HISTORY = ['Message', 'MessageUpdate', 'Contact', 'Chat', 'Media', 'Label'] as const;
const NEEDED: Record<string, readonly string[]> = {
  Instance: ['id', 'name', 'clientName'],
  Session: ['sessionId', 'creds'],
  ...Object.fromEntries(HISTORY.map((table) => [table, ['id', 'instanceId']])),
};

/**
 * The database and the Redis that nodes share, where the credentials of their numbers lie: what a number needs to open on
 * another node without a QR (contract, "A number can move to another node"). Without them no phone moves.
 */
export function evolutionStore(options: {
  databaseUrl: string;
  redisUrl: string;
  /** CACHE_REDIS_PREFIX_KEY of the nodes. */
  prefix: string;
  logger: Logger;
}) {
  const { databaseUrl, redisUrl, prefix, logger } = options;
  const isGiven = databaseUrl !== '' && redisUrl !== '';
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 8,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    statement_timeout: TIMEOUT_MS,
  });
  pool.on('error', (error) => logger.warn('nodes database away', { error: error.message }));
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    commandTimeout: TIMEOUT_MS,
    retryStrategy: (times) => Math.min(100 * times, 2000),
  });
  redis.on('error', (error: Error) => logger.warn('nodes redis away', { error: error.message }));
  const keysOf = (id: string) => `${prefix}:instance:${id}`;
  let known = false;

  async function inTransaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      client.release();
      return result;
    } catch (error) {
      // Not knowing in what state it is, nobody else is given this connection.
      client.release(true);
      throw error;
    }
  }

  const idOf = async (name: string): Promise<string | null> => {
    const { rows } = await pool.query<{ id: string }>('select id from "Instance" where name = $1', [name]);
    return rows[0]?.id ?? null;
  };

  /** A schema that is not the one we know is left alone, loudly. */
  async function isKnown(): Promise<boolean> {
    const { rows } = await pool.query<{ table: string; column: string }>(
      `select table_name as "table", column_name as "column" from information_schema.columns
        where table_schema = current_schema() and table_name = any ($1)`,
      [Object.keys(NEEDED)],
    );
    const there = new Set(rows.map(({ table, column }) => `${table}.${column}`));
    const missing = Object.entries(NEEDED)
      .flatMap(([table, names]) => names.map((column) => `${table}.${column}`))
      .filter((name) => !there.has(name));
    if (missing.length > 0)
      logger.error('phones cannot move: the nodes database is not as known', { missing });
    return missing.length === 0;
  }

  return {
    /** Whether it is said where they are; whether they are there is another thing. */
    isConfigured: (): boolean => isGiven,

    /** Whether phones can move: both can be reached, and the tables are those that are known. */
    async isReady(): Promise<boolean> {
      if (!isGiven) return false;
      try {
        // Nodes may make their tables later than we look, so a no is asked again.
        known ||= await isKnown();
        if (known) await Promise.all([pool.query('select 1'), redis.ping()]);
        return known;
      } catch {
        return false;
      }
    },

    /**
     * Gives the credentials of one instance to another that is unpaired, and hides the first from its node's next start;
     * again changes nothing. `unmade`: there is nothing to give them to; `none`: there are none.
     */
    handOver: (from: string, to: string): Promise<'moved' | 'unmade' | 'none'> =>
      inTransaction(async (client) => {
        const { rows } = await client.query<{ id: string; name: string; creds: string | null }>(
          `select i.id, i.name, s.creds from "Instance" i left join "Session" s on s."sessionId" = i.id
            where i.name = any ($1) order by i.id for update of i`,
          [[from, to]],
        );
        const [old, fresh] = [from, to].map((name) => rows.find((row) => row.name === name));
        if (!fresh) return 'unmade';
        if (!isPaired(fresh.creds)) {
          if (!old || !isPaired(old.creds)) return 'none';
          await client.query('delete from "Session" where "sessionId" = $1', [fresh.id]);
          await client.query('update "Session" set "sessionId" = $2 where "sessionId" = $1', [
            old.id,
            fresh.id,
          ]);
        }
        await client.query('update "Instance" set "clientName" = $2 where id = $1', [old?.id ?? '', NOBODY]);
        return 'moved';
      }),

    /** `paired`: they name a number; `fresh`: it wrote new ones, and is nobody. */
    async credentials(name: string): Promise<'paired' | 'fresh' | 'none'> {
      const { rows } = await pool.query<{ creds: string | null }>(
        'select s.creds from "Session" s join "Instance" i on i.id = s."sessionId" where i.name = $1',
        [name],
      );
      if (!rows[0]) return 'none';
      return isPaired(rows[0].creds) ? 'paired' : 'fresh';
    },

    /** Takes its credentials away from it. */
    async dropSession(name: string): Promise<void> {
      await pool.query(
        'delete from "Session" where "sessionId" = (select id from "Instance" where name = $1)',
        [name],
      );
    },

    /** How nodes call one inside; null: no node has it. */
    idOf,

    /** The keys of one that is gone. `id` as of `idOf`. */
    async dropKeys(id: string): Promise<void> {
      await redis.del(keysOf(id));
    },

    /** The keys that belong to the credentials. `both`: there are some on either side, which are left as they are. */
    async moveKeys(from: string, to: string): Promise<'moved' | 'both' | 'none'> {
      const [old, fresh] = [await idOf(from), await idOf(to)];
      if (!old || !fresh) return 'none';
      const [hasOld, hasFresh] = [await redis.exists(keysOf(old)), await redis.exists(keysOf(fresh))];
      if (!hasOld) return hasFresh ? 'moved' : 'none';
      if (hasFresh) return 'both';
      return (await redis.renamenx(keysOf(old), keysOf(fresh))) === 1 ? 'moved' : 'both';
    },

    /** Gives some of what was said there to the other. Returns how many rows; 0: that was all. */
    async moveHistory(from: string, to: string, limit: number): Promise<number> {
      const [old, fresh] = [await idOf(from), await idOf(to)];
      if (!old || !fresh) return 0;
      let count = 0;
      for (const table of HISTORY) {
        // A contact is there once an instance: one that is known on either side stays as the new one has it.
        const unless =
          table === 'Contact'
            ? `and not exists (select from "Contact" n where n."instanceId" = $2 and n."remoteJid" = o."remoteJid")`
            : '';
        const { rowCount } = await pool.query(
          `update "${table}" set "instanceId" = $2
            where id in (select id from "${table}" o where "instanceId" = $1 ${unless} limit $3)`,
          [old, fresh, limit],
        );
        count += rowCount ?? 0;
      }
      return count;
    },

    forgetContact: forgetContact({ inTransaction, redis, keysOf }),

    /** Its row, of one that no node holds. */
    async removeInstance(name: string): Promise<void> {
      await pool.query('delete from "Instance" where name = $1 and "clientName" = $2', [name, NOBODY]);
    },

    async close(): Promise<void> {
      redis.disconnect();
      await pool.end();
    },
  };
}

/** Nodes encode twice: the column holds the JSON of a text that is JSON (recorded: database.json, move_live.json). */
function isPaired(creds: string | null): boolean {
  let value: unknown = creds;
  for (let i = 0; i < 2 && typeof value === 'string'; i += 1) value = JSON.parse(value);
  return isObject(value) && isObject(value['me']);
}
