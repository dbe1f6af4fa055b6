import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { createApiKey, parseApiKey } from '../../src/utils/api-key.js';
import { sha256 } from '../../src/utils/crypto.js';

/** Every character that may stand in a key, some that may not, and some that only look right. */
const CHARACTERS = [...'0123456789abcdefghijklmnopqrstuvwxyzABCXYZ_-+/=. \n\u0000é０а'];

describe('createApiKey', () => {
  it('a new key › is parsed to its own id and hash', () => {
    const { key, id, hash } = createApiKey();
    expect(id).toMatch(/^key_[0-9a-hjkmnp-tv-z]{26}$/);
    expect(hash.equals(sha256(key))).toBe(true);
    expect(parseApiKey(key)).toEqual({ id, hash });
  });

  it('a thousand keys › share neither id nor secret', () => {
    const keys = Array.from({ length: 1000 }, () => createApiKey().key);
    expect(new Set(keys.map((key) => key.slice(3, 29))).size).toBe(1000);
    expect(new Set(keys.map((key) => key.slice(29, 61))).size).toBe(1000);
  });

  it('the secret › has 160 bits, each of which varies', () => {
    const secrets = Array.from({ length: 500 }, () => createApiKey().key.slice(29, 61));
    for (let i = 0; i < 32; i++) expect(new Set(secrets.map((secret) => secret[i])).size).toBe(32);
  });
});

describe('parseApiKey', () => {
  it('every change of one character, everywhere › is refused', () => {
    const { key } = createApiKey();
    for (let at = 0; at < key.length; at++) {
      for (const character of CHARACTERS.filter((it) => it !== key[at])) {
        expect(parseApiKey(key.slice(0, at) + character + key.slice(at + 1))).toBeNull();
      }
    }
  });

  it('any character anywhere in any key › is refused, unless it is the same', () => {
    fc.assert(
      fc.property(fc.nat(), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), (where, character) => {
        const { key } = createApiKey();
        const at = where % key.length;
        fc.pre(character !== key[at]);
        return parseApiKey(key.slice(0, at) + character + key.slice(at + 1)) === null;
      }),
      { numRuns: 2000 },
    );
  });

  it('two neighbours swapped › is refused', () => {
    const { key } = createApiKey();
    for (let at = 0; at < key.length - 1; at++) {
      if (key[at] === key[at + 1]) continue;
      expect(parseApiKey(key.slice(0, at) + key[at + 1] + key[at] + key.slice(at + 2))).toBeNull();
    }
  });

  it('a character lost or doubled › is refused', () => {
    const { key } = createApiKey();
    for (let at = 0; at < key.length; at++) {
      expect(parseApiKey(key.slice(0, at) + key.slice(at + 1))).toBeNull();
      expect(parseApiKey(key.slice(0, at) + key[at] + key.slice(at))).toBeNull();
    }
  });

  it('a key with something around it, in capitals or of no kind › is refused', () => {
    const { key } = createApiKey();
    const texts = [
      ` ${key}`,
      `${key}\n`,
      `${key}${key}`,
      key.toUpperCase(),
      `Bearer ${key}`,
      '',
      'ev_',
      'eyJhbGciOi.J.9',
    ];
    for (const text of texts) expect(parseApiKey(text)).toBeNull();
  });

  it('a megabyte › is refused sooner than it could be hashed', () => {
    const text = `ev_${'0'.repeat(1024 * 1024)}`;
    const fastest = (work: () => unknown): number =>
      Math.min(
        ...Array.from({ length: 5 }, () => {
          const started = performance.now();
          work();
          return performance.now() - started;
        }),
      );
    expect(parseApiKey(text)).toBeNull();
    expect(fastest(() => parseApiKey(text))).toBeLessThan(fastest(() => sha256(text)));
  });
});
