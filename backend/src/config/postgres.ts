import pg from 'pg';
import type { Logger } from './logger.js';
import { Problem } from '../utils/problem.js';
import { compile, type Sql } from '../utils/sql.js';

/** One connection in a transaction, or the pool. Rows come as objects; bigint columns as numbers (ids stay below 2^53). */
export interface Db {
  query<Row>(statement: Sql): Promise<Row[]>;
}

export interface Postgres extends Db {
  /**
   * Runs `work` in one transaction in which the rows of `userIds` are in reach, and of those only what belongs to these
   * phones where it is limited to some; commits when it resolves. Problem forbidden: it wrote beyond its phones.
   */
  transaction<T>(
    userIds: readonly number[],
    work: (db: Db) => Promise<T>,
    phoneIds?: readonly number[] | null,
  ): Promise<T>;
  /** The same; null when a lock that it needs stays another's for so long: then nothing was done. */
  tryTransaction<T>(
    userIds: readonly number[],
    patienceMs: number,
    work: (db: Db) => Promise<T>,
  ): Promise<T | null>;
  /** The same, in which nothing can be written. */
  read<T>(
    userIds: readonly number[],
    work: (db: Db) => Promise<T>,
    phoneIds?: readonly number[] | null,
  ): Promise<T>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface PostgresOptions {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  poolSize: number;
}

const BIGINT = 20;
const BIGINT_ARRAY = 1016;
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === BIGINT && format !== 'binary') return Number;
    if (oid === BIGINT_ARRAY && format !== 'binary') {
      return (text: string) => text.slice(1, -1).split(',').filter(Boolean).map(Number);
    }
    return pg.types.getTypeParser(oid, format);
  },
};

/**
 * SQLSTATE classes that say "the database, not the request": the caller may try again. 08 connection, 53 resources,
 * 57P0x shutdown, 57014 timeout, 25006 read-only, 55P03 lock timeout.
 */
const UNAVAILABLE = /^(08...|53...|57P0.|57014|25006|55P03|3D000)$/;
const DEADLOCK = /^(40P01|40001)$/;
const LOCK_TIMEOUT = '55P03';
const BEYOND_POLICY = '42501';
const BEYOND_PHONES = () => new Problem('forbidden', 'This credential is limited to some phones');
const NETWORK = /ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ENOENT/;

const codeOf = (error: unknown): string => String((error as { code?: unknown })?.code ?? '');

/** What pg says of a query that nobody answered in time. */
const isSilent = (error: unknown): boolean => (error as Error | null)?.message === 'Query read timeout';

/** What a failed query means to the caller: `unavailable` when it may be tried again, else the error itself. */
export function asProblem(error: unknown): unknown {
  if (error instanceof Problem) return error;
  const message = String((error as Error)?.message ?? '');
  const lost =
    UNAVAILABLE.test(codeOf(error)) ||
    NETWORK.test(codeOf(error)) ||
    isSilent(error) ||
    /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
      message,
    );
  return lost
    ? new Problem('unavailable', 'The database cannot be reached at the moment', {
        retryAfter: 1,
        cause: error,
      })
    : error;
}

/** Milliseconds that the server gives a statement; and, a little more, until the server itself is taken for gone. */
const STATEMENT_MS = 15_000;
const SILENT_MS = 17_000;

/** When each connection was made, and before when those of a pool are suspected to lead nowhere. */
const madeAt = new WeakMap<pg.PoolClient, number>();
const suspectUntil = new WeakMap<pg.Pool, number>();

/**
 * A connection that is not suspected. One whose other end is gone without a word (a firewall forgot it, a host lost its
 * power) looks as alive as any: the first on which nobody answers puts all those made before it under suspicion, or each
 * would cost its own wait.
 */
async function acquire(pool: pg.Pool): Promise<pg.PoolClient> {
  for (;;) {
    const client = await pool.connect();
    if ((madeAt.get(client) ?? Infinity) > (suspectUntil.get(pool) ?? 0)) return client;
    client.release(true);
  }
}

/** Around an error after which a connection cannot be used again. */
class Broken extends Error {}

/**
 * Does something on a connection of a pool, and gives it back: not to be used again where nobody answered on it, or where
 * `work` says so by what it throws within `Broken`.
 */
async function withConnection<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await acquire(pool);
  let isBroken = false;
  try {
    return await work(client);
  } catch (error) {
    isBroken = isSilent(error) || error instanceof Broken;
    if (isSilent(error)) suspectUntil.set(pool, performance.now());
    throw error instanceof Broken ? error.cause : error;
  } finally {
    client.release(isBroken);
  }
}

