import { describe, it, expect } from '@jest/globals';
import { passwords } from '../../src/utils/password.js';

const COST = 4;

/** The shortest of some durations, in milliseconds: what the work takes when nothing else disturbs it. */
async function shortest(works: (() => Promise<unknown>)[], times: number): Promise<number[]> {
  const best = works.map(() => Infinity);
  for (let i = 0; i < times; i++) {
    for (const [n, work] of works.entries()) {
      const started = performance.now();
      await work();
      best[n] = Math.min(best[n]!, performance.now() - started);
    }
  }
  return best;
}

describe('passwords', () => {
  describe('a hashed password', () => {
    it('is verified, and any other is not', async () => {
      const { hash, verify } = passwords({ cost: COST, maxQueue: 10 });
      const stored = await hash('correct horse battery staple');
      expect(stored).toMatch(/^\$2b\$04\$/);
      expect(await verify('correct horse battery staple', stored)).toBe(true);
      expect(await verify('correct horse battery stapl', stored)).toBe(false);
      expect(await verify('', stored)).toBe(false);
    });

    it('counts past byte 72 and past a NUL', async () => {
      const { hash, verify } = passwords({ cost: COST, maxQueue: 10 });
      const long = await hash('é'.repeat(100) + 'a');
      expect(await verify('é'.repeat(100) + 'a', long)).toBe(true);
      expect(await verify('é'.repeat(100) + 'b', long)).toBe(false);
      const nul = await hash('before\u0000after');
      expect(await verify('before\u0000after', nul)).toBe(true);
      expect(await verify('before\u0000other', nul)).toBe(false);
    });

    it('is the same however a keyboard composes an é', async () => {
      const { hash, verify } = passwords({ cost: COST, maxQueue: 10 });
      expect(await verify('cafe\u0301', await hash('caf\u00e9'))).toBe(true);
    });

    it('is salted: never the same twice', async () => {
      const { hash } = passwords({ cost: COST, maxQueue: 10 });
      expect(await hash('same')).not.toBe(await hash('same'));
    });
  });

  describe('no hash', () => {
    it('is false for every password', async () => {
      const { verify } = passwords({ cost: COST, maxQueue: 10 });
      expect(await verify('', null)).toBe(false);
      expect(await verify('anything', null)).toBe(false);
    });

    it('takes as long as a wrong password', async () => {
      const { hash, verify } = passwords({ cost: 9, maxQueue: 10 });
      const stored = await hash('right');
      const [wrong, unknown] = await shortest(
        [() => verify('wrong', stored), () => verify('wrong', null)],
        7,
      );
      expect(unknown! / wrong!).toBeGreaterThan(0.7);
      expect(unknown! / wrong!).toBeLessThan(1.4);
    });
  });

  describe('a broken hash', () => {
    it('is false, and the next one is still answered', async () => {
      const { hash, verify } = passwords({ cost: COST, maxQueue: 10 });
      expect(await verify('right', 'not a hash')).toBe(false);
      expect(await verify('right', await hash('right'))).toBe(true);
    });
  });

  describe('many at once', () => {
    it('are done one at a time: a quick one waits for the slow ones before it', async () => {
      const cheap = await passwords({ cost: 4, maxQueue: 10 }).hash('one');
      const { hash, verify } = passwords({ cost: 10, maxQueue: 10 });
      const finished: string[] = [];
      await Promise.all([
        hash('one').then(() => finished.push('slow')),
        verify('one', cheap).then(() => finished.push('quick')),
        hash('one').then(() => finished.push('slow')),
        verify('one', cheap).then(() => finished.push('quick')),
      ]);
      expect(finished).toEqual(['slow', 'quick', 'slow', 'quick']);
    });

    it('are refused with a Problem when too many wait, and taken again later', async () => {
      const { hash } = passwords({ cost: COST, maxQueue: 2 });
      const answers = await Promise.allSettled([hash('a'), hash('b'), hash('c'), hash('d'), hash('e')]);
      expect(answers.map((answer) => answer.status)).toEqual([
        'fulfilled',
        'fulfilled',
        'fulfilled',
        'rejected',
        'rejected',
      ]);
      expect((answers[3] as PromiseRejectedResult).reason).toMatchObject({
        code: 'unavailable',
        more: { retryAfter: 1 },
      });
      await expect(hash('later')).resolves.toMatch(/^\$2b\$/);
    });
  });
});
