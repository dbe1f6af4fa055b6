import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Jobs } from '../services/job.js';
import { createLoop, type Loop } from './loop.js';

/** They read and write much: a few at once leave the machine to messages. What takes data away never waits for exports. */
const AT_ONCE = { export: 1, job: 2 };
const KINDS = { export: ['export'], job: ['erase', 'remove'] } as const;

/** Does what users asked for that takes its time. */
export const jobWorkers = (deps: {
  jobs: Jobs;
  wake: Pick<Wake, 'on'>;
  logger: Logger;
  sweepMs: number;
}): Loop[] =>
  (['export', 'job'] as const).map((name) =>
    createLoop({
      name,
      concurrency: AT_ONCE[name],
      sweepMs: deps.sweepMs,
      claim: (limit) => deps.jobs.claim(KINDS[name], limit),
      perform: deps.jobs.perform,
      onHint: (listener) => deps.wake.on('job', listener),
      logger: deps.logger,
    }),
  );
