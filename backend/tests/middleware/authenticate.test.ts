import { afterEach, describe, expect, it } from '@jest/globals';
import Joi from 'joi';
import type { Credentials } from '../../src/middleware/authenticate.js';
import { endpoint, type Access, type Caller } from '../../src/utils/endpoint.js';
import { Problem } from '../../src/utils/problem.js';
import { ANN, ask, startFrame } from '../support/frame.js';

const row = (access: Access) =>
  endpoint({
    method: 'get',
    path: `/api/${access.replace(':', '/')}`,
    access,
    tag: 'T',
    summary: 'S',
    input: {},
    output: { 200: Joi.object().unknown() },
    problems: [],
    handler: (req, res) => void res.json({ caller: req.caller ?? null }),
  });

describe('credentials', () => {
  let stop = async (): Promise<void> => undefined;
  afterEach(async () => stop());

  const start = async (callers: Record<string, Caller>) => {
    const asked: Credentials[] = [];
    const frame = await startFrame([row('user'), row('messages:read'), row('admin'), row('public')], {
      identify: async (credentials) => {
        asked.push(credentials);
        return callers[credentials.bearer ?? credentials.apiKey ?? ''] ?? null;
      },
    });
    stop = frame.stop;
    return {
      ...frame,
      asked,
      get: (path: string, headers: Record<string, string> = {}) => ask(`${frame.url}${path}`, { headers }),
    };
  };

  describe('that are good', () => {
    it.each([
      [{ authorization: 'Bearer good' }, { bearer: 'good' }],
      [{ authorization: 'bearer  good' }, { bearer: 'good' }],
      [{ 'x-api-key': 'good' }, { apiKey: 'good' }],
      [
        { authorization: 'Bearer good', 'x-api-key': 'good' },
        { bearer: 'good', apiKey: 'good' },
      ],
    ])('%j › identified once, and the handler knows the caller', async (headers, presented) => {
      const { get, asked } = await start({ good: ANN });
      const { status, body } = await get('/api/user', headers as Record<string, string>);
      expect([status, body.caller]).toEqual([200, ANN]);
      expect(asked).toEqual([presented]);
    });
  });

  describe('that are not', () => {
    it('whatever is wrong › one and the same 401 body, with WWW-Authenticate', async () => {
      const { get } = await start({ good: ANN });
      const flawed: Record<string, string>[] = [
        {},
        { authorization: 'Bearer bad' },
        { authorization: 'Bearer' },
        { authorization: 'Basic Z29vZDo=' },
        { authorization: 'Bearer good good' },
        { authorization: 'Bearer good', 'x-api-key': 'other' },
        { authorization: 'Basic Z29vZDo=', 'x-api-key': 'good' },
        { 'x-api-key': 'x'.repeat(5000) },
      ];
      const answers = await Promise.all(flawed.map((headers) => get('/api/user', headers)));
      expect(answers.map(({ status }) => status)).toEqual(flawed.map(() => 401));
      expect(new Set(answers.map(({ body }) => JSON.stringify({ ...body, requestId: '' }))).size).toBe(1);
      expect(answers.every(({ headers }) => /^Bearer /.test(headers.get('www-authenticate') ?? ''))).toBe(
        true,
      );
    });

    it('in the query string › are not looked at', async () => {
      const { get, asked } = await start({ good: ANN });
      expect((await get('/api/user?apiKey=good&token=good')).status).toBe(401);
      expect((await get('/api/public?apiKey=good')).status).toBe(400);
      expect(asked).toEqual([]);
    });

    it('when they cannot be checked › 503, not 401', async () => {
      const frame = await startFrame([row('user')], {
        identify: async () => {
          throw new Problem('unavailable', undefined, { retryAfter: 2 });
        },
      });
      stop = frame.stop;
      const { status, headers } = await ask(`${frame.url}/api/user`, { headers: { 'x-api-key': 'k' } });
      expect([status, headers.get('retry-after')]).toEqual([503, '2']);
    });
  });

  describe('scopes', () => {
    const some = { ...ANN, scopes: ['phones:read'] };
    const formerly = { ...ANN, scopes: ['admin'] };
    const admin = { ...formerly, isAdmin: true };
    it.each([
      ['all', ANN, { '/api/user': 200, '/api/messages/read': 200, '/api/admin': 403 }],
      ['another', some, { '/api/user': 200, '/api/messages/read': 403, '/api/admin': 403 }],
      [
        'admin, of who is none any more',
        formerly,
        { '/api/user': 200, '/api/messages/read': 403, '/api/admin': 403 },
      ],
      ['admin', admin, { '/api/user': 200, '/api/messages/read': 403, '/api/admin': 200 }],
    ])('%s › opens what it names', async (_name, caller, expected) => {
      const { get } = await start({ key: caller });
      const statuses = await Promise.all(
        Object.keys(expected).map(async (path) => [path, (await get(path, { 'x-api-key': 'key' })).status]),
      );
      expect(Object.fromEntries(statuses)).toEqual(expected);
    });

    it.each([
      [
        'account:read',
        'This credential is limited to some phones, and account:read is about the whole account',
      ],
      ['messages:read', 'This needs the scope messages:read'],
    ] as const)(
      'regression › %s, refused to who is limited to some phones › is told why',
      async (access, why) => {
        const frame = await startFrame([row(access)], {
          identify: async () => ({ ...ANN, scopes: ['phones:read'], phoneIds: [1] }),
        });
        stop = frame.stop;
        const path = `/api/${access.replace(':', '/')}`;
        const { status, body } = await ask(`${frame.url}${path}`, { headers: { 'x-api-key': 'key' } });
        expect([status, body.code, body.detail]).toEqual([403, 'forbidden', why]);
      },
    );

    it('a public row › with good credentials › has no caller', async () => {
      const { get, asked } = await start({ good: ANN });
      expect((await get('/api/public', { authorization: 'Bearer good' })).body).toEqual({ caller: null });
      expect(asked).toEqual([]);
    });
  });
});
