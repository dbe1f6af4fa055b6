import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import Joi from 'joi';
import { endpoint, type Method } from '../../src/utils/endpoint.js';
import { Problem } from '../../src/utils/problem.js';
import { ask, startFrame } from '../support/frame.js';
import { until } from '../support/until.js';

const row = (path: `/${string}`, handler: (req: any, res: any) => unknown, method: Method = 'get') =>
  endpoint({
    method,
    path,
    access: 'public',
    tag: 'T',
    summary: 'S',
    input: { params: Joi.object().unknown(), query: Joi.object().unknown() },
    output: { 200: Joi.object() },
    problems: [],
    handler: async (req, res) => void (await handler(req, res)),
  });
const throwing = (error: unknown) => () => {
  throw error;
};

describe('errors and the access line', () => {
  let isHanging = false;
  let frame: Awaited<ReturnType<typeof startFrame>>;
  beforeAll(async () => {
    frame = await startFrame(
      [
        row(
          '/api/problem',
          throwing(
            new Problem('phone_exists', 'It is phone 7', {
              errors: [{ pointer: '/a', code: 'x', detail: 'd' }],
              retryAfter: 1.2,
            }),
          ),
        ),
        row('/api/bare', throwing(new Problem('phone_connected'))),
        row('/api/crash', throwing(new Error('password hunter2 of table users'))),
        row('/api/nothing', throwing(undefined)),
        row('/api/status', throwing(Object.assign(new Error('axios says 404'), { status: 404 }))),
        row('/api/half', (_req, res) => {
          res.write('{"a":');
          throw new Error('too late');
        }),
        row('/api/hang', () => {
          isHanging = true;
          return new Promise(() => undefined);
        }),
        row('/api/things/:id', (_req, res) => res.json({})),
        row('/api/things/:id', (_req, res) => res.json({}), 'delete'),
        row('/api/things/search', (_req, res) => res.json({ found: true })),
      ],
      { corsOrigins: ['https://ours.example'] },
    );
  });
  afterAll(async () => frame.stop());

  const get = (path: string, headers: Record<string, string> = {}) => ask(`${frame.url}${path}`, { headers });
  const lineOf = (requestId: string, event = 'request') =>
    until(`the ${event} line of ${requestId}`, () =>
      frame.lines.find((line) => line.event === event && line.fields['requestId'] === requestId),
    );

  describe('a Problem', () => {
    it('with everything › problem+json with every member, and Retry-After', async () => {
      const { status, type, headers, body } = await get('/api/problem', { 'x-request-id': 'abc-1' });
      expect(status).toBe(409);
      expect(type).toMatch(/^application\/problem\+json/);
      expect(headers.get('retry-after')).toBe('2');
      expect(body).toEqual({
        type: '/api-docs/problems#phone_exists',
        title: 'You have this number already',
        status: 409,
        code: 'phone_exists',
        detail: 'It is phone 7',
        requestId: 'abc-1',
        errors: [{ pointer: '/a', code: 'x', detail: 'd' }],
      });
    });

    it('without a detail › the remedy instead', async () => {
      expect((await get('/api/bare')).body.detail).toMatch(/needs no QR code/);
    });
  });

  describe('anything else', () => {
    it.each(['/api/crash', '/api/nothing', '/api/status'])(
      '%s › internal, logged once with its cause, of which the caller sees nothing',
      async (path) => {
        const { status, text, body } = await get(path, { 'x-request-id': `id${path.replaceAll('/', '.')}` });
        expect([status, body.code]).toEqual([500, 'internal']);
        expect(text).not.toMatch(/hunter2|users|axios|at \w/);
        await lineOf(body.requestId);
        const logged = frame.lines.filter(
          (line) => line.level === 'error' && line.fields['requestId'] === body.requestId,
        );
        expect(logged).toHaveLength(1);
        if (path === '/api/crash') expect(String(logged[0]!.fields['error'])).toContain('hunter2');
      },
    );

    it('after half an answer › the connection is cut', async () => {
      await expect(get('/api/half')).rejects.toThrow();
    });
  });

  describe('paths and methods', () => {
    it('an unknown path › 404', async () => {
      for (const path of ['/', '/api', '/api/none', '/API/things/1', '/api/v2/things/1', '/api/v1/none']) {
        expect([path, (await get(path)).body?.code]).toEqual([path, 'not_found']);
      }
    });

    it('a known path by another method › 405 that allows the others', async () => {
      for (const path of ['/api/things/1', '/api/v1/things/1']) {
        const { status, headers, body } = await ask(`${frame.url}${path}`, { method: 'PATCH', body: {} });
        expect([status, body.code]).toEqual([405, 'method_not_allowed']);
        expect(headers.get('allow')).toBe('GET, DELETE, HEAD, OPTIONS');
      }
    });

    it('regression › OPTIONS where no origin is listed › 204 that says which methods there are', async () => {
      const plain = await startFrame([row('/api/things', (_req, res) => res.json({}))]);
      const preflights: Record<string, string>[] = [
        {},
        { origin: 'https://a.example', 'access-control-request-method': 'GET' },
      ];
      for (const headers of preflights) {
        const answer = await ask(`${plain.url}/api/things`, { method: 'OPTIONS', headers });
        expect([answer.status, answer.text]).toEqual([204, '']);
        expect(answer.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
        expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      }
      await plain.stop();
      // With origins that are listed it is still cors that answers.
      const preflight = await ask(`${frame.url}/api/things/1`, {
        method: 'OPTIONS',
        headers: { origin: 'https://ours.example', 'access-control-request-method': 'DELETE' },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get('access-control-allow-methods')).toContain('DELETE');
    });

    it('a fixed name beside a parameter › is found whichever was listed first', async () => {
      expect((await get('/api/things/search')).body).toEqual({ found: true });
    });

    it('HEAD › answers as GET does, without the body', async () => {
      const { status, text } = await ask(`${frame.url}/api/things/1`, { method: 'HEAD' });
      expect([status, text]).toEqual([200, '']);
    });
  });

  describe('the request id', () => {
    it.each(['a', 'A.b_c-9', 'x'.repeat(64)])('%s › taken and echoed', async (id) => {
      expect((await get('/api/things/1', { 'x-request-id': id })).headers.get('x-request-id')).toBe(id);
    });

    it.each(['x'.repeat(65), 'a b', '<script>', 'a;b'])('%s › replaced', async (id) => {
      const echoed = (await get('/api/things/1', { 'x-request-id': id })).headers.get('x-request-id');
      expect(echoed).toMatch(/^[0-9a-f-]{36}$/);
    });
  });

  describe('the access line', () => {
    it('of a row › has its pattern, and neither query nor credentials', async () => {
      await get('/api/things/77?apiKey=ev_secret', {
        'x-request-id': 'line-1',
        authorization: 'Bearer ev_secret',
      });
      const { fields } = await lineOf('line-1');
      expect(fields).toMatchObject({
        method: 'GET',
        path: '/api/things/:id',
        status: 200,
        ms: expect.any(Number),
        ip: expect.stringContaining('127.0.0.1'),
      });
      expect(JSON.stringify(frame.lines)).not.toContain('ev_secret');
    });

    it('of an answer nobody waited for › says so', async () => {
      const socket = connect(Number(new URL(frame.url).port), '127.0.0.1');
      socket.write('GET /api/hang HTTP/1.1\r\nHost: x\r\nX-Request-Id: gone-1\r\n\r\n');
      await until('the handler has been reached', () => isHanging);
      socket.destroy();
      expect((await lineOf('gone-1')).fields).toMatchObject({ aborted: true });
    });
  });

  describe('headers', () => {
    it('of any answer › hardened, not to be stored, and silent about what we run on', async () => {
      const { headers } = await get('/api/things/1');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toBe("default-src 'none'");
      expect(headers.get('x-powered-by')).toBeNull();
    });

    it('for an origin that is listed, and one that is not › allowed, and not', async () => {
      expect(
        (await get('/api/things/1', { origin: 'https://ours.example' })).headers.get(
          'access-control-allow-origin',
        ),
      ).toBe('https://ours.example');
      expect(
        (await get('/api/things/1', { origin: 'https://theirs.example' })).headers.get(
          'access-control-allow-origin',
        ),
      ).toBeNull();
    });
  });
});
