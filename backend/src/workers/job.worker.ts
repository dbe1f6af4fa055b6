import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Jobs } from '../services/job.js';
import { createLoop, type Loop } from './loop.js';

/** They read and write much: a few at once leave the machine to messages. */
const AT_ONCE = 2;

/** Does what users asked for that takes its time. */
export const jobWorkers = (deps: {
  jobs: Jobs;
  wake: Pick<Wake, 'on'>;
  logger: Logger;
  sweepMs: number;
}): Loop[] => [
  createLoop({
    name: 'job',
    concurrency: AT_ONCE,
    sweepMs: deps.sweepMs,
    claim: deps.jobs.claim,
    perform: deps.jobs.perform,
    onHint: (listener) => deps.wake.on('job', listener),
    logger: deps.logger,
  }),
];