/** Connections under the role that row-level security binds, with time limits so that no request outlives its caller. */
export function openPool(options: PostgresOptions & { connectTimeoutMs?: number }, logger: Logger): pg.Pool {
  const config: pg.PoolConfig & { pipeline: true } = {
    host: options.host,
    port: options.port,
    database: options.database,
    user: options.user,
    password: options.password,
    max: options.poolSize,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    query_timeout: SILENT_MS,
    // What is asked before the last answer came goes out at once: see `runTransaction`.
    pipeline: true,
    types,
    options:
      // No table here is meant to be read whole, and plans outlive the time in which a new table is small. Where one is read
      // whole all the same (there are few nodes), its price makes PostgreSQL compile the plan, for 150 ms each time.
      `-c role=evolution_app -c enable_seqscan=off -c jit=off -c statement_timeout=${STATEMENT_MS} -c lock_timeout=10000 -c idle_in_transaction_session_timeout=20000`,
  };
  const pool = new pg.Pool(config);
  // Without listeners, a connection that breaks ends the process: the pool's own is for idle ones only. Who was using it
  // learns it from the query.
  pool.on('connect', (client) => {
    madeAt.set(client, performance.now());
    client.on('error', () => undefined);
  });
  pool.on('error', (error) => logger.warn('postgres connection lost', { error: error.message }));
  return pool;
}

const names = new Map<string, string>();

/**
 * Statements are prepared, once a connection: under row-level security the planning of a small one costs several times
 * its execution. Their texts are those of the source, so that there are only so many of them.
 */
function nameOf(text: string): string {
  const known = names.get(text);
  if (known) return known;
  const name = `s${names.size}`;
  names.set(text, name);
  return name;
}

export const on = (client: Pick<pg.PoolClient, 'query'>): Db => ({
  query: async <Row>(statement: Sql) => {
    const compiled = compile(statement);
    return (await client.query({ ...compiled, name: nameOf(compiled.text) })).rows as Row[];
  },
});

const idList = (ids: readonly number[]): string =>
  `'{${ids.map((id) => (Number.isSafeInteger(id) ? id : 0)).join(',')}}'`;

/** Goes with the `begin`, in one round trip; the ids are numbers, checked here because they are part of the text. */
export const inReach = (userIds: readonly number[], phoneIds: readonly number[] | null = null): string =>
  `set local app.user_ids = ${idList(userIds)}${phoneIds ? `; set local app.phone_ids = ${idList(phoneIds)}` : ''}`;

type Begin = 'begin' | 'begin read only' | `begin; set local lock_timeout = ${number}`;

/**
 * One transaction on a connection of `pool`; commits when `work` resolves, rolls back and rethrows when it rejects. Its
 * first question follows the `begin` without waiting for it, which saves a round trip. Should a `begin` ever fail alone,
 * what follows it finds no user in reach, and the transaction fails as it ends.
 */
async function runTransaction<T>(
  pool: pg.Pool,
  how: { userIds: readonly number[]; phoneIds?: readonly number[] | null; begin: Begin },
  work: (db: Db) => Promise<T>,
): Promise<T> {
  return withConnection(pool, async (client) => {
    try {
      const begun = client.query(`${how.begin}; ${inReach(how.userIds, how.phoneIds)}`);
      begun.catch(() => undefined);
      const result = await work(on(client));
      await begun;
      const ended = client.query('commit');
      // Nothing hangs on the end of what only read: whoever gets the connection next is behind it.
      if (how.begin === 'begin read only') ended.catch(() => undefined);
      else await ended;
      return result;
    } catch (error) {
      if (isSilent(error)) throw error;
      await client.query('rollback').catch(() => {
        throw new Broken('not rolled back', { cause: error });
      });
      throw error;
    }
  });
}

export function createPostgres(options: PostgresOptions, logger: Logger): Postgres {
  const pool = openPool(options, logger);
  const attempt = <T>(how: Parameters<typeof runTransaction>[1], work: (db: Db) => Promise<T>): Promise<T> =>
    runTransaction(pool, how, work).catch((error: unknown) => {
      if (!DEADLOCK.test(codeOf(error))) throw error;
      return runTransaction(pool, how, work);
    });

  return {
    query: async (statement) => {
      try {
        return await withConnection(pool, (client) => on(client).query(statement));
      } catch (error) {
        throw asProblem(error);
      }
    },
    async transaction(userIds, work, phoneIds = null) {
      try {
        return await attempt({ userIds, phoneIds, begin: 'begin' }, work);
      } catch (error) {
        throw phoneIds && codeOf(error) === BEYOND_POLICY ? BEYOND_PHONES() : asProblem(error);
      }
    },
    async tryTransaction(userIds, patienceMs, work) {
      try {
        const begin = `begin; set local lock_timeout = ${Math.trunc(patienceMs)}` as const;
        return await attempt({ userIds, begin }, work);
      } catch (error) {
        if (codeOf(error) === LOCK_TIMEOUT) return null;
        throw asProblem(error);
      }
    },
    async read(userIds, work, phoneIds = null) {
      try {
        return await runTransaction(pool, { userIds, phoneIds, begin: 'begin read only' }, work);
      } catch (error) {
        throw asProblem(error);
      }
    },
    ping: async () => {
      await withConnection(pool, (client) => client.query('select 1'));
    },
    close: () => pool.end(),
  };
}
