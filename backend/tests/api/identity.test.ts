import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import jwt from 'jsonwebtoken';
import { withChecksum } from '../../src/utils/api-key.js';
import { sealer } from '../../src/utils/crypto.js';
import { client, newUser, type TestUser } from '../support/client.js';
import { startGateway, TEST_ENV, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

describe('who may call', () => {
  let gateway: TestGateway;
  let user: TestUser;
  let other: TestUser;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
    [user, other] = await Promise.all([newUser(gateway.url), newUser(gateway.url)]);
  });
  afterAll(async () => gateway?.stop());

  const as = (credentials: { token?: string; apiKey?: string }, headers: Record<string, string> = {}) =>
    client(gateway.url, credentials).get('/api/phones', headers);

  /** What a user's tokens are signed with. */
  const secretOf = async (id: number) => {
    const [row] = await gateway.database.queryAll<{ sealed: string }>(
      'select jwt_secret as sealed from users where id = $1',
      [id],
    );
    return Buffer.from(sealer(TEST_ENV.JWT_SECRET).open(row!.sealed, `jwt:${id}`), 'base64url');
  };
  const signedBy = async (id: number, token: string) => jwt.sign(jwt.decode(token)!, await secretOf(id));

  it('register › good input › 201 with user, first key and token', async () => {
    const { status, body } = await client(gateway.url).post('/api/auth/register', {
      username: 'john_doe',
      email: 'John@Example.com',
      password: 'SecurePass123',
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      user: { username: 'john_doe', email: 'john@example.com' },
      apiKey: expect.stringMatching(/^ev_/),
      expiresIn: 86_400,
    });
    expect(Object.keys(body.user)).not.toContain('passwordHash');
  });

  it.each([
    ['email', { username: 'another_one', password: 'SecurePass123' }],
    ['username', { email: 'another@example.com', password: 'SecurePass123' }],
  ])('register › %s taken, in other letters › 409 naming the field', async (field, rest) => {
    const taken =
      field === 'email' ? { email: user.email.toUpperCase() } : { username: user.username.toUpperCase() };
    const { status, body } = await client(gateway.url).post('/api/auth/register', { ...rest, ...taken });
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'already_registered', errors: [{ pointer: `/${field}` }] });
  });

  it('login › right and wrong › token, or one answer for unknown e-mail and wrong password alike', async () => {
    const api = client(gateway.url);
    const good = await api.post('/api/auth/login', { email: user.email, password: user.password });
    expect(good.body).toMatchObject({ user: { id: user.id }, token: expect.any(String) });
    expect((await as({ token: good.body.token })).status).toBe(200);
    const wrong = await api.post('/api/auth/login', { email: user.email, password: 'wrong password' });
    const unknown = await api.post('/api/auth/login', {
      email: 'nobody@example.com',
      password: 'wrong password',
    });
    expect([wrong.status, unknown.status]).toEqual([401, 401]);
    expect({ ...wrong.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
  });

  it('api-key › exchanged › a token that works; a wrong one is refused', async () => {
    const api = client(gateway.url);
    const { status, body } = await api.post('/api/auth/api-key', { apiKey: user.apiKey });
    expect(status).toBe(200);
    expect((await as({ token: body.token })).status).toBe(200);
    expect((await api.post('/api/auth/api-key', { apiKey: `${user.apiKey.slice(0, -1)}x` })).status).toBe(
      401,
    );
  });

  it('a key › as X-API-Key and as Bearer › both work', async () => {
    expect((await as({ apiKey: user.apiKey })).status).toBe(200);
    expect((await as({ token: user.apiKey })).status).toBe(200);
  });

  it('flawed credentials › of every kind › 401 with one body', async () => {
    const { exp, aud, ver, ...claims } = jwt.decode(user.token) as jwt.JwtPayload;
    const key = await secretOf(user.id);
    const sign = (more: object, options: jwt.SignOptions = {}) =>
      as({ token: jwt.sign({ ...claims, exp, aud, ver, ...more }, key, options) });
    expect((await sign({})).status).toBe(200);
    const flawed: [string, ReturnType<typeof as>][] = [
      ['none at all', as({})],
      ['no such token', as({ token: 'nonsense' })],
      ['algorithm none', as({ token: jwt.sign({ ...claims, exp, aud, ver }, '', { algorithm: 'none' }) })],
      ['algorithm swapped', sign({}, { algorithm: 'HS512' })],
      ['expired', sign({ exp: Math.floor(Date.now() / 1000) - 1 })],
      ['before a rotation', sign({ ver: (ver as number) - 1 })],
      ['for another audience', sign({ aud: 'elsewhere' })],
      ['of a session that never was', sign({ sid: 'ses_00000000000000000000' })],
      ['signed with another user’s secret', as({ token: await signedBy(other.id, user.token) })],
      ['another user named', as({ token: otherUsersToken(user.token, other.id) })],
      ['a key of another secret, well formed', as({ apiKey: forged(user.apiKey) })],
      ['a key with a bad checksum', as({ apiKey: flip(user.apiKey) })],
      ['two that differ', as({ token: user.token }, { 'x-api-key': other.apiKey })],
      ['basic', as({}, { authorization: 'Basic dXNlcjpwYXNz' })],
    ];
    const bodies = await Promise.all(
      flawed.map(async ([name, answer]) => {
        const { status, body, headers } = await answer;
        expect([name, status]).toEqual([name, 401]);
        expect(headers.get('content-type')).toMatch('application/problem+json');
        expect(headers.get('www-authenticate')).toMatch(/Bearer/);
        return JSON.stringify({ ...body, requestId: '' });
      }),
    );
    expect(new Set(bodies).size).toBe(1);
  });

  it('a key in the query string › of any request › is not taken', async () => {
    expect((await client(gateway.url).get(`/api/phones?apiKey=${user.apiKey}`)).status).toBe(401);
    expect((await user.api.get(`/api/phones?apiKey=${user.apiKey}`)).status).toBe(400);
  });

  it('a disabled user › token and key › refused within a moment', async () => {
    const victim = await newUser(gateway.url);
    await gateway.database.query(
      `begin; set local app.user_ids = '{${victim.id}}'; update users set is_active = false where id = ${victim.id}; commit`,
    );
    await until('both are refused', async () => {
      const answers = await Promise.all([as({ token: victim.token }), as({ apiKey: victim.apiKey })]);
      return answers.every(({ status }) => status === 401);
    });
    expect(
      (await client(gateway.url).post('/api/auth/login', { email: victim.email, password: victim.password }))
        .status,
    ).toBe(401);
  });

  it('at rest › passwords, keys, secrets › nothing is in clear', async () => {
    const rows = await gateway.database.queryAll(
      `select u::text || k::text as text from users u join api_keys k on k.user_id = u.id where u.id = $1`,
      [user.id],
    );
    expect(rows).toHaveLength(1);
    const text = String(rows[0]!['text']);
    expect(text).not.toContain(user.password);
    expect(text).not.toContain(user.apiKey.slice(-40));
    expect(text).toContain('$2');
  });
});

