import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Readable } from 'node:stream';
import { base64Field, FieldMissing } from '../../src/utils/json-field.js';

const decode = async (chunks: Buffer[]) => {
  const decoder = base64Field('base64', 64 * 1024);
  const out: Buffer[] = [];
  for await (const piece of Readable.from(chunks).compose(decoder)) out.push(piece as Buffer);
  return { bytes: Buffer.concat(out), before: decoder.before() };
};
/** Cut into pieces at these places. */
const cut = (whole: Buffer, places: number[]): Buffer[] => {
  const ends = [...new Set(places.map((at) => at % (whole.length + 1)))].sort((a, b) => a - b);
  return [...ends, whole.length].map((end, i) => whole.subarray(i === 0 ? 0 : ends[i - 1], end));
};

describe('a base64 field of a JSON document', () => {
  it('any file, among any fields, in any pieces › comes out as it went in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.array(fc.nat(), { maxLength: 12 }),
        async (file, fields, places) => {
          delete fields['base64'];
          delete fields['__proto__'];
          const document = { ...fields, base64: Buffer.from(file).toString('base64'), buffer: null };
          const { bytes, before } = await decode(cut(Buffer.from(JSON.stringify(document)), places));
          expect(bytes.equals(file)).toBe(true);
          expect(JSON.stringify(before)).toBe(JSON.stringify({ ...fields, base64: '' }));
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ['a caption that looks like the field', { caption: '","base64":"AAAA', base64: 'aGk=' }],
    ['the name deeper inside', { size: { base64: 'AAAA' }, list: [{ base64: 'AAAA' }], base64: 'aGk=' }],
    ['the name as a text', { mediaType: 'base64', base64: 'aGk=' }],
  ])('%s › is not taken for it', async (_name, document) => {
    expect((await decode([Buffer.from(JSON.stringify(document))])).bytes.toString()).toBe('hi');
  });

  it.each([
    ['a document without it', '{"a":1}'],
    ['one that ends inside it', '{"base64":"aGk'],
    ['no text', '{"base64":null}'],
    ['no document', 'Bad Gateway'],
    ['one whose beginning never ends', `{"caption":"${'x'.repeat(70_000)}","base64":"aGk="}`],
  ])('%s › errors', async (_name, text) => {
    await expect(decode([Buffer.from(text)])).rejects.toThrow(FieldMissing);
  });
});
