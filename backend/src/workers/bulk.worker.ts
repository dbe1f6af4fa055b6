import type { Logger } from '../config/logger.js';
import type { Bulks } from '../services/bulk.js';
import { createTicker, type Loop } from './loop.js';

/** Tells the progress of bulks. */
export const bulkWorkers = (deps: { bulks: Bulks; logger: Logger; sweepMs: number }): Loop[] => [
  createTicker({ name: 'bulk progress', everyMs: deps.sweepMs, work: deps.bulks.sweep, logger: deps.logger }),
];
