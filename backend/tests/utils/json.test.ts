import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findHostile, isDeeperThan, mend, pointer } from '../../src/utils/json.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

describe('isDeeperThan', () => {
  it('any JSON › against its real depth › agrees', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.integer({ min: 0, max: 8 }), (value, limit) => {
        expect(isDeeperThan(limit, bytes(JSON.stringify(value)))).toBe(depthOf(value) > limit);
      }),
    );
  });

  it.each([
    ['{"a":"\\"[[["}', 1, false],
    ['{"a\\\\":[1]}', 1, true],
    ['[[', 1, true],
    [']]][', 0, false],
  ])('%s › limit %d › %s', (text, limit, expected) => {
    expect(isDeeperThan(limit, bytes(text))).toBe(expected);
  });
});

describe('what cannot be stored', () => {
  it('any JSON › mended › holds nothing hostile in its texts, and is else the same', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(
        fc.dictionary(
          text.filter((key) => !['__proto__', 'constructor', 'prototype'].includes(key)),
          fc.array(text),
        ),
        (value) => {
          const mended = mend(value);
          expect(findHostile(mended)).toBeNull();
          if (findHostile(value) === null) expect(mended).toEqual(value);
        },
      ),
    );
  });

  it.each([
    [{ a: { b: ['x', 'y\0'] } }, '/a/b/1'],
    [{ 'k\0': 1 }, '/k\0'],
    [JSON.parse('{"a":{"__proto__":1}}'), '/a/__proto__'],
    [['\udc00'], '/0'],
  ])('%j › found at %j', (value, where) => {
    expect(findHostile(value)?.pointer).toBe(where);
  });

  it.each([['😀'], [{ a: null, b: [1, true] }], ['plain'], [undefined]])('%j › is fine', (value) => {
    expect(findHostile(value)).toBeNull();
  });
});

describe('pointer', () => {
  it('names with ~ and / › escaped as RFC 6901 says', () => {
    expect(pointer(['a/b', 0, '~c'])).toBe('/a~1b/0/~0c');
    expect(pointer([])).toBe('');
  });
});
