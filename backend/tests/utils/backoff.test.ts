import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { backoff } from '../../src/utils/backoff.js';

describe('backoff', () => {
  it('without jitter › doubles up to the cap', () => {
    const o = { baseMs: 1000, maxMs: 60_000, jitter: 0 };
    expect([1, 2, 3, 4, 5, 6, 7, 8].map((attempt) => backoff(attempt, o))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000,
    ]);
  });

  it('with jitter › spreads to both sides of the middle', () => {
    const o = { baseMs: 1000, maxMs: 60_000, jitter: 0.2 };
    expect(backoff(1, o, () => 0)).toBe(800);
    expect(backoff(1, o, () => 0.5)).toBe(1000);
    expect(backoff(1, o, () => 0.999_999)).toBe(1199);
  });

  it('at the cap › still spreads', () => {
    const o = { baseMs: 1000, maxMs: 60_000, jitter: 0.2 };
    const pauses = [0, 0.25, 0.5, 0.75, 0.999].map((random) => backoff(50, o, () => random));
    expect(new Set(pauses).size).toBe(5);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(60_000);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(40_000);
  });

  it('any attempt, even 0 or a million › is a whole number within the cap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.nat(10_000),
        fc.nat(100_000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempt, baseMs, maxMs, jitter) => {
          const pause = backoff(attempt, { baseMs, maxMs, jitter });
          return Number.isInteger(pause) && pause >= 0 && pause <= maxMs;
        },
      ),
    );
  });
});
