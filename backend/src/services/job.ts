import type { Logger } from '../config/logger.js';
import type { Job } from '../models/job.js';
import type { Tenancy } from '../models/index.js';

export type Jobs = ReturnType<typeof createJobs>;

/**
 * Does a job, or goes on with it; seconds until it is to be done again, null: it is done. `renew` rejects when somebody else
 * has it by now: to be asked as often as it goes on to something new.
 */
export type Doing = (job: Job, renew: () => Promise<void>) => Promise<number | null>;

/** Seconds. Renewed all the while, however long one step takes: a job whose process died is begun anew soon. */
const LEASE = 30;
const RENEW_MS = 5000;
/** Seconds: after a fault, twice as many after each more. */
const AFTER_FAULT = 10;
const MOST_AFTER_FAULT = 300;
/** Some five minutes. */
const TRIES = 6;

/** Seconds: twice as many with each try, up to the most. */
export const backoff = (tries: number, first: number, most: number): number =>
  Math.min(most, first * 2 ** (tries - 1));

/** What users asked for that takes its time, each kind by whoever can do it. */
export function createJobs(deps: {
  tenancy: Pick<Tenancy, 'shared'>;
  kinds: Record<Job['kind'], Doing>;
  /** Of kinds that can be asked for again: ends what was asked for. Others are tried for ever. */
  giveUp: Partial<Record<Job['kind'], (job: Job) => Promise<void>>>;
  logger: Logger;
}) {
  const { tenancy, kinds, giveUp, logger } = deps;
  const { jobs, claims } = tenancy.shared;

  /** Beside the work, as one step of it may take longer than the lease. */
  function holding(job: Job) {
    let until = Date.now() + LEASE * 1000;
    const timer = setInterval(() => {
      const at = Date.now();
      jobs.renew(job, LEASE).then(
        (isHeld) => (until = isHeld ? at + LEASE * 1000 : 0),
        () => undefined,
      );
    }, RENEW_MS);
    const isLost = () => Date.now() >= until;
    const renew = async () => {
      if (isLost()) throw new Error(`job ${job.id} is somebody else's by now`);
    };
    return { renew, isLost, end: () => clearInterval(timer) };
  }

  async function afterFault(job: Job): Promise<void> {
    const giving = giveUp[job.kind];
    if (giving && job.tries >= TRIES) {
      await giving(job);
      await jobs.finish(job, null);
    } else await jobs.finish(job, backoff(job.tries, AFTER_FAULT, MOST_AFTER_FAULT));
  }

  return {
    claim: (kinds: readonly Job['kind'][], limit: number): Promise<Job[]> => claims.jobs(kinds, limit, LEASE),

    async perform(job: Job): Promise<void> {
      const { id, userId, kind } = job;
      const { renew, isLost, end } = holding(job);
      try {
        // It took its process with it every time.
        if (giveUp[kind] && job.tries > TRIES) throw new Error(`tried ${TRIES} times`);
        await jobs.finish(job, await kinds[kind](job, renew));
        logger.info('job', { id, userId, kind });
      } catch (error) {
        logger.error('job failed', { id, userId, kind, error });
        if (!isLost()) await afterFault(job).catch(() => undefined);
      } finally {
        end();
      }
    },
  };
}
