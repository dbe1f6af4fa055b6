import { isDeepStrictEqual } from 'node:util';
import type { Db } from '../../src/config/postgres.js';
import { MODELS } from '../../src/models/index.js';
import { sql } from '../../src/utils/sql.js';
import { noteInFile, type Note } from './conformance.js';
import { whyUnwatched } from './unwatched.js';

/** A user there is not, in whose context nothing of anybody is in reach. */
export const STRANGER = 2_147_483_646;
/** Calls of each method, in each test file, before which a stranger makes the same one: once it has had an effect, and before. */
const TIMES = 3;
const TRIES = 40;

type Call = (...args: unknown[]) => Promise<unknown>;

const isHolder = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !(value instanceof Date);

/** No row, no count, no `true`: not even that something is there. */
export function isNothing(value: unknown): boolean {
  if (!isHolder(value)) return !value;
  const held = value instanceof Set || value instanceof Map ? [...value] : Object.values(value);
  return held.every(isNothing);
}

/** The same words, said of a user who is not there; the same object where no user is named in them. */
function ofNobody(value: unknown, users: readonly number[]): unknown {
  if (typeof value === 'number' && users.includes(value)) return STRANGER;
  if (!isHolder(value) || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, ofNobody(inner, users)] as const);
  if (entries.every(([key, inner]) => inner === (value as Record<string, unknown>)[key])) return value;
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

/** Rows that this transaction has written so far, those included that it has undone. */
export async function rowsWritten(db: Db): Promise<number> {
  const [row] = await db.query<{ written: number }>(sql`
    select coalesce(sum(pg_stat_get_xact_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_updated(c.oid)
                        + pg_stat_get_xact_tuples_deleted(c.oid)), 0)::float8 as written
      from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`);
  return row!.written;
}

/** What PostgreSQL says has a code of five characters. The own call would have met the same, and need not wait for it once more. */
const isOfConnection = (error: unknown): boolean =>
  !/^[0-9A-Z]{5}$/.test(String((error as { code?: unknown })?.code));

/**
 * What a call tells a stranger or writes for one that it should not; it is undone at once. `fault` null: nothing, or it was
 * refused. Null in place of it all: an earlier statement failed, and nothing can be tried any more.
 */
async function asStranger(db: Db, call: Call, args: unknown[]): Promise<{ fault: string | null } | null> {
  // In one round trip.
  const [saved, own] = await Promise.allSettled([
    db.query(sql`savepoint stranger`),
    db.query<{ ids: number[] | null }>(sql`select app_user_ids() as ids`),
    db.query(sql`select set_config('app.user_ids', ${`{${STRANGER}}`}, true)`),
  ]);
  if (saved.status === 'rejected' && isOfConnection(saved.reason)) throw saved.reason;
  if (saved.status === 'rejected' || own.status === 'rejected') return null;
  try {
    return { fault: await faultOf(db, call, { args, users: own.value[0]?.ids ?? [] }) };
  } catch {
    return { fault: null };
  } finally {
    await Promise.all([
      db.query(sql`rollback to savepoint stranger`),
      db.query(sql`release savepoint stranger`),
    ]);
  }
}

async function faultOf(
  db: Db,
  call: Call,
  { args, users }: { args: unknown[]; users: readonly number[] },
): Promise<string | null> {
  const before = await rowsWritten(db);
  const answer = await call(...structuredClone(args));
  const written = (await rowsWritten(db)) - before;
  if (written > 0) return `wrote ${written} rows`;
  if (isNothing(answer)) return null;
  // Nothing is learned from what is said as well of a user who is not there: where a ledger of nobody begins, say.
  const others = ofNobody(args, users) as unknown[];
  if (others !== args && isDeepStrictEqual(answer, await call(...others))) return null;
  return `was told ${JSON.stringify(answer)}`;
}

/** What a call answers, and whether it told or changed anything. */
async function withEffect(db: Db, call: () => Promise<unknown>) {
  const before = await rowsWritten(db);
  const answer = await call();
  if (!isNothing(answer)) return { answer, hasEffect: true };
  // What a model answers after an error that it caught is its answer, though nothing more can be asked.
  return { answer, hasEffect: (await rowsWritten(db).catch(() => 0)) > before };
}

/**
 * What one connection is asked is asked one after the other, or somebody's own question would be asked as a stranger's. What
 * waits when one of them fails is not asked any more: by its turn the transaction would be over, and the connection another's.
 */
const queues = new WeakMap<Db, { turn: Promise<unknown>; failures: number }>();
function inTurn<T>(db: Db, work: () => Promise<T>): Promise<T> {
  const queue = queues.get(db) ?? { turn: Promise.resolve(), failures: 0 };
  queues.set(db, queue);
  const failures = queue.failures;
  const turn = queue.turn.then(() => {
    if (queue.failures > failures) throw new Error('What was asked before it failed');
    return work();
  });
  queue.turn = turn.catch(() => {
    queue.failures += 1;
  });
  return turn;
}

/**
 * From now on, in this process, whatever a model is asked or told within a transaction, a stranger asks or tells first, with
 * the same words, where everything is as it is then. They must be told nothing at all, and write nothing. Methods that had an
 * answer or an effect for whoever was in the context are noted as `model`: the reporter wants every one of them.
 */
export function watchModels(note: Note = noteInFile): void {
  const counts = new Map<string, number>();
  const done = new Set<string>();
  const models = MODELS as unknown as Record<string, (db: Db) => Record<string, Call>>;
  for (const [model, make] of Object.entries(models)) {
    models[model] = (db) => {
      const plain = make(db);
      if ('transaction' in db) return plain;
      const watched = Object.entries(plain).map(([method, call]): [string, Call] => [
        method,
        (...args) => inTurn(db, () => watch(`${model}.${method}`, db, { call, args })),
      ]);
      return Object.fromEntries(watched);
    };
    for (const method of Object.keys(make({} as Db)))
      if (!whyUnwatched(`${model}.${method}`)) note('row', `model ${model}.${method}`);
  }

  async function watch(name: string, db: Db, { call, args }: { call: Call; args: unknown[] }) {
    const count = (counts.get(name) ?? 0) + 1;
    if (count > (done.has(name) ? TIMES : TRIES) || whyUnwatched(name)) return call(...args);
    counts.set(name, count);
    const tried = await asStranger(db, call, args);
    if (!tried) return call(...args);
    if (tried.fault) {
      note('fault', `model ${name}: a stranger ${tried.fault}`);
      throw new Error(`${name}: a stranger ${tried.fault}`);
    }
    if (done.has(name)) return call(...args);
    const { answer, hasEffect } = await withEffect(db, () => call(...args));
    if (hasEffect) {
      done.add(name);
      note('done', `model ${name}`);
    }
    return answer;
  }
}
