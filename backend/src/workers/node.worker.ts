import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Health } from '../services/health.js';
import type { Pairing } from '../services/pairing.js';
import { createLoop, createTicker, type Loop } from './loop.js';

/** Looks at nodes in rounds, and at phones when asked to. */
export const nodeWorkers = (deps: {
  pairing: Pairing;
  health: Health;
  wake: Pick<Wake, 'on'>;
  logger: Logger;
  /** nodeCheck in seconds. */
  settings: { nodeCheck: number; checksAtOnce: number; sweepMs: number };
}): Loop[] => [
  createTicker({
    name: 'node health',
    everyMs: deps.settings.nodeCheck * 1000,
    work: deps.health.round,
    logger: deps.logger,
  }),
  createLoop({
    name: 'phone check',
    concurrency: deps.settings.checksAtOnce,
    sweepMs: deps.settings.sweepMs,
    claim: deps.pairing.claim,
    perform: deps.pairing.check,
    onHint: (listener) => deps.wake.on('check', listener),
    logger: deps.logger,
  }),
];
