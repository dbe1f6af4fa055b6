import type { Logger } from '../config/logger.js';

export interface Loop {
  start(): void;
  /** Claims nothing more, and resolves when what was claimed is done. */
  stop(): Promise<void>;
}

export interface LoopOptions<Item> {
  name: string;
  /** At most so many items at once. */
  concurrency: number;
  sweepMs: number;
  claim(limit: number): Promise<Item[]>;
  perform(item: Item): Promise<void>;
  /** Calls its argument when there may be work; returns how to stop listening. */
  onHint(listener: () => void): () => void;
  logger: Logger;
}

/**
 * Claims work when hinted, when something finished, and on every sweep, as far as there is room; performs what it
 * claimed side by side. A hint that comes while a claim runs makes it run once more, so none is lost.
 */
export function createLoop<Item>(options: LoopOptions<Item>): Loop {
  const { name, concurrency, logger } = options;
  const inFlight = new Set<Promise<void>>();
  let claiming: Promise<void> | null = null;
  let hinted = false;
  let stopped = true;
  let timer: NodeJS.Timeout | undefined;
  let off = () => undefined as void;

  const perform = (item: Item) => {
    const run = options
      .perform(item)
      .catch((error: unknown) => logger.error(`${name} failed`, { error }))
      .finally(() => {
        inFlight.delete(run);
        turn();
      });
    inFlight.add(run);
  };

  async function claim(): Promise<void> {
    while (hinted && !stopped && inFlight.size < concurrency) {
      // What ends together (it was settled in one group) makes room for one claim, not for one each.
      await new Promise((resolve) => setImmediate(resolve));
      hinted = false;
      const limit = concurrency - inFlight.size;
      const items = await options.claim(limit);
      items.forEach(perform);
      // A full hand means there may be more; it is asked for as soon as there is room.
      if (items.length >= limit) hinted = true;
    }
  }

  function turn(): void {
    if (claiming || stopped) return;
    claiming = claim()
      .catch((error: unknown) => logger.warn(`${name} could not claim`, { error }))
      .finally(() => {
        claiming = null;
        if (hinted && inFlight.size < concurrency && !stopped) setImmediate(turn);
      });
  }

  const hint = () => {
    hinted = true;
    turn();
  };

  return {
    start() {
      stopped = false;
      off = options.onHint(hint);
      timer = setInterval(hint, options.sweepMs);
      hint();
    },
    async stop() {
      stopped = true;
      off();
      clearInterval(timer);
      await claiming;
      await Promise.all(inFlight);
    },
  };
}

/** Runs `work` every `everyMs`, at once again when it resolves true (there may be more), and never twice at once. */
export function createTicker(options: {
  name: string;
  everyMs: number;
  work(): Promise<unknown>;
  logger: Logger;
}): Loop {
  const { name, everyMs, work, logger } = options;
  let running: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let stopped = true;

  const tick = () => {
    running = work()
      .catch((error: unknown) => logger.warn(`${name} failed`, { error }))
      .then((more) => {
        if (!stopped) timer = setTimeout(tick, more === true ? 0 : everyMs);
      });
  };
  return {
    start() {
      stopped = false;
      tick();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
