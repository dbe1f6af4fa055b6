import { afterEach, describe, expect, it } from '@jest/globals';
import Joi from 'joi';
import { endpoint, type EndpointRow, type Input } from '../../src/utils/endpoint.js';
import { Problem } from '../../src/utils/problem.js';
import { ANN, ask, GENEROUS, startFrame } from '../support/frame.js';

const row = (more: Partial<EndpointRow<Input>> & Pick<EndpointRow<Input>, 'path'>) =>
  endpoint({
    method: 'get',
    access: 'public',
    tag: 'T',
    summary: 'S',
    input: {},
    output: { 200: Joi.object() },
    problems: [],
    handler: (_req, res) => void res.json({}),
    ...more,
  });

const login = row({
  method: 'post',
  path: '/api/auth/login',
  limit: 'auth',
  input: { body: Joi.object({ email: Joi.string(), password: Joi.string() }) },
  handler: (req, res) => {
    if ((req.input.body as any).password !== 'right') throw new Problem('unauthenticated');
    res.json({});
  },
});
const password = row({
  method: 'post',
  path: '/api/password',
  access: 'user',
  limit: 'auth',
  input: { body: Joi.object({ email: Joi.string(), password: Joi.string() }) },
  handler: login.handler,
});
const link = row({
  method: 'post',
  path: '/api/link',
  limit: 'auth',
  input: { body: Joi.object({ password: Joi.string() }) },
  handler: login.handler,
});
const rows = [
  login,
  password,
  link,
  row({ path: '/api/open' }),
  row({ path: '/health', limit: 'none' }),
  row({ path: '/api/mine', access: 'user' }),
  row({ method: 'post', path: '/api/send', access: 'user', limit: 'send' }),
];

