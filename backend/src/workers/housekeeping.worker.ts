import type { Logger } from '../config/logger.js';
import type { Housekeeping } from '../services/housekeeping.js';
import type { Retention } from '../services/retention.js';
import { createTicker, type Loop } from './loop.js';

/** Sweeps now and then. `every` in seconds. */
export const housekeepingWorkers = (deps: {
  housekeeping: Housekeeping;
  retention: Retention;
  logger: Logger;
  every: number;
}): Loop[] => [
  createTicker({
    name: 'housekeeping',
    everyMs: deps.every * 1000,
    work: deps.housekeeping.sweep,
    logger: deps.logger,
  }),
  createTicker({
    name: 'retention',
    everyMs: deps.every * 1000,
    work: deps.retention.sweep,
    logger: deps.logger,
  }),
];
