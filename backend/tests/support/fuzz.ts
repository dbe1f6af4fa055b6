import fc from 'fast-check';
import type { Endpoint } from '../../src/utils/endpoint.js';

/** One request, of any sense or none. */
export interface Wild {
  row: Endpoint;
  params: Record<string, unknown>;
  query: Record<string, unknown>;
  body: unknown;
  /** Sent as it is, under any type, in place of a body that is JSON. */
  raw: { type: string; bytes: string } | null;
  caller: WildCaller;
}
export type WildCaller = 'admin' | 'phone' | 'nobody' | 'nonsense';

interface Described {
  keys?: Record<string, { examples?: unknown[]; allow?: unknown[] }>;
  examples?: unknown[];
}
const described = (schema: { describe(): unknown } | undefined): Described =>
  (schema?.describe() ?? {}) as Described;

/** What has broken somebody's parser, query or path before. */
const NASTY: unknown[] = [
  '1 OR 1=1',
  "'; drop table users; --",
  '\u0000',
  '%00',
  '../../etc/passwd',
  '\r\nx-evil: 1',
  '{{7*7}}',
  '2027-02-30T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '-infinity',
  '+628123456789',
  'group:120363033523333101',
  'lid:233148154562373',
  '\ud800',
  'é'.repeat(300),
  'a'.repeat(5000),
  { $gt: 0 },
  { constructor: {} },
  [],
  [[[[]]]],
  -1,
  0,
  1.5,
  2 ** 53,
  2 ** 63,
  1e308,
];

const junk: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 3 }),
);

/** The fields of a schema, each with an example of it, something else, or left out. */
function fieldsOf(schema: { describe(): unknown } | undefined): fc.Arbitrary<Record<string, unknown>> {
  const { keys = {}, examples = [] } = described(schema);
  const whole = (examples[0] ?? {}) as Record<string, unknown>;
  const fields = Object.entries(keys).map(([name, key]) => {
    const known = [whole[name], ...(key.examples ?? []), ...(key.allow ?? [])].filter(
      (one) => one !== undefined && typeof one !== 'object',
    );
    const value =
      known.length > 0 ? fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...known) }, junk) : junk;
    return [name, value] as const;
  });
  return fc.record(Object.fromEntries(fields), { requiredKeys: [] });
}

const idOf = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('1', '2', '999999', 'key_00000000000000000000000000') },
  junk.map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value))),
);

const raw = fc.record({
  type: fc.constantFrom(
    'application/json',
    'application/json; charset=utf-16',
    'application/json, text/plain',
    'text/plain',
    'multipart/form-data',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'x',
  ),
  bytes: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.constantFrom(
      '',
      '{',
      '[',
      'null',
      '"x"',
      '{"a":1}{',
      '{"a":1,"a":2}',
      '--x\r\n\r\n--x--',
      '['.repeat(5000),
    ),
    fc.jsonValue().map((value) => JSON.stringify(value)),
  ),
});

/** Requests of these rows, each as likely as any other. */
export const wild = (rows: readonly Endpoint[]): fc.Arbitrary<Wild> =>
  fc.constantFrom(...rows).chain((row) =>
    fc.record({
      row: fc.constant(row),
      params: fc.record(
        Object.fromEntries([...row.path.matchAll(/:(\w+)/g)].map(([, name]) => [name!, idOf] as const)),
      ),
      query: fc.oneof({ weight: 3, arbitrary: fieldsOf(row.input.query) }, fc.dictionary(fc.string(), junk)),
      raw: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, raw),
      caller: fc.oneof(
        { weight: 8, arbitrary: fc.constant<WildCaller>('admin') },
        fc.constantFrom<WildCaller>('phone', 'nobody', 'nonsense'),
      ),
      body: fc.oneof(
        { weight: 5, arbitrary: fieldsOf(row.input.body) },
        fc.dictionary(fc.string(), junk, { maxKeys: 4 }),
        junk,
      ),
    }),
  );

/** Without halves of characters, which no URL can carry. */
const wellFormed = (text: string): string => Buffer.from(text).toString();

/** As fetch takes it. */
export function requestOf({ row, params, query, body, raw }: Wild): { path: string; init: RequestInit } {
  const path = row.path.replace(/:(\w+)/g, (_all, name: string) =>
    encodeURIComponent(wellFormed(String(params[name])).slice(0, 300) || '0'),
  );
  const asked = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [
      wellFormed(name),
      wellFormed(typeof value === 'object' ? JSON.stringify(value) : String(value)).slice(0, 500),
    ]),
  ).toString();
  const method = row.method.toUpperCase();
  const hasBody = method !== 'GET' && (method !== 'DELETE' || row.input.body !== undefined);
  return {
    path: asked ? `${path}?${asked}` : path,
    init: {
      method,
      ...(hasBody && raw ? { body: raw.bytes, headers: { 'content-type': raw.type } } : {}),
      ...(hasBody && !raw
        ? { body: JSON.stringify(body) ?? 'null', headers: { 'content-type': 'application/json' } }
        : {}),
    },
  };
}
