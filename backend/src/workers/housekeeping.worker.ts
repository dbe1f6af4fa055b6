import type { Logger } from '../config/logger.js';
import type { Housekeeping } from '../services/housekeeping.js';
import { createTicker, type Loop } from './loop.js';

/** Sweeps now and then. `every` in seconds. */
export const housekeepingWorkers = (deps: {
  housekeeping: Housekeeping;
  logger: Logger;
  every: number;
}): Loop[] => [
  createTicker({
    name: 'housekeeping',
    everyMs: deps.every * 1000,
    work: deps.housekeeping.sweep,
    logger: deps.logger,
  }),
];
