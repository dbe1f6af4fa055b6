import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from './logger.js';
import {
  asProblem,
  inReach,
  on,
  openPool,
  type Db,
  type Postgres,
  type PostgresOptions,
} from './postgres.js';
import { Problem } from '../utils/problem.js';
import { raw, sql } from '../utils/sql.js';

export interface Replica {
  /** One read-only transaction in which the rows of `userIds` are in reach. Sees all that was committed before it. */
  read: Postgres['read'];
  /** Rejects with why not, unless the replica could serve a read now. */
  ping(): Promise<void>;
  /** How many reads each has served. */
  counts: { replica: number; primary: number };
  close(): Promise<void>;
}

/** How long a read waits for the replica to come up to it, and how often it looks. */
const PATIENCE_MS = 40;
const LOOK_MS = 4;
/** After a replica was away or behind, one read a second tries it; the others go to the primary. */
const PAUSE_MS = 1000;
/** A replica that takes longer to connect, or to say where it is, counts as away. */
const ANSWER_MS = 1000;

/**
 * Up to where the primary's log is durable, as a replica could have it; when commits do not wait for the disk, up to
 * where it is written at all, which a replica gets a moment later. The server's own number tells it from a stranger.
 */
const POSITION = sql`
  select case when current_setting('synchronous_commit') = 'off' then pg_current_wal_insert_lsn()
              else pg_current_wal_flush_lsn() end::text as position,
         (select system_identifier::text from pg_control_system()) as system`;

interface Position {
  position: string;
  system: string;
}

class Unfit extends Error {}

/** Questions at the same moment share one answer, but never one that was asked for before they came. */
function coalesced<T>(ask: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  let next: Promise<T> | null = null;
  const start = (): Promise<T> => {
    const asked = ask().finally(() => {
      if (running === asked) running = null;
    });
    running = asked;
    return asked;
  };
  return () => {
    if (!running) return start();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = null;
        return start();
      });
    return next;
  };
}

/** Waits a little until the replica has replayed up to `target`. @throws Unfit when it has not, or is none of it */
async function catchUp(db: Db, target: Position): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  // A literal: as a parameter its type would be looked up first. It is the primary's own text, checked all the same.
  if (!/^[0-9A-F]+\/[0-9A-F]+$/.test(target.position)) throw new Unfit('a position that is none');
  const look = sql`
    select pg_is_in_recovery() as "isReplica",
           case when pg_is_in_recovery() then pg_last_wal_replay_lsn() >= ${raw(`'${target.position}'`)}::pg_lsn
                end as "isThere",
           (select system_identifier::text from pg_control_system()) as system`;
  for (;;) {
    const [seen] = await db.query<{ isReplica: boolean; isThere: boolean | null; system: string }>(look);
    if (!seen?.isReplica) throw new Unfit('it is a primary');
    if (seen.system !== target.system) throw new Unfit('it is a replica of another database');
    if (seen.isThere) return;
    if (Date.now() >= deadline) throw new Unfit(`it is behind by more than ${PATIENCE_MS} ms`);
    await delay(LOOK_MS);
  }
}

/** Rejects when `answer` takes longer: a server that was frozen or cut off says nothing at all. */
async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  const clock = new AbortController();
  const late = delay(ms, undefined, { signal: clock.signal }).then(() => {
    throw new Unfit('it does not answer');
  });
  return Promise.race([answer, late]).finally(() => clock.abort());
}

/** Whatever keeps us from knowing where a server is must not keep anybody from reading. */
function asUnfit(error: unknown): never {
  if (error instanceof Problem || error instanceof Unfit) throw error;
  throw new Unfit(`it is not known where it is: ${(error as Error).message}`);
}

/** Errors of the question itself, by SQLSTATE class, and what took too long: the primary would say the same. */
const isOfTheQuestion = (error: unknown): boolean =>
  /^(2[0-35]|42|P0)...$|^57014$/.test(String((error as { code?: unknown })?.code ?? ''));

/**
 * Sends reads to a streaming replica when it has replayed everything that was committed on the primary before the
 * read began, whoever wrote it; to the primary when the replica is behind, away, promoted or somebody else's. So a
 * read sees every write that was answered before it, in any process, without anything kept per user. The price is one
 * tiny question to the primary, shared by the reads of a moment.
 */
export function createReplica(
  options: PostgresOptions,
  postgres: Pick<Postgres, 'read' | 'query'>,
  logger: Logger,
): Replica {
  const pool = openPool({ ...options, connectTimeoutMs: ANSWER_MS }, logger);
  const counts = { replica: 0, primary: 0 };
  const position = coalesced(async () => (await postgres.query<Position>(POSITION))[0]!);
  let unfitUntil = 0;
  let isProbing = false;
  let isUnfit = false;

  const noteFit = () => {
    if (isUnfit) logger.info('replica used again');
    isUnfit = false;
  };
  const noteUnfit = (error: unknown) => {
    if (!isUnfit) logger.warn('replica not used', { error: (error as Error).message });
    isUnfit = true;
    unfitUntil = Date.now() + PAUSE_MS;
  };

  const readReplica: Postgres['read'] = async (userIds, work, phoneIds) => {
    const target = await position().catch(asUnfit);
    const client = await pool.connect();
    let isUsable = false;
    try {
      await within(ANSWER_MS, client.query(`begin read only; ${inReach(userIds, phoneIds)}`));
      await within(ANSWER_MS, catchUp(on(client), target)).catch(asUnfit);
      noteFit();
      const result = await work(on(client));
      await client.query('commit');
      isUsable = true;
      return result;
    } catch (error) {
      // Our own refusal leaves the connection in order; after anything else it is not used again.
      isUsable = error instanceof Problem && (await client.query('rollback').then(Boolean, () => false));
      throw error;
    } finally {
      client.release(!isUsable);
    }
  };

  /** While the replica was found unfit, one read a second finds out whether it still is. */
  const mayTry = () => !isUnfit || (!isProbing && Date.now() >= unfitUntil);

  async function attempt<T>(
    ...[userIds, work, phoneIds]: Parameters<typeof readReplica<T>>
  ): Promise<{ value: T } | null> {
    const isProbe = isUnfit;
    if (isProbe) isProbing = true;
    try {
      return { value: await readReplica(userIds, work, phoneIds) };
    } catch (error) {
      if (error instanceof Problem) throw error;
      if (isOfTheQuestion(error)) throw asProblem(error);
      noteUnfit(error);
      return null;
    } finally {
      if (isProbe) isProbing = false;
    }
  }

  return {
    async read(userIds, work, phoneIds) {
      const done = mayTry() ? await attempt(userIds, work, phoneIds) : null;
      counts[done ? 'replica' : 'primary'] += 1;
      return done ? done.value : postgres.read(userIds, work, phoneIds);
    },
    ping: () => readReplica([], async () => undefined),
    counts,
    close: () => pool.end(),
  };
}
