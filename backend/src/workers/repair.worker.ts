import type { Logger } from '../config/logger.js';
import type { Repair } from '../services/repair.js';
import { createLoop, type Loop } from './loop.js';

const COMPARES_AT_ONCE = 8;

/** Looks for what nodes could not tell; nobody hints at it. */
export const repairWorkers = (deps: { repair: Repair; logger: Logger; sweepMs: number }): Loop[] => [
  createLoop({
    name: 'repair',
    concurrency: COMPARES_AT_ONCE,
    sweepMs: deps.sweepMs,
    claim: deps.repair.claim,
    perform: deps.repair.perform,
    onHint: () => () => undefined,
    logger: deps.logger,
  }),
];
