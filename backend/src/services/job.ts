import type { Logger } from '../config/logger.js';
import type { Job } from '../models/job.js';
import type { Tenancy } from '../models/index.js';

export type Jobs = ReturnType<typeof createJobs>;

/** Does a job, or goes on with it; seconds until it is to be done again, null: it is done. */
export type Doing = (job: Job, renew: () => Promise<void>) => Promise<number | null>;

/** Seconds. Renewed as a job goes on: one whose process died is begun anew soon. */
const LEASE = 30;
const RENEW_MS = 5000;
const AFTER_FAULT = 10;

/** What users asked for that takes its time, each kind by whoever can do it. */
export function createJobs(deps: {
  tenancy: Pick<Tenancy, 'shared'>;
  kinds: Record<Job['kind'], Doing>;
  logger: Logger;
}) {
  const { tenancy, kinds, logger } = deps;
  const { jobs, claims } = tenancy.shared;

  /** Asks at most every few seconds. */
  function renewing(job: Job): () => Promise<void> {
    let at = Date.now();
    return async () => {
      if (Date.now() - at < RENEW_MS) return;
      at = Date.now();
      if (!(await jobs.renew(job, LEASE))) throw new Error(`job ${job.id} is somebody else's by now`);
    };
  }

  return {
    claim: (limit: number): Promise<Job[]> => claims.jobs(limit, LEASE),

    async perform(job: Job): Promise<void> {
      const { id, userId, kind } = job;
      try {
        await jobs.finish(job, await kinds[kind](job, renewing(job)));
        logger.info('job', { id, userId, kind });
      } catch (error) {
        logger.error('job failed', { id, userId, kind, error });
        await jobs.finish(job, AFTER_FAULT).catch(() => undefined);
      }
    },
  };
}
