import { describe, expect, it } from '@jest/globals';
import { fill } from '../../src/utils/template.js';

describe('fill', () => {
  it.each([
    ['Hi {{name}}!', { name: 'Ann' }, 'Hi Ann!', []],
    ['{{ name }} {{name}}', { name: 'Ann' }, 'Ann Ann', []],
    ['{{n}} of {{total}}', { n: 1, total: 0 }, '1 of 0', []],
    ['Hi {{name}}', {}, 'Hi {{name}}', ['name']],
    ['{{a}} {{b}} {{a}}', { b: 'x' }, '{{a}} x {{a}}', ['a']],
    ['{{name}}', { name: '{{secret}}', secret: 's' }, '{{secret}}', []],
    ['{{toString}} {{__proto__}}', {}, '{{toString}} {{__proto__}}', ['toString', '__proto__']],
    ['{{name}}', { name: '$& $1' }, '$& $1', []],
    ['{ {name}} {{}} {{1}} {{a b}}', { name: 'x' }, '{ {name}} {{}} {{1}} {{a b}}', []],
    ['', { a: 'b' }, '', []],
  ])('%j with %j › %j, missing %j', (text, variables, value, missing) => {
    expect(fill(text, variables as Record<string, string>)).toEqual({ value, missing });
  });

  it('a draft › every text in it, however deep; nothing else is touched', () => {
    const draft = { phoneId: 1, message: '{{a}}', poll: { options: ['{{a}}', 'b'], n: null }, on: true };
    expect(fill(draft, { a: 'A' })).toEqual({
      value: { phoneId: 1, message: 'A', poll: { options: ['A', 'b'], n: null }, on: true },
      missing: [],
    });
  });
});
