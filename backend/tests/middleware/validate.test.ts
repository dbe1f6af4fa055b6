import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import Joi from 'joi';
import { endpoint, type Req } from '../../src/utils/endpoint.js';
import { ask, startFrame, startInboundFrame } from '../support/frame.js';

type Running = Awaited<ReturnType<typeof startFrame>>;

const id = Joi.number().integer().min(1).max(Number.MAX_SAFE_INTEGER);
const echo = (req: Req, res: any) => void res.json(req.input);
const base = {
  access: 'public' as const,
  tag: 'T',
  summary: 'S',
  output: { 200: Joi.object().unknown() },
  problems: [],
};

const rows = [
  endpoint({
    ...base,
    method: 'post',
    path: '/api/messages/send',
    input: {
      headers: Joi.object({ 'idempotency-key': Joi.string().max(10) }),
      body: Joi.object({
        phoneId: id.required(),
        to: Joi.string().pattern(/^\+\d+$/),
        email: Joi.string().trim().lowercase().prefs({ convert: true }),
        list: Joi.array().items(Joi.object({ 'a/b~c': Joi.number() })),
        free: Joi.object().unknown(),
        type: Joi.string().valid('text', 'image').default('text'),
      }),
    },
    handler: echo,
  }),
  endpoint({
    ...base,
    method: 'get',
    path: '/api/messages',
    input: {
      query: Joi.object({
        limit: Joi.number().integer().min(1).max(100).default(50),
        phoneId: id,
        text: Joi.string(),
      }),
    },
    handler: echo,
  }),
  endpoint({
    ...base,
    method: 'get',
    path: '/api/messages/:id',
    input: { params: Joi.object({ id: id.required() }) },
    handler: echo,
  }),
  endpoint({ ...base, method: 'post', path: '/api/restart', input: {}, handler: echo }),
];

