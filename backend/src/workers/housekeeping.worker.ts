import type { Logger } from '../config/logger.js';
import type { Deafness } from '../services/deafness.js';
import type { Housekeeping } from '../services/housekeeping.js';
import type { Overdue } from '../services/overdue.js';
import type { Retention } from '../services/retention.js';
import type { Strangers } from '../services/stranger.js';
import type { Trim } from '../services/trim.js';
import { createTicker, type Loop } from './loop.js';

/** What is looked at now and then. `every` in seconds. */
export const housekeepingWorkers = (deps: {
  housekeeping: Housekeeping;
  retention: Retention;
  overdue: Overdue;
  strangers: Strangers;
  trim: Trim;
  deafness: Deafness;
  logger: Logger;
  every: number;
  /** Seconds. */
  deafCheck: number;
}): Loop[] => {
  const everyMs = deps.every * 1000;
  const { logger } = deps;
  return [
    createTicker({ name: 'housekeeping', everyMs, work: deps.housekeeping.sweep, logger }),
    createTicker({ name: 'retention', everyMs, work: deps.retention.sweep, logger }),
    createTicker({ name: 'overdue', everyMs, work: deps.overdue.sweep, logger }),
    createTicker({ name: 'strangers', everyMs, work: deps.strangers.sweep, logger }),
    createTicker({
      name: 'deafness',
      everyMs: deps.deafCheck * 1000,
      work: deps.deafness.sweep,
      logger,
    }),
    createTicker({ name: 'trim', everyMs, work: deps.trim.sweep, logger }),
  ];
};
