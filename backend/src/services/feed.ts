import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';
import type { LedgerEntry } from '../models/event.js';

/** One connected listener: gets the user's ledger after its cursor, in order, without gap or double. */
export interface Listener {
  userId: number;
  /** The last sequence it has; moves as entries are handed over. */
  cursor: number;
  deliver(entry: LedgerEntry): void;
  /** Whether it takes more now. One that does not is passed over, and has to be nudged when it does again. */
  isReady(): boolean;
  /** The ledger no longer reaches back to its cursor; live from `sequence` on. */
  resync(sequence: number): void;
}

export type Feed = ReturnType<typeof createFeed>;

/** Entries read of one user at a time, so that one far behind does not hold up the others. */
const PAGE = 200;
/** Users asked for in one query: what it costs grows with the square of this, as each row is held against all of them. */
const USERS_AT_ONCE = 100;

/**
 * Reads the ledger for all listeners of this process: of one user on a hint, of all of them each sweep. There is no
 * adapter and no seam between replay and live, since both are the same reading after a cursor.
 */
export function createFeed(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'inTenants'>;
  wake: Pick<Wake, 'on'>;
  logger: Logger;
  sweepMs: number;
}) {
  const { tenancy, wake, logger, sweepMs } = deps;
  const listeners = new Map<number, Set<Listener>>();
  /** Users whose ledger has grown by what was heard, and those that are asked for as nothing may have been heard. */
  const hinted = new Set<number>();
  const swept = new Set<number>();
  let running: Promise<void> | null = null;

  /** Hands over what follows each cursor, as far as the listener takes it. */
  function hand(present: readonly Listener[], entries: readonly LedgerEntry[]): void {
    for (const listener of present) {
      for (const entry of entries) {
        if (entry.sequence <= listener.cursor) continue;
        if (!listener.isReady() || !listeners.get(listener.userId)?.has(listener)) break;
        listener.cursor = entry.sequence;
        listener.deliver(entry);
      }
    }
  }

  async function read(userIds: readonly number[]): Promise<void> {
    // Only those whose cursors were read from: one that joins meanwhile would miss what lies before the others' cursors.
    const present = new Map(
      userIds.flatMap((userId): [number, Listener[]][] => {
        const ready = [...(listeners.get(userId) ?? [])].filter((listener) => listener.isReady());
        return ready.length > 0 ? [[userId, ready]] : [];
      }),
    );
    if (present.size === 0) return;
    const cursors = [...present].map(([userId, all]) => ({
      userId,
      after: Math.min(...all.map(({ cursor }) => cursor)),
    }));
    const entries = await tenancy.inTenants([...present.keys()], (models) =>
      models.events.listAfterEach(cursors, PAGE),
    );
    for (const [userId, own] of grouped(entries)) {
      hand(present.get(userId) ?? [], own);
      if (own.length >= PAGE) hinted.add(userId);
    }
  }

  async function readDue(): Promise<void> {
    while (hinted.size + swept.size > 0) {
      const users = [...take(hinted.size > 0 ? hinted : swept, USERS_AT_ONCE)];
      for (const userId of users) [hinted, swept].forEach((due) => due.delete(userId));
      await read(users).catch((error: unknown) => logger.warn('feed not read', { error }));
    }
  }

  function turn(): void {
    running ??= readDue().finally(() => {
      running = null;
      if (hinted.size + swept.size > 0) turn();
    });
  }

  function nudge(userId: number): void {
    if (!listeners.has(userId)) return;
    hinted.add(userId);
    turn();
  }

  function leave(listener: Listener): void {
    const own = listeners.get(listener.userId);
    own?.delete(listener);
    if (own?.size === 0) listeners.delete(listener.userId);
  }

  const off = wake.on('events', nudge);
  const timer = setInterval(() => {
    for (const userId of listeners.keys()) swept.add(userId);
    if (swept.size > 0) turn();
  }, sweepMs);
  timer.unref();

  return {
    /** Joins after `lastSequence`, or at the end of the ledger when none is given. */
    async join(listener: Omit<Listener, 'cursor'>, lastSequence: number | null): Promise<() => void> {
      const { userId } = listener;
      const { oldest, last } = await tenancy.inTenant(userId, (models) => models.events.bounds(userId));
      const isLost =
        lastSequence !== null && (lastSequence > last || (lastSequence + 1 < oldest && lastSequence < last));
      const joined: Listener = { ...listener, cursor: lastSequence === null || isLost ? last : lastSequence };
      if (isLost) joined.resync(last);
      listeners.set(userId, (listeners.get(userId) ?? new Set()).add(joined));
      nudge(userId);
      return () => leave(joined);
    },

    /** A listener of this user may take more again. */
    nudge,

    get size(): number {
      return [...listeners.values()].reduce((sum, own) => sum + own.size, 0);
    },

    /** How many listeners are passed over at the moment. */
    get held(): number {
      return [...listeners.values()].reduce(
        (sum, own) => sum + [...own].filter((listener) => !listener.isReady()).length,
        0,
      );
    },

    async close(): Promise<void> {
      off();
      clearInterval(timer);
      hinted.clear();
      swept.clear();
      await running;
    },
  };
}

function* take<T>(all: Iterable<T>, count: number): Iterable<T> {
  let taken = 0;
  for (const one of all) {
    if (taken === count) return;
    taken += 1;
    yield one;
  }
}

function grouped(entries: readonly LedgerEntry[]): Map<number, LedgerEntry[]> {
  const all = new Map<number, LedgerEntry[]>();
  for (const entry of entries) {
    const own = all.get(entry.userId);
    if (own) own.push(entry);
    else all.set(entry.userId, [entry]);
  }
  return all;
}