describe('input', () => {
  let frame: Running;
  beforeAll(async () => {
    frame = await startFrame(rows);
  });
  afterAll(async () => frame.stop());

  const send = (body: unknown, headers: Record<string, string> = {}) =>
    ask(`${frame.url}/api/messages/send`, { method: 'POST', body, headers });
  const pointers = ({ body }: { body: any }): string[] => body.errors.map((e: any) => e.pointer);

  describe('of a good request', () => {
    it('body, headers and defaults › parsed onto input', async () => {
      const { status, body } = await send(
        { phoneId: 7, email: ' Ann@Example.COM ' },
        { 'idempotency-key': 'k', 'x-other': 'y' },
      );
      expect(status).toBe(200);
      expect(body).toEqual({
        body: { phoneId: 7, email: 'ann@example.com', type: 'text' },
        headers: { 'idempotency-key': 'k' },
        params: {},
        query: {},
      });
    });

    it('query and path › text becomes numbers', async () => {
      expect((await ask(`${frame.url}/api/messages?phoneId=3`)).body.query).toEqual({
        phoneId: 3,
        limit: 50,
      });
      expect((await ask(`${frame.url}/api/v1/messages/9007199254740991`)).body.params).toEqual({
        id: 9007199254740991,
      });
    });

    it('a POST that takes no fields › with nothing, and with {} › passes', async () => {
      expect((await ask(`${frame.url}/api/restart`, { method: 'POST' })).status).toBe(200);
      expect((await ask(`${frame.url}/api/restart`, { method: 'POST', body: {} })).status).toBe(200);
      expect(
        pointers(await ask(`${frame.url}/api/restart`, { method: 'POST', body: { now: true } })),
      ).toEqual(['/now']);
    });
  });

  describe('an id in a body', () => {
    it.each([[-1], [0], [1.5], ['1'], ['1 OR 1=1'], [2 ** 63], [{ $gt: 0 }], [[1]], [null], [true]])(
      '%j › 400 that names it',
      async (phoneId) => {
        const answer = await send({ phoneId });
        expect(answer.status).toBe(400);
        expect(answer.body.code).toBe('invalid_request');
        expect(pointers(answer)).toContain('/phoneId');
      },
    );
  });

  describe('an id in a path or a query', () => {
    it.each([
      '-1',
      '0',
      '1.5',
      '9223372036854775808',
      '1%20OR%201=1',
      '%7B%22$gt%22:0%7D',
      'abc',
      '%00',
      '1%00',
    ])('%s › 400 that names it', async (text) => {
      const inPath = await ask(`${frame.url}/api/messages/${text}`);
      const inQuery = await ask(`${frame.url}/api/messages?phoneId=${text}`);
      expect([inPath.status, ...pointers(inPath)]).toEqual([400, '/path/id']);
      expect([inQuery.status, ...pointers(inQuery)]).toEqual([400, '/query/phoneId']);
    });

    it('given twice, or of an unknown name › 400 that names it', async () => {
      expect(pointers(await ask(`${frame.url}/api/messages?phoneId=1&phoneId=2`))).toEqual([
        '/query/phoneId',
      ]);
      expect(pointers(await ask(`${frame.url}/api/messages?userId=1&limit=0&__proto__=1`))).toContain(
        '/query/__proto__',
      );
      expect(pointers(await ask(`${frame.url}/api/messages?userId=1&limit=0`)).sort()).toEqual([
        '/query/limit',
        '/query/userId',
      ]);
    });

    it('with broken percent-encoding › 400', async () => {
      const { status, body } = await ask(`${frame.url}/api/messages/%E0%A4%A`);
      expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'invalid_request', '/path']);
    });
  });

  describe('every fault at once', () => {
    it('of headers and body › each with pointer, code, params and detail', async () => {
      const { body } = await send(
        { phoneId: 'x', type: 'fax', userId: 1, list: [{ 'a/b~c': 'no' }] },
        { 'idempotency-key': 'far-too-long' },
      );
      expect(body.errors).toEqual(
        expect.arrayContaining([
          {
            pointer: '/headers/idempotency-key',
            code: 'string.max',
            params: { limit: 10 },
            detail: expect.stringContaining('10'),
          },
          { pointer: '/phoneId', code: 'number.base', detail: 'phoneId must be a number' },
          {
            pointer: '/type',
            code: 'any.only',
            params: { valids: ['text', 'image'] },
            detail: 'type must be one of text, image',
          },
          { pointer: '/userId', code: 'object.unknown', detail: 'userId is not a known field' },
          { pointer: '/list/0/a~1b~0c', code: 'number.base', detail: expect.any(String) },
        ]),
      );
      expect(body.errors).toHaveLength(5);
    });

    it('of a value that may be secret › the answer does not repeat it', async () => {
      const { text } = await send({ phoneId: 1, to: 'hunter2' });
      expect(text).toContain('/to');
      expect(text).not.toContain('hunter2');
    });

    it('60 000 unknown fields › answered soon, and briefly', async () => {
      const many = Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`k${i}`, 1]));
      const { status, text } = await send(many);
      expect(status).toBe(400);
      expect(text.length).toBeLessThan(2000);
    });
  });

  describe('a hostile body', () => {
    it.each([
      ['no JSON', '{"phoneId":', 'invalid_json'],
      ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'invalid_json'],
      ['a raw control character', '{"to":"\u0000"}', 'invalid_json'],
      ['nesting of 33', '{"free":'.repeat(33) + '1' + '}'.repeat(33), 'invalid_json'],
      ['nesting of 10 000', '['.repeat(10_000) + ']'.repeat(10_000), 'invalid_json'],
      ['nesting of a million without an end', '['.repeat(1_000_000), 'invalid_json'],
      ['a list', '[]', 'invalid_request'],
      ['a number', '7', 'invalid_request'],
      ['null', 'null', 'invalid_request'],
    ])('%s › 400', async (_name, body, code) => {
      const answer = await send(body);
      expect([answer.status, answer.body.code]).toEqual([400, code]);
    });

    it.each([
      ['U+0000', '{"phoneId":1,"free":{"a":"x\\u0000"}}', '/free/a'],
      ['half a surrogate pair', '{"phoneId":1,"free":{"a":["\\ud800"]}}', '/free/a/0'],
      ['__proto__', '{"phoneId":1,"free":{"__proto__":{"admin":true}}}', '/free/__proto__'],
      ['constructor', '{"phoneId":1,"constructor":{"prototype":{}}}', '/constructor'],
    ])('%s › 400 that names the place', async (_name, body, pointer) => {
      const answer = await send(body);
      expect(answer.status).toBe(400);
      expect(pointers(answer)).toEqual([pointer]);
    });

    it('brackets and escapes inside text › are no nesting', async () => {
      const { status } = await send({
        phoneId: 1,
        free: { a: '[{'.repeat(100), b: '\\"[['.repeat(50), c: '😀' },
      });
      expect(status).toBe(200);
    });
  });

  describe('a body of another kind', () => {
    it.each([
      ['text/plain', {}],
      ['application/x-www-form-urlencoded', {}],
      ['multipart/form-data; boundary=x', {}],
      ['application/json; charset=utf-16', {}],
      ['application/json', { 'content-encoding': 'br' }],
    ])('%s %j › 415', async (type, headers) => {
      const { status, body } = await send('{"phoneId":1}', { 'content-type': type, ...headers });
      expect([status, body.code]).toEqual([415, 'unsupported_media_type']);
    });

    it('a gzip bomb › 415 without unpacking it', async () => {
      const { status } = await send(gzipSync(Buffer.alloc(30_000_000, 0x20)), {
        'content-encoding': 'gzip',
      });
      expect(status).toBe(415);
    });

    it('one byte over the limit › 413; at the limit › passes', async () => {
      const wrap = (bytes: number) => `{"phoneId":1,"free":{"a":"${'x'.repeat(bytes - 30 + 1)}"}}`;
      const fits = wrap(1024 * 1024 - wrap(30).length + 30);
      expect(fits.length).toBe(1024 * 1024);
      expect((await send(fits)).status).toBe(200);
      const { status, body } = await send(`${fits} `);
      expect([status, body.code]).toEqual([413, 'payload_too_large']);
    });

    it('too large and without a length › 413', async () => {
      const status = await new Promise((resolve, reject) => {
        const req = request(
          `${frame.url}/api/messages/send`,
          { method: 'POST', headers: { 'content-type': 'application/json' } },
          (res) => {
            resolve(res.statusCode);
            res.resume();
          },
        );
        req.on('error', reject);
        req.end(Buffer.alloc(2 * 1024 * 1024, 0x20));
      });
      expect(status).toBe(413);
    });
  });
});