describe('limits', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [], env: { RATE_LIMIT_AUTH: '10', RATE_LIMIT_IP: '30' } });
  });
  afterAll(async () => gateway?.stop());

  it('ten failed logins › the eleventh, whatever X-Forwarded-For says › 429 with Retry-After, also with the right password', async () => {
    const user = await newUser(gateway.url);
    const api = client(gateway.url);
    const login = (password: string, from: string) =>
      api.post('/api/auth/login', { email: user.email, password }, { 'x-real-ip': from });
    for (let i = 0; i < 10; i += 1) expect((await login('wrong password', `9.9.9.${i}`)).status).toBe(401);
    const refused = await login(user.password, '8.8.8.8');
    expect(refused.status).toBe(429);
    expect(refused.body.code).toBe('too_many_requests');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('unauthenticated requests › beyond the limit of an address › 429; health is not counted', async () => {
    const api = client(gateway.url);
    const statuses = [];
    for (let i = 0; i < 35; i += 1) statuses.push((await api.get('/api/phones')).status);
    expect(statuses).toContain(429);
    expect((await api.get('/health/live')).status).toBe(200);
  });
});

const flip = (key: string): string => {
  const at = key.length - 10;
  return `${key.slice(0, at)}${key[at] === 'a' ? 'b' : 'a'}${key.slice(at + 1)}`;
};
/** The key's id and a checksum that is right, but another secret. */
const forged = (key: string): string => withChecksum(key.slice(0, -8) + (key.at(-8) === 'a' ? 'b' : 'a'));
const otherUsersToken = (token: string, userId: number): string => {
  const [head, claims, signature] = token.split('.') as [string, string, string];
  const changed = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), sub: String(userId) };
  return [head, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.');
};
