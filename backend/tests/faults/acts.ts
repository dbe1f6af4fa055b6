import { expect, it } from '@jest/globals';
import { play, progress } from '../../chaos/act.js';
import { injury } from '../../chaos/injuries.js';
import type { Stage } from '../../chaos/stage.js';

/** What is inflicted one after the other while clients are at work, and with which seed. */
export type ActOf = [name: string, seed: number, injuries: string[]];

/** Short ones on what the gateway is made of. */
export const GATEWAY_ACTS: readonly ActOf[] = [
  ['a worker killed', 1, ['worker-killed']],
  ['SIGTERM at load, twice, to either role', 4, ['api-restarted', 'worker-restarted', 'api-restarted']],
  [
    'nginx reloaded, its workers killed in the middle of a POST',
    6,
    ['nginx-reloaded', 'nginx-worker-killed'],
  ],
  ['Redis flushed, killed, full', 7, ['redis-flushed', 'redis-killed', 'redis-full']],
];

/** Short ones on what it stands on. */
export const STORES_ACTS: readonly ActOf[] = [
  ['PostgreSQL crash-restarted', 11, ['postgres-backend-killed', 'postgres-crashed']],
  ['PostgreSQL read-only, out of connections', 12, ['postgres-read-only', 'postgres-exhausted']],
  [
    'a node that answers 502, loses its answers, is killed',
    17,
    ['node-502', 'node-answers-lost', 'node-killed'],
  ],
];

const SEEDS = 5;

/** Each with five seeds: the same faults after other pauses, and other clients. */
export const withSeeds = (acts: readonly ActOf[]): ActOf[] =>
  acts.flatMap(([name, seed, injuries]) =>
    Array.from({ length: SEEDS }, (_, i): ActOf => [name, seed + 100 * i, injuries]),
  );

/** Clients at work before, meanwhile and after; then the oracle holds all ledgers against the invariants. */
export const playActs = (acts: readonly ActOf[], stage: () => Stage): void =>
  it.each(acts)(
    '%s, seed %i › clients at work › 503 only, nothing lost, nothing doubled, order kept, doubt within its bound',
    async (_name, seed, names) => {
      const verdict = await play({
        stage: stage(),
        seed,
        tag: `act${seed}`,
        workload: { messages: Infinity, pauseMs: 150 },
        trouble: async ({ workload, hurt }) => {
          await progress(workload, 20);
          for (const name of names) await hurt(injury(name));
          await progress(workload, workload.accepted() + 20);
          await workload.stop();
        },
      });
      expect(verdict.violations).toEqual([]);
      expect(verdict.counts.accepted).toBeGreaterThanOrEqual(40);
      // What was not in doubt arrived.
      expect(verdict.counts.arrived).toBeGreaterThan(verdict.counts.accepted - verdict.counts.doubtBound - 1);
    },
    400_000,
  );
