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
  /** The ledger no longer reaches back to its cursor; live from `sequence` on. */
  resync(sequence: number): void;
}

export type Feed = ReturnType<typeof createFeed>;

/** Entries read for one listener at a time, so that one far behind does not hold up the others. */
const PAGE = 200;

/**
 * Reads the ledger for all listeners of this process, on a hint or each sweep: one query for all of them. There is no
 * adapter and no seam between replay and live, since both are the same reading after a cursor.
 */
export function createFeed(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'inTenants'>;
  wake: Pick<Wake, 'on'>;
  logger: Logger;
  sweepMs: number;
}) {
  const { tenancy, wake, logger, sweepMs } = deps;
  const listeners = new Set<Listener>();
  let running: Promise<void> | null = null;
  let again = false;

  async function read(): Promise<boolean> {
    // Only those whose cursors were read from: one that joins meanwhile would miss what lies before the others' cursors.
    const present = [...listeners];
    if (present.length === 0) return false;
    const lowest = new Map<number, number>();
    for (const { userId, cursor } of present)
      lowest.set(userId, Math.min(cursor, lowest.get(userId) ?? Infinity));
    const cursors = [...lowest].map(([userId, after]) => ({ userId, after }));
    const entries = await tenancy.inTenants([...lowest.keys()], (models) =>
      models.events.listAfterEach(cursors, PAGE),
    );
    for (const entry of entries) {
      for (const listener of present) {
        if (!listeners.has(listener)) continue;
        if (listener.userId !== entry.userId || entry.sequence <= listener.cursor) continue;
        listener.cursor = entry.sequence;
        listener.deliver(entry);
      }
    }
    return entries.length > 0;
  }

  function turn(): Promise<void> {
    again = true;
    running ??= (async () => {
      while (again) {
        again = false;
        again =
          (await read().catch((error: unknown) => {
            logger.warn('feed not read', { error });
            return false;
          })) || again;
      }
    })().finally(() => {
      running = null;
    });
    return running;
  }

  const hasListener = (userId: number) => [...listeners].some((listener) => listener.userId === userId);
  const off = wake.on('events', (userId) => {
    if (hasListener(userId)) void turn();
  });
  const timer = setInterval(() => void turn(), sweepMs);
  timer.unref();

  return {
    /** Joins after `lastSequence`, or at the end of the ledger when none is given. */
    async join(listener: Omit<Listener, 'cursor'>, lastSequence: number | null): Promise<() => void> {
      const { oldest, last } = await tenancy.inTenant(listener.userId, (models) =>
        models.events.bounds(listener.userId),
      );
      const isLost =
        lastSequence !== null && (lastSequence > last || (lastSequence + 1 < oldest && lastSequence < last));
      const joined: Listener = { ...listener, cursor: lastSequence === null || isLost ? last : lastSequence };
      if (isLost) joined.resync(last);
      listeners.add(joined);
      void turn();
      return () => void listeners.delete(joined);
    },

    get size(): number {
      return listeners.size;
    },

    async close(): Promise<void> {
      off();
      clearInterval(timer);
      await running;
    },
  };
}
