import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { client, newUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

describe('guessing at one account from everywhere', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [], env: { RATE_LIMIT_ACCOUNT: '5', TRUST_PROXY: 'loopback' } });
  });
  afterAll(async () => gateway?.stop());

  const signIn = (email: string, password: string, ip: string) =>
    client(gateway.url).call('POST', '/api/auth/login', { email, password }, { 'x-forwarded-for': ip });

  it('each guess from another address › 429 with Retry-After, also with the right password; where its owner was before, they sign in', async () => {
    const [user, other] = [await newUser(gateway.url), await newUser(gateway.url)];
    expect((await signIn(user.email, user.password, '203.0.113.7')).status).toBe(200);
    const guesses = [];
    for (let i = 1; i <= 7; i += 1) guesses.push(await signIn(user.email, 'wrong', `198.51.100.${i}`));
    expect(guesses.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect(Number(guesses.at(-1)!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await signIn(user.email, user.password, '198.51.100.99')).status).toBe(429);
    expect((await signIn(user.email, user.password, '203.0.113.7')).status).toBe(200);
    expect((await signIn(other.email, other.password, '198.51.100.99')).status).toBe(200);
  });

  it('regression › its owner at another IPv6 address of the same customer › signs in', async () => {
    const user = await newUser(gateway.url);
    expect((await signIn(user.email, user.password, '2001:db8:0:10::7')).status).toBe(200);
    for (let i = 1; i <= 6; i += 1) await signIn(user.email, 'wrong', `198.51.102.${i}`);
    expect((await signIn(user.email, user.password, '2001:db8:1:10::7')).status).toBe(429);
    expect((await signIn(user.email, user.password, '2001:db8:0:1f:aaaa::9')).status).toBe(200);
  });

  it('regression › its owner, kept from signing in at a new place › can still ask for a mail', async () => {
    const user = await newUser(gateway.url);
    for (let i = 1; i <= 6; i += 1) await signIn(user.email, 'wrong', `198.51.103.${i}`);
    const from = { 'x-forwarded-for': '192.0.2.77' };
    expect((await signIn(user.email, user.password, '192.0.2.77')).status).toBe(429);
    const asked = await client(gateway.url).post('/api/auth/password/forgot', { email: user.email }, from);
    expect(asked.status).toBe(202);
  });

  it('at somebody who is not there › the same answers', async () => {
    const statuses = [];
    for (let i = 1; i <= 7; i += 1)
      statuses.push((await signIn('nobody@example.com', 'wrong', `198.51.101.${i}`)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  });
});
