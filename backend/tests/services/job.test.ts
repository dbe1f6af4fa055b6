import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Job } from '../../src/models/job.js';
import { createJobs, type Doing } from '../../src/services/job.js';

const JOB: Job = { id: 1, userId: 2, kind: 'export', about: 3, leaseId: 'lease', tries: 1 };

describe('a job', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  const jobsThat = (doing: Doing, isHeld = true) => {
    const renewals: number[] = [];
    const finished: (number | null)[] = [];
    const givenUp: number[] = [];
    const started = Date.now();
    const jobs = createJobs({
      tenancy: {
        shared: {
          claims: {},
          jobs: {
            renew: async () => {
              renewals.push(Math.round((Date.now() - started) / 1000));
              return isHeld;
            },
            finish: async (_job: Job, again: number | null) => void finished.push(again),
          },
        },
      } as any,
      kinds: { export: doing, erase: doing, remove: doing },
      giveUp: { export: async ({ id }) => void givenUp.push(id) },
      logger: { info: () => undefined, error: () => undefined } as any,
    });
    return { jobs, renewals, finished, givenUp };
  };
  const sleeping = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  it('regression › one step of it takes longer than its lease › it is held all the while', async () => {
    const { jobs, renewals, finished } = jobsThat(async (_job, renew) => {
      await sleeping(95_000);
      await renew();
      return null;
    });
    const performed = jobs.perform(JOB);
    await jest.advanceTimersByTimeAsync(100_000);
    await performed;
    expect(renewals.length).toBe(18);
    expect(finished).toEqual([null]);
  });

  it('regression › somebody else has it by now › it goes on no further, and ends nothing', async () => {
    const gone: string[] = [];
    const doing: Doing = async (_job, renew) => {
      await sleeping(60_000);
      await renew();
      gone.push('on');
      return null;
    };
    const { jobs, finished } = jobsThat(doing, false);
    const performed = jobs.perform(JOB);
    await jest.advanceTimersByTimeAsync(61_000);
    await performed;
    expect([gone, finished]).toEqual([[], []]);
  });

  it('regression › it fails again and again › tried ever later, then given up where it can be asked for again', async () => {
    const { jobs, finished, givenUp } = jobsThat(() => Promise.reject(new Error('full')));
    for (const tries of [1, 2, 5, 6]) await jobs.perform({ ...JOB, tries });
    expect([finished, givenUp]).toEqual([[10, 20, 160, null], [1]]);
    await jobs.perform({ ...JOB, kind: 'erase', tries: 60 });
    expect(finished.at(-1)).toBe(300);
  });
});