describe('limits', () => {
  let stop = async (): Promise<void> => undefined;
  afterEach(async () => stop());

  const start = async (limits: Partial<typeof GENEROUS>, more: { trustProxy?: string } = {}) => {
    const frame = await startFrame(rows, {
      rateLimits: { ...GENEROUS, ...limits },
      identify: async ({ bearer }) =>
        bearer?.startsWith('u') ? { ...ANN, userId: Number(bearer.slice(1)) } : null,
      ...more,
    });
    stop = frame.stop;
    const call = async (path: string, headers: Record<string, string> = {}, body?: unknown) =>
      ask(`${frame.url}${path}`, { headers, ...(body === undefined ? {} : { method: 'POST', body }) });
    const times = async (n: number, path: string, headers?: Record<string, string>, body?: unknown) => {
      const statuses: number[] = [];
      for (let i = 0; i < n; i += 1) statuses.push((await call(path, headers, body)).status);
      return statuses;
    };
    return { call, times };
  };

  describe('of an address without a caller', () => {
    it('over the limit › 429 as a problem, with Retry-After and the draft-8 headers', async () => {
      const { call, times } = await start({ ip: 3 });
      expect(await times(3, '/api/open')).toEqual([200, 200, 200]);
      const { status, body, headers } = await call('/api/open');
      expect([status, body.code]).toEqual([429, 'too_many_requests']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(890);
      expect(headers.get('ratelimit')).toMatch(/"general"; r=0; t=\d+/);
      expect(headers.get('ratelimit-policy')).toMatch(/"general"; q=3; w=900/);
    });

    it('failed credentials and unknown paths › are counted as well', async () => {
      const { times } = await start({ ip: 4 });
      expect(await times(2, '/api/mine', { authorization: 'Bearer wrong' })).toEqual([401, 401]);
      expect(await times(2, '/api/nothing')).toEqual([404, 404]);
      expect(await times(1, '/api/mine', { authorization: 'Bearer wrong' })).toEqual([429]);
      expect(await times(1, '/api/nothing')).toEqual([429]);
    });

    it('health and documents › are not', async () => {
      const { times, call } = await start({ ip: 1 });
      expect(await times(5, '/health')).toEqual([200, 200, 200, 200, 200]);
      expect(await times(5, '/api-docs/openapi.json')).toEqual([200, 200, 200, 200, 200]);
      expect((await call('/api/open')).status).toBe(200);
    });

    it('addresses behind the proxy › are counted apart; one that only claims to be › is not', async () => {
      const trusting = await start({ ip: 1 });
      expect(await trusting.times(2, '/api/open', { 'x-forwarded-for': '9.9.9.1' })).toEqual([200, 429]);
      expect(await trusting.times(1, '/api/open', { 'x-forwarded-for': '9.9.9.2' })).toEqual([200]);
      // The proxy appends the address it saw: what the client claimed stands before it, and counts for nothing.
      expect(await trusting.times(1, '/api/open', { 'x-forwarded-for': '1.2.3.4, 9.9.9.1' })).toEqual([429]);
      await stop();
      const distrusting = await start({ ip: 1 }, { trustProxy: '10.0.0.0/8' });
      expect(await distrusting.times(1, '/api/open', { 'x-forwarded-for': '9.9.9.1' })).toEqual([200]);
      expect(await distrusting.times(1, '/api/open', { 'x-forwarded-for': '9.9.9.2' })).toEqual([429]);
    });

    it('IPv6 addresses of one network › count as one', async () => {
      const { times } = await start({ ip: 1 });
      expect(await times(1, '/api/open', { 'x-forwarded-for': '2001:db8:0:100::1' })).toEqual([200]);
      expect(await times(1, '/api/open', { 'x-forwarded-for': '2001:db8:0:1aa::2' })).toEqual([429]);
      expect(await times(1, '/api/open', { 'x-forwarded-for': '2001:db9::1' })).toEqual([200]);
    });
  });

  describe('of a user', () => {
    it('higher, and each for itself › whatever the address', async () => {
      const { times } = await start({ ip: 1, user: 3 });
      expect(await times(4, '/api/mine', { authorization: 'Bearer u1' })).toEqual([200, 200, 200, 429]);
      expect(await times(1, '/api/mine', { authorization: 'Bearer u2' })).toEqual([200]);
      expect(await times(2, '/api/open')).toEqual([200, 429]);
    });

    it('sends › are counted by the minute', async () => {
      const { times, call } = await start({ send: 2 });
      expect(await times(2, '/api/send', { authorization: 'Bearer u1' }, {})).toEqual([200, 200]);
      const refused = await call('/api/send', { authorization: 'Bearer u1' }, {});
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
      expect(await times(1, '/api/send', { authorization: 'Bearer u2' }, {})).toEqual([200]);
      expect(await times(1, '/api/mine', { authorization: 'Bearer u1' })).toEqual([200]);
    });
  });

  describe('of tries to sign in', () => {
    const as = (email: string, password = 'wrong') => ({ email, password });

    it('ten failed for one name › the next is 429, also with the right password, in any spelling', async () => {
      const { times, call } = await start({ auth: 10 });
      expect(await times(10, '/api/auth/login', {}, as('ann@example.com'))).toEqual(Array(10).fill(401));
      expect((await call('/api/auth/login', {}, as('Ann@Example.com', 'right'))).status).toBe(429);
      expect((await call('/api/auth/login', {}, as('bob@example.com'))).status).toBe(401);
    });

    it('the owner from another address › is not locked out', async () => {
      const { times } = await start({ auth: 1 });
      expect(
        await times(2, '/api/auth/login', { 'x-forwarded-for': '9.9.9.1' }, as('ann@example.com')),
      ).toEqual([401, 429]);
      expect(
        await times(1, '/api/auth/login', { 'x-forwarded-for': '9.9.9.2' }, as('ann@example.com', 'right')),
      ).toEqual([200]);
    });

    it('good ones › are not counted against the name', async () => {
      const { times } = await start({ auth: 2 });
      expect(await times(5, '/api/auth/login', {}, as('ann@example.com', 'right'))).toEqual(
        Array(5).fill(200),
      );
    });

    it('regression › of who has signed in › are theirs, whatever address they write; another at the same place is not held up', async () => {
      const { call } = await start({ auth: 3 });
      const guess = async (user: string, n: number) =>
        (
          await call(
            '/api/password',
            { authorization: `Bearer ${user}` },
            { email: `x${n}@example.com`, password: 'no' },
          )
        ).status;
      expect([
        await guess('u1', 1),
        await guess('u1', 2),
        await guess('u1', 3),
        await guess('u1', 4),
      ]).toEqual([401, 401, 401, 429]);
      expect(await guess('u2', 1)).toBe(401);
    });

    it('regression › of links and tokens, which name nobody › one’s failures do not hold up another at the same place', async () => {
      const { call, times } = await start({ auth: 3, authIp: 10 });
      expect(await times(5, '/api/link', {}, { password: 'no' })).toEqual([401, 401, 401, 401, 401]);
      expect((await call('/api/link', {}, { password: 'right' })).status).toBe(200);
      expect(await times(6, '/api/link', {}, { password: 'no' })).toEqual([401, 401, 401, 401, 429, 429]);
    });

    it('many names from one address › are bounded together', async () => {
      const { call } = await start({ authIp: 3 });
      const statuses: number[] = [];
      for (let i = 0; i < 4; i += 1)
        statuses.push((await call('/api/auth/login', {}, as(`user${i}@example.com`))).status);
      expect(statuses).toEqual([401, 401, 401, 429]);
    });
  });
});
