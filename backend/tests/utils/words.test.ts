import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { soughtWords, wordsOf } from '../../src/utils/words.js';

describe('words', () => {
  it.each([
    ['Hello, hello WORLD!', ['hello', 'world']],
    ['order#42 (paid)', ['order', '42', 'paid']],
    ['Ａｌｌ ﬁne', ['all', 'fine']],
    ['日本 2025', ['日', '本', '日本', '2025']],
    ['abc票def', ['abc', 'def', '票']],
    ['🎉🎉 ok', ['🎉', 'ok']],
    [' .,;! ', []],
  ])('%s › split › %j', (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  it('any text › sought by itself › is found', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const words = new Set(wordsOf(text));
        expect(soughtWords(text).filter((word) => !words.has(word))).toEqual([]);
      }),
    );
  });

  it('a part of a text › cut at spaces, in another case › finds the whole', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(word, word, word, (before, middle, after) => {
        const words = new Set(wordsOf(`${before} ${middle} ${after}`));
        const missing = soughtWords(middle).filter((sought) => !words.has(sought));
        expect(missing).toEqual([]);
      }),
    );
  });
});