describe('the internal listener', () => {
  const bodies: unknown[] = [];
  let frame: Awaited<ReturnType<typeof startInboundFrame>>;
  beforeAll(async () => {
    frame = await startInboundFrame([
      endpoint({
        ...base,
        access: 'node',
        method: 'post',
        path: '/inbound/:placement',
        input: { params: Joi.object({ placement: Joi.string().required() }), body: Joi.object().unknown() },
        handler: (req, res) => {
          bodies.push(req.input.body);
          res.json({});
        },
      }),
    ]);
  });
  afterAll(async () => frame.stop());

  const post = (body: unknown, headers = {}) =>
    ask(`${frame.url}/inbound/p1`, { method: 'POST', body, headers });

  it.each([
    [
      'U+0000 and half a pair',
      '{"a":"x\\u0000y","b":["\\ud800"],"c":"\\ud83d\\ude00"}',
      { a: 'x\uFFFDy', b: ['\uFFFD'], c: '😀' },
    ],
    ['no JSON', '{"a":', { unreadable: '{"a":' }],
    ['no object', '[1]', { unreadable: '[1]' }],
    ['an unnamed kind', Buffer.from('{"a":1}'), { a: 1 }],
    [
      'deep as a chain of quotations',
      `${'{"q":'.repeat(60)}1${'}'.repeat(60)}`,
      expect.objectContaining({ q: expect.anything() }),
    ],
    ['deeper than anything', '['.repeat(100_000), { unreadable: '['.repeat(2000) }],
  ])('%s › is taken, storable', async (_name, body, expected) => {
    const { status } = await post(
      body,
      _name === 'an unnamed kind' ? { 'content-type': 'application/octet-stream' } : {},
    );
    expect(status).toBe(200);
    expect(bodies.at(-1)).toEqual(expected);
  });

  it('media of 20 MB inside JSON › is taken', async () => {
    expect((await post({ media: 'A'.repeat(20 * 1024 * 1024) })).status).toBe(200);
  });

  it('any other path › 404', async () => {
    expect((await ask(`${frame.url}/api/phones`)).body).toMatchObject({ code: 'not_found', status: 404 });
  });
});
