import { Problem } from './problem.js';

export interface BatcherOptions<T, R> {
  /**
   * Does a batch, in one transaction. One result per item, in order; a result that is an Error rejects that item alone,
   * and one that is a promise of either keeps its item waiting while the next batch begins. When it rejects, nothing of
   * the batch may have been done, or doing it again must be harmless: items are retried.
   */
  flush(items: T[]): Promise<(R | Error | PromiseLike<R | Error>)[]>;
  /** Items in one call of `flush`. */
  maxBatch: number;
  /** Items that wait; more are refused with Problem unavailable. */
  maxQueue: number;
  /**
   * Whether a failed batch may be one item's fault; always, when not given. Where it tells that the database is gone,
   * the items fail at once instead of waiting for one time-out each.
   */
  isolate?(error: unknown): boolean;
}

interface Entry<T, R> {
  item: T;
  resolve(result: R): void;
  reject(error: unknown): void;
}

async function flushAll<T, R>(o: BatcherOptions<T, R>, entries: Entry<T, R>[]): Promise<void> {
  const results = await o.flush(entries.map((entry) => entry.item));
  // Whatever was done is done: a wrong count is no reason to do it again.
  const isComplete = results.length === entries.length;
  const wrong = new Error(`A batch of ${entries.length} gave ${results.length} results`);
  entries.forEach((entry, i) => {
    const result = isComplete ? results[i]! : wrong;
    if (isPromise(result)) result.then((late) => settle(entry, late), entry.reject);
    else settle(entry, result);
  });
}

const isPromise = <Value>(result: Value | PromiseLike<Value>): result is PromiseLike<Value> =>
  typeof (result as PromiseLike<Value> | null | undefined)?.then === 'function';

function settle<T, R>(entry: Entry<T, R>, result: R | Error): void {
  if (result instanceof Error) entry.reject(result);
  else entry.resolve(result);
}

async function flushOrIsolate<T, R>(o: BatcherOptions<T, R>, entries: Entry<T, R>[]): Promise<void> {
  try {
    await flushAll(o, entries);
  } catch (error) {
    if (entries.length === 1 || o.isolate?.(error) === false) {
      return entries.forEach((entry) => entry.reject(error));
    }
    for (const entry of entries) await flushAll(o, [entry]).catch(entry.reject);
  }
}

/**
 * Group commit: what arrives while a batch is in flight forms the next one, so that batches grow with the load and a
 * lone item waits for no timer. When a batch fails, each of its items is tried alone once, and only the bad ones reject.
 */
export function batcher<T, R>(o: BatcherOptions<T, R>) {
  const queue: Entry<T, R>[] = [];
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    while (queue.length > 0) {
      // After the I/O of this tick, so that requests which arrived together go together.
      await new Promise((resolve) => setImmediate(resolve));
      await flushOrIsolate(o, queue.splice(0, o.maxBatch));
    }
    running = null;
  }

  return {
    /** Resolves with the item's result once its batch is done. */
    add(item: T): Promise<R> {
      if (queue.length >= o.maxQueue) {
        return Promise.reject(
          new Problem('unavailable', 'Too many requests wait to be stored', { retryAfter: 1 }),
        );
      }
      return new Promise<R>((resolve, reject) => {
        queue.push({ item, resolve, reject });
        running ??= run();
      });
    },

    /** Resolves when nothing waits and nothing is in flight. */
    async drain(): Promise<void> {
      while (running) await running;
    },

    /** Items that wait, without those in flight. */
    get queued(): number {
      return queue.length;
    },
  };
}
