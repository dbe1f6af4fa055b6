import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Dispatch } from '../services/dispatch.js';
import { createLoop, createTicker, type Loop } from './loop.js';

/** Sends what is due in the lanes; looks after leases that ran out and messages that waited too long. */
export const messageWorkers = (deps: {
  dispatch: Dispatch;
  wake: Pick<Wake, 'on'>;
  logger: Logger;
  settings: { concurrency: number; sweepMs: number };
}): Loop[] => [
  createLoop({
    name: 'dispatch',
    concurrency: deps.settings.concurrency,
    sweepMs: deps.settings.sweepMs,
    claim: deps.dispatch.claim,
    perform: deps.dispatch.perform,
    onHint: (listener) => deps.wake.on('lane', listener),
    logger: deps.logger,
  }),
  createTicker({
    name: 'lease recovery',
    everyMs: deps.settings.sweepMs,
    work: () => deps.dispatch.recover(100),
    logger: deps.logger,
  }),
  createTicker({
    name: 'expiry',
    everyMs: deps.settings.sweepMs,
    work: () => deps.dispatch.expire(100),
    logger: deps.logger,
  }),
];
