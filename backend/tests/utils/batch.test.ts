import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { batcher } from '../../src/utils/batch.js';

/** A flush that waits until it is let go, and remembers what it was given. */
function gated() {
  const batches: number[][] = [];
  const gates: (() => void)[] = [];
  const flush = async (items: number[]): Promise<number[]> => {
    batches.push(items);
    await new Promise<void>((resolve) => gates.push(resolve));
    return items;
  };
  return { batches, flush, letGo: () => gates.shift()!() };
}

const ticks = async (count = 5) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('batcher', () => {
  describe('what arrives in one tick', () => {
    it('goes in one batch, and each gets its own result', async () => {
      const batches: number[][] = [];
      const flush = async (items: number[]) => {
        batches.push(items);
        return items.map((item) => `result ${item}`);
      };
      const { add } = batcher({ flush, maxBatch: 10, maxQueue: 100 });
      expect(await Promise.all([1, 2, 3].map(add))).toEqual(['result 1', 'result 2', 'result 3']);
      expect(batches).toEqual([[1, 2, 3]]);
    });
  });

  describe('what arrives while a batch is in flight', () => {
    it('waits and forms the next ones, cut at the cap', async () => {
      const { batches, flush, letGo } = gated();
      const group = batcher({ flush, maxBatch: 3, maxQueue: 100 });
      const first = group.add(0);
      await ticks();
      const rest = [1, 2, 3, 4, 5].map(group.add);
      await ticks();
      expect(batches).toEqual([[0]]);
      expect(group.queued).toBe(5);
      letGo();
      await first;
      await ticks();
      expect(batches).toEqual([[0], [1, 2, 3]]);
      letGo();
      await ticks();
      expect(batches).toEqual([[0], [1, 2, 3], [4, 5]]);
      letGo();
      expect(await Promise.all(rest)).toEqual([1, 2, 3, 4, 5]);
      expect(group.queued).toBe(0);
    });
  });

  describe('any load', () => {
    it('keeps the order, one batch at a time, none over the cap, each item once, each its own result', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.nat(4), { minLength: 1, maxLength: 60 }),
          fc.integer({ min: 1, max: 7 }),
          async (pauses, maxBatch) => {
            const seen: number[] = [];
            let inFlight = 0;
            const flush = async (items: number[]) => {
              inFlight += 1;
              expect(inFlight).toBe(1);
              expect(items.length).toBeLessThanOrEqual(maxBatch);
              await ticks(items[0]! % 3);
              seen.push(...items);
              inFlight -= 1;
              return items.map((item) => item * 2);
            };
            const { add } = batcher({ flush, maxBatch, maxQueue: 1000 });
            const results: Promise<number>[] = [];
            for (const [i, pause] of pauses.entries()) {
              results.push(add(i));
              await ticks(pause);
            }
            expect(await Promise.all(results)).toEqual(pauses.map((_, i) => i * 2));
            expect(seen).toEqual(pauses.map((_, i) => i));
          },
        ),
        { numRuns: 60 },
      );
    });
  });

  describe('a batch that fails', () => {
    it('is tried item by item, so that exactly the bad ones reject, whichever they are', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
          fc.integer({ min: 1, max: 10 }),
          async (goods, maxBatch) => {
            const done: number[] = [];
            const flush = async (items: number[]) => {
              const bad = items.find((item) => !goods[item]);
              if (bad !== undefined) throw new Error(`bad ${bad}`);
              done.push(...items);
              return items;
            };
            const { add } = batcher({ flush, maxBatch, maxQueue: 100 });
            const answers = await Promise.allSettled(goods.map((_, i) => add(i)));
            answers.forEach((answer, i) => {
              if (goods[i]) expect(answer).toEqual({ status: 'fulfilled', value: i });
              else expect((answer as PromiseRejectedResult).reason).toEqual(new Error(`bad ${i}`));
            });
            expect(done).toEqual(goods.flatMap((good, i) => (good ? [i] : [])));
          },
        ),
      );
    });

    it('is tried again once an item, not more, and an item that was alone not at all', async () => {
      const calls: number[][] = [];
      const flush = async (items: number[]): Promise<number[]> => {
        calls.push(items);
        throw new Error('always');
      };
      const { add } = batcher({ flush, maxBatch: 10, maxQueue: 100 });
      await Promise.allSettled([add(1), add(2)]);
      await expect(add(3)).rejects.toThrow('always');
      expect(calls).toEqual([[1, 2], [1], [2], [3]]);
    });

    it('rejects as a whole, at once, when the failure is no item’s fault', async () => {
      const calls: number[][] = [];
      const flush = async (items: number[]): Promise<number[]> => {
        calls.push(items);
        throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
      };
      const isolate = (error: unknown) => (error as { code?: string }).code !== 'ECONNREFUSED';
      const { add } = batcher({ flush, maxBatch: 10, maxQueue: 100, isolate });
      const answers = await Promise.allSettled([add(1), add(2), add(3)]);
      expect(answers.map((answer) => answer.status)).toEqual(['rejected', 'rejected', 'rejected']);
      expect(calls).toEqual([[1, 2, 3]]);
    });

    it('does not stop the ones after it', async () => {
      const flush = async (items: number[]) => {
        if (items.includes(1)) throw new Error('bad');
        return items;
      };
      const { add } = batcher({ flush, maxBatch: 1, maxQueue: 100 });
      const answers = await Promise.allSettled([add(1), add(2)]);
      expect(answers.map((answer) => answer.status)).toEqual(['rejected', 'fulfilled']);
    });
  });

  describe('a result that is an Error', () => {
    it('rejects that item alone, without another try', async () => {
      let calls = 0;
      const flush = async (items: number[]) => {
        calls += 1;
        return items.map((item) => (item === 2 ? new Error('not this one') : item));
      };
      const { add } = batcher<number, number>({ flush, maxBatch: 10, maxQueue: 100 });
      const answers = await Promise.allSettled([add(1), add(2), add(3)]);
      expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(calls).toBe(1);
    });
  });

  describe('a wrong number of results', () => {
    it('rejects the whole batch and does nothing twice', async () => {
      let calls = 0;
      const flush = async (items: number[]) => {
        calls += 1;
        return items.slice(1);
      };
      const { add } = batcher({ flush, maxBatch: 10, maxQueue: 100 });
      const answers = await Promise.allSettled([add(1), add(2)]);
      expect(answers.map((answer) => answer.status)).toEqual(['rejected', 'rejected']);
      expect(calls).toBe(1);
    });
  });

  describe('a full queue', () => {
    it('refuses with a Problem, and takes more once it has emptied', async () => {
      const { flush, letGo } = gated();
      const group = batcher({ flush, maxBatch: 10, maxQueue: 2 });
      const first = group.add(0);
      await ticks();
      const waiting = [group.add(1), group.add(2)];
      await expect(group.add(3)).rejects.toMatchObject({ code: 'unavailable', more: { retryAfter: 1 } });
      letGo();
      await first;
      await ticks();
      letGo();
      expect(await Promise.all(waiting)).toEqual([1, 2]);
      const later = group.add(4);
      await ticks();
      letGo();
      expect(await later).toBe(4);
    });
  });

  describe('drain', () => {
    it('resolves once everything added is settled, and at once when idle', async () => {
      const { flush, letGo } = gated();
      const group = batcher({ flush, maxBatch: 1, maxQueue: 10 });
      await group.drain();
      const settled: number[] = [];
      for (const item of [1, 2]) void group.add(item).then((result) => settled.push(result));
      let drained = false;
      const draining = group.drain().then(() => (drained = true));
      await ticks();
      letGo();
      await ticks();
      expect(drained).toBe(false);
      letGo();
      await draining;
      expect(settled).toEqual([1, 2]);
    });
  });
});
