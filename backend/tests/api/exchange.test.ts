import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { io } from 'socket.io-client';
import { newAdmin } from '../support/admin.js';
import { client, newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

describe('a token that was made of a key', () => {
  let gateway: TestGateway;
  let user: TestUser;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [], env: { TRUST_PROXY: 'loopback' } });
    user = await newUser(gateway.url);
  });
  afterAll(async () => gateway?.stop());

  const newKey = async (request: object, by = user) => {
    const { status, body } = await by.api.post('/api/keys', { name: 'x', ...request });
    expect(status).toBe(201);
    return body;
  };
  const exchange = (apiKey: string, headers = {}) =>
    client(gateway.url).post('/api/auth/api-key', { apiKey }, headers);
  const tokenOf = async (apiKey: string, headers = {}): Promise<string> =>
    (await exchange(apiKey, headers)).body.token;
  const get = async (token: string, path: string, headers = {}) =>
    (await client(gateway.url, { token }).call('GET', path, undefined, headers)).status;

  it('regression › of one with a scope › has that scope and no more', async () => {
    const token = await tokenOf((await newKey({ scopes: ['messages:read'] })).key);
    expect([await get(token, '/api/messages'), await get(token, '/api/me')]).toEqual([200, 403]);
    expect((await client(gateway.url, { token }).post('/api/keys', { name: 'more' })).status).toBe(403);
  });

  it('regression › of a phone’s own › reaches that phone alone, and is told of the account no more than its id', async () => {
    const add = async () => (await user.api.post('/api/phones', { phoneNumber: newNumber() })).body;
    const [phone, other] = [await add(), await add()];
    const { body } = await exchange(phone.token);
    expect(body.user).toEqual({ id: user.id });
    const statuses = [phone, other].map(({ id }) => get(body.token, `/api/phones/${id}`));
    expect(await Promise.all(statuses)).toEqual([200, 404]);
    expect(await get(body.token, '/api/me')).toBe(403);
  });

  it('regression › of an admin’s that does not say admin › is no admin', async () => {
    const admin = await newAdmin(gateway);
    expect(await get(await tokenOf(admin.apiKey), '/api/admin/users')).toBe(403);
    const { key } = await newKey({ scopes: ['admin'] }, admin);
    expect(await get(await tokenOf(key), '/api/admin/users')).toBe(200);
  });

  it('regression › of one for some networks › is made there, and is of use there alone', async () => {
    const there = { 'x-forwarded-for': '203.0.113.7' };
    const { key } = await newKey({ allowedIps: ['203.0.113.0/24'] });
    expect((await exchange(key)).status).toBe(401);
    const token = await tokenOf(key, there);
    expect([await get(token, '/api/me', there), await get(token, '/api/me')]).toEqual([200, 401]);
  });

  it('regression › of one that is revoked › ends with it, its socket too', async () => {
    const { id, key } = await newKey({});
    const token = await tokenOf(key);
    const socket = io(gateway.url, { auth: { token }, forceNew: true, reconnection: false });
    await until('it is let in', async () => socket.connected && (await get(token, '/api/me')) === 200);
    expect((await user.api.call('DELETE', `/api/keys/${id}`)).status).toBe(204);
    await until('it is refused', async () => (await get(token, '/api/me')) === 401 && !socket.connected);
    expect((await exchange(key)).status).toBe(401);
  });

  it('of one that expires sooner than tokens do › lives as long as that', async () => {
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const { body } = await exchange((await newKey({ expiresAt })).key);
    expect(body.expiresIn).toBeGreaterThan(50);
    expect(body.expiresIn).toBeLessThanOrEqual(60);
  });

  it('all signed out › tokens of keys end, the keys themselves live on', async () => {
    const own = await newUser(gateway.url);
    const token = await tokenOf(own.apiKey);
    expect(await get(token, '/api/me')).toBe(200);
    await own.api.post('/api/auth/logout-all');
    await until('it is refused', async () => (await get(token, '/api/me')) === 401);
    expect((await exchange(own.apiKey)).status).toBe(200);
  });
});
