import { describe, expect, it } from '@jest/globals';
import { behaviourOf } from '../../src/network/behaviours.js';
import { addressOf, lidOf, numberOf } from '../../src/network/jid.js';
import { decodeCreds, encodeCreds, freshCreds } from '../../src/store/sessions.js';
import { validate } from '../../src/http/schema.js';
import { createBatcher } from '../../src/utils/batch.js';
import { createLru } from '../../src/utils/lru.js';
import { long } from '../../src/utils/json.js';
import { phoneId, rowId, sentId } from '../../src/utils/ids.js';

describe('hidden addresses', () => {
  it.each(['6281234567890', '5511900000001', '1', '12025550123', '99999999999999', '123456789012345'])(
    '%s › there and back › is the same number',
    (number) => {
      expect(lidOf(number)).toMatch(/^[23]\d{14,16}@lid$/);
      expect(numberOf(lidOf(number))).toBe(number);
    },
  );
  it('a thousand neighbours › each › has one of its own', () => {
    const lids = Array.from({ length: 1_000 }, (_, i) => lidOf(String(6_281_100_000_000 + i)));
    expect(new Set(lids).size).toBe(1_000);
  });
});

describe('addresses', () => {
  it.each([
    ['+55 (11) 98888-7777', '5511988887777@s.whatsapp.net'],
    ['5511988887777@s.whatsapp.net', '5511988887777@s.whatsapp.net'],
    ['233148154562373@lid', '233148154562373@lid'],
    ['120363033523333101', '120363033523333101@g.us'],
    ['abc', '@s.whatsapp.net'],
  ])('%s › as written by a caller › %s', (number, jid) => {
    expect(addressOf(number)).toBe(jid);
  });
  it('a device part › is dropped', () => {
    expect(numberOf('6281234:12@s.whatsapp.net')).toBe('6281234');
  });
});

describe('behaviours', () => {
  it('a number shorter than four digits › is usual', () => {
    expect(behaviourOf('404').acks).toEqual(['DELIVERY_ACK', 'READ']);
  });
});

describe('credentials', () => {
  it('encoded › as real nodes do › a string inside a string; both forms are read', () => {
    const creds = freshCreds();
    expect(typeof JSON.parse(encodeCreds(creds))).toBe('string');
    expect(decodeCreds(encodeCreds(creds))).toEqual(creds);
    expect(decodeCreds(JSON.stringify(creds))).toEqual(creds);
    expect(decodeCreds(null)).toBeNull();
  });
});

describe('ids', () => {
  it('of rows and messages › look like real ones and differ', () => {
    expect(rowId()).toMatch(/^c[0-9a-z]{24}$/);
    expect(sentId()).toMatch(/^3EB0[0-9A-F]{18}$/);
    expect(phoneId()).toMatch(/^3A[0-9A-F]{18}$/);
    expect(phoneId('seed')).toBe(phoneId('seed'));
    expect(new Set(Array.from({ length: 5_000 }, rowId)).size).toBe(5_000);
  });
});

describe('long', () => {
  it.each([0, 531, 1_795_335_037, 1_795_335_119_214])('%d › split in two › is the same again', (value) => {
    const { low, high } = long(value) as { low: number; high: number };
    expect(high * 4_294_967_296 + (low >>> 0)).toBe(value);
  });
});

describe('groups of work', () => {
  it('asked for in one tick › go out together, and each gets its own result', async () => {
    const groups: number[][] = [];
    const double = createBatcher<number, number>(async (items) => {
      groups.push(items);
      return items.map((n) => n * 2);
    }, 3);
    expect(await Promise.all([1, 2, 3, 4].map(double))).toEqual([2, 4, 6, 8]);
    expect(groups).toEqual([[1, 2, 3], [4]]);
  });
  it('one bad item › refused for what it says › fails alone', async () => {
    const store = createBatcher<number, number>(async (items) => {
      if (items.includes(2)) throw Object.assign(new Error('bad'), { code: '23503' });
      return items;
    });
    const results = await Promise.allSettled([1, 2, 3].map(store));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
  it('a lost connection › fails all, and nothing is done twice', async () => {
    let calls = 0;
    const store = createBatcher<number, number>(async () => {
      calls += 1;
      throw new Error('Connection terminated');
    });
    const results = await Promise.allSettled([1, 2, 3].map(store));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(calls).toBe(1);
  });
});

describe('a bounded map', () => {
  it('over its size › forgets what was written longest ago', () => {
    const lru = createLru<string, number>(2);
    lru.set('a', 1);
    lru.set('b', 2);
    lru.set('a', 3);
    lru.set('c', 4);
    expect([lru.get('a'), lru.get('b'), lru.get('c')]).toEqual([3, undefined, 4]);
  });
});

describe('schemas', () => {
  const schema = {
    type: 'object',
    required: ['a'],
    properties: { b: { type: 'array', items: { type: 'string' } } },
  } as const;
  it('a valid body › is returned', () => {
    expect(validate({ a: 1, b: ['x'] }, schema)).toEqual({ a: 1, b: ['x'] });
  });
  it('several mistakes › are all named', () => {
    expect(() => validate({ b: [1] }, schema)).toThrow(
      /b\[0\] is not of a type\(s\) string.*instance requires property \\"a\\"/,
    );
  });
});
