import { expect, it } from '@jest/globals';
import { play, progress } from '../../chaos/act.js';
import { injury } from '../../chaos/injuries.js';
import type { Stage } from '../../chaos/stage.js';

/** What is inflicted one after the other while clients are at work, and with which seed. */
export type ActOf = [name: string, seed: number, injuries: string[]];

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
    120_000,
  );
