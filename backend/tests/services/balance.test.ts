import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { balance, type Load } from '../../src/services/balance.js';

const node = (id: number, phones: number, more: Partial<Load> = {}): Load => ({
  id,
  phones,
  weight: 1,
  capacity: null,
  ...more,
});

describe('balance', () => {
  it.each([
    ['one new node beside two', [node(1, 6), node(2, 6), node(3, 0)], 4],
    ['even already', [node(1, 4), node(2, 4)], 0],
    ['uneven by one', [node(1, 4), node(2, 3)], 0],
    ['one of twice the weight', [node(1, 6), node(2, 0, { weight: 2 })], 4],
    ['the empty one is full', [node(1, 6), node(2, 0, { capacity: 0 })], 0],
    ['the empty one takes two', [node(1, 6), node(2, 0, { capacity: 2 })], 2],
    ['a node alone', [node(1, 6)], 0],
    ['none', [], 0],
  ])('%s › moves that many', (_what, loads, moves) => {
    expect(balance(loads).reduce((sum, { count }) => sum + count, 0)).toBe(moves);
  });

  it('any loads › nobody gets and gives, nobody gets too much, and a second time there is nothing to do', () => {
    const load = fc.record({
      phones: fc.nat(60),
      weight: fc.constantFrom(0.5, 1, 2, 3),
      capacity: fc.option(fc.nat(80)),
    });
    fc.assert(
      fc.property(fc.array(load, { minLength: 1, maxLength: 6 }), (list) => {
        const loads = list.map((one, id) => ({ ...one, id }));
        const shifts = balance(loads);
        const givers = new Set(shifts.map(({ from }) => from));
        expect(shifts.some(({ to }) => givers.has(to))).toBe(false);
        const after = loads.map((one) => ({
          ...one,
          phones: shifts.reduce(
            (phones, { from, to, count }) =>
              phones + (to === one.id ? count : 0) - (from === one.id ? count : 0),
            one.phones,
          ),
        }));
        for (const [i, one] of after.entries())
          if (one.phones > loads[i]!.phones) expect(one.phones).toBeLessThanOrEqual(one.capacity ?? Infinity);
        expect(balance(after)).toEqual([]);
      }),
    );
  });
});
