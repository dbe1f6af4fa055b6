import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { newAdmin } from '../support/admin.js';
import { client, newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

describe('API keys', () => {
  let gateway: TestGateway;
  let user: TestUser;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    gateway = await startGateway({ workers: [], env: { TRUST_PROXY: 'loopback' } });
    user = await newUser(gateway.url);
  });
  afterAll(async () => {
    sockets.forEach((socket) => socket.close());
    await gateway?.stop();
  });

  const make = async (body: object, from = user) => {
    const answer = await from.api.post('/api/keys', { name: 'CI', ...body });
    expect(answer.status).toBe(201);
    return answer.body as { id: string; key: string; [name: string]: unknown };
  };
  const by = (apiKey: string) => client(gateway.url, { apiKey });
  const statusOf = async (apiKey: string, headers?: Record<string, string>) =>
    (await by(apiKey).get('/api/phones', headers)).status;
  const gone = (apiKey: string) => until('refused', async () => (await statusOf(apiKey)) === 401);

  it('made, listed, changed, revoked › shown once, hashed, and refused within a second', async () => {
    const { key, id, ...shown } = await make({ scopes: ['phones:read'] });
    expect(shown).toMatchObject({ name: 'CI', scopes: ['phones:read'], lastUsedAt: null, expiresAt: null });
    expect(await statusOf(key)).toBe(200);
    const listed = (await user.api.get('/api/keys')).body.data;
    expect(JSON.stringify(listed)).not.toContain(key);
    expect(listed.map((one: any) => one.name)).toEqual(['CI', 'First key']);
    await until('its use is noted', async () => {
      const { data } = (await user.api.get('/api/keys')).body;
      return data.find((one: any) => one.id === id).lastUsedAt !== null;
    });
    const stored = await gateway.database.queryAll('select * from api_keys');
    expect(JSON.stringify(stored)).not.toContain(key);
    expect((await user.api.call('PATCH', `/api/keys/${id}`, { name: 'Builds' })).body.name).toBe('Builds');
    const started = Date.now();
    expect((await user.api.call('DELETE', `/api/keys/${id}`)).status).toBe(204);
    await gone(key);
    expect(Date.now() - started).toBeLessThan(5000);
    expect((await user.api.call('DELETE', `/api/keys/${id}`)).status).toBe(404);
  });

  it('made twice under one Idempotency-Key › the same key, shown once; another request under it › 422', async () => {
    const [first, again, other] = [
      await user.api.post('/api/keys', { name: 'Retried' }, { 'idempotency-key': 'retried' }),
      await user.api.post('/api/keys', { name: 'Retried' }, { 'idempotency-key': 'retried' }),
      await user.api.post('/api/keys', { name: 'Another' }, { 'idempotency-key': 'retried' }),
    ];
    const { key, ...open } = first.body;
    expect(await statusOf(key)).toBe(200);
    expect([again.status, again.body]).toEqual([201, { ...open, secretOmitted: true }]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_mismatch']);
    const { data } = (await user.api.get('/api/me/audit?limit=2')).body;
    expect(data.filter(({ target }: any) => target === open.id)).toHaveLength(1);
  });

  it('with scopes › 403 beyond them, on every endpoint; 200 within', async () => {
    const { key } = await make({ scopes: ['phones:read'] });
    const phone = await user.api.post('/api/phones', { phoneNumber: newNumber() });
    expect((await by(key).get(`/api/phones/${phone.body.id}`)).status).toBe(200);
    const rows = gateway.gateway.endpoints.filter(
      ({ access }) => access.includes(':') && access !== 'phones:read',
    );
    expect(rows.length).toBeGreaterThan(30);
    for (const { method, path } of rows) {
      const at = path.replace(':group', 'group:120363033523333101').replace(/:\w+/g, '1');
      const { status, body } = await by(key).call(method.toUpperCase(), at);
      expect([method, path, status, body?.code]).toEqual([method, path, 403, 'forbidden']);
    }
  });

  it('made by a key › with no more than that has', async () => {
    const { key } = await make({ scopes: ['keys:write', 'phones:read'] });
    const make2 = (body: object) => by(key).post('/api/keys', { name: 'x', ...body });
    expect((await make2({ scopes: ['phones:read'] })).status).toBe(201);
    for (const scopes of [['phones:write'], ['phones:read', 'messages:read'], null])
      expect((await make2({ scopes })).status).toBe(403);
    const { id } = await make({ scopes: ['messages:write'] });
    expect((await by(key).call('PATCH', `/api/keys/${id}`, { scopes: ['phones:read'] })).status).toBe(403);
    expect((await by(key).post(`/api/keys/${id}/roll`)).status).toBe(403);
    expect((await user.api.post('/api/keys', { name: 'x', scopes: ['admin'] })).status).toBe(403);
  });

  it('regression › made, changed or rolled by a key that ends, or is for some networks › no wider than that', async () => {
    const hour = (n: number) => new Date(Date.now() + n * 3_600_000).toISOString();
    const giver = await make({ allowedIps: ['127.0.0.0/8', '::1/128'], expiresAt: hour(2) });
    const give = (body: object) => by(giver.key).post('/api/keys', { name: 'x', ...body });
    const within = { allowedIps: ['127.0.0.0/16'], expiresAt: hour(1) };
    const given = await give(within);
    expect(given.status).toBe(201);
    for (const wider of [
      { allowedIps: null },
      { allowedIps: ['0.0.0.0/0'] },
      { expiresAt: null },
      { expiresAt: hour(3) },
    ]) {
      expect((await give({ ...within, ...wider })).status).toBe(403);
      for (const id of [giver.id, given.body.id])
        expect((await by(giver.key).call('PATCH', `/api/keys/${id}`, wider)).status).toBe(403);
    }
    const wide = await make({});
    expect((await by(giver.key).post(`/api/keys/${wide.id}/roll`)).status).toBe(403);
    expect((await by(giver.key).post(`/api/keys/${given.body.id}/roll`)).status).toBe(201);
  });

  it.each([
    '10.0.0.1/8',
    '192.168.1.5/24',
    '2001:db8::1/32',
    '1.2.3.4/0',
    '1.2.3.4/08',
    '::1/0',
    'fe80::1%eth0',
    '1.2.3',
  ])('regression › limited to %s, which is no network › 400 names it', async (network) => {
    const { status, body } = await user.api.post('/api/keys', {
      name: 'x',
      allowedIps: ['127.0.0.1', network],
    });
    expect([status, body.errors?.[0].pointer]).toEqual([400, '/allowedIps/1']);
  });

  it('limited to an IPv4 address written as an IPv6 one › works from there', async () => {
    const { key } = await make({ allowedIps: ['::ffff:127.0.0.1'] });
    expect(await statusOf(key)).toBe(200);
  });

  it('regression › rolled once more, or after its end › 409 says which to roll; one that has ended already › 422', async () => {
    const old = await make({});
    const roll = (id: string) => user.api.post(`/api/keys/${id}/roll`, { overlap: 3600 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => roll(old.id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
    const next = answers.find(({ status }) => status === 201)!.body;
    expect(next.expiresAt).toBeNull();
    expect(answers.find(({ status }) => status === 409)!.body.detail).toContain(next.id);
    expect((await roll(next.id)).status).toBe(201);
    const ending = await make({ expiresAt: new Date(Date.now() + 1200).toISOString() });
    await gone(ending.key);
    expect((await roll(ending.id)).status).toBe(409);
    const past = await user.api.post('/api/keys', { name: 'x', expiresAt: '2020-01-01T00:00:00Z' });
    expect([past.status, past.body.errors[0].pointer]).toEqual([422, '/expiresAt']);
  });

  it('of an admin with the scope admin › may what admins may; without, not', async () => {
    const admin = await newAdmin(gateway);
    const { key } = await make({ scopes: ['admin'] }, admin);
    expect((await by(key).get('/api/admin/nodes')).status).toBe(200);
    expect((await by(admin.apiKey).get('/api/admin/nodes')).status).toBe(403);
  });

  it('rolled › the new one works at once, the old one until its overlap is over', async () => {
    const old = await make({ scopes: ['phones:read'] });
    const rolled = await user.api.post(`/api/keys/${old.id}/roll`, { overlap: 2 });
    expect([rolled.status, rolled.body.rolledFrom, rolled.body.scopes]).toEqual([
      201,
      old.id,
      ['phones:read'],
    ]);
    expect([await statusOf(old.key), await statusOf(rolled.body.key)]).toEqual([200, 200]);
    await gone(old.key);
    const again = await user.api.post(`/api/keys/${rolled.body.id}/roll`);
    await gone(rolled.body.key);
    expect(await statusOf(again.body.key)).toBe(200);
  });

  it('that expires › refused after that', async () => {
    const { key } = await make({ expiresAt: new Date(Date.now() + 1500).toISOString() });
    expect(await statusOf(key)).toBe(200);
    await gone(key);
  });

  it('from elsewhere than allowed › 401; also on a socket, and whatever it says of itself', async () => {
    const here = await make({ allowedIps: ['127.0.0.0/8', '::1'] });
    const there = await make({ allowedIps: ['203.0.113.0/24'] });
    expect([await statusOf(here.key), await statusOf(there.key)]).toEqual([200, 401]);
    // The proxy on loopback is believed: what it says is where the caller is.
    const named = (address: string) => ({ 'x-forwarded-for': address });
    expect(await statusOf(there.key, named('203.0.113.9'))).toBe(200);
    expect(await statusOf(there.key, named('203.0.113.9, 198.51.100.1'))).toBe(401);
    expect(await statusOf(here.key, named('203.0.113.9'))).toBe(401);
    const connect = (apiKey: string) =>
      new Promise<boolean>((resolve) => {
        const socket = io(gateway.url, { auth: { apiKey }, forceNew: true, reconnection: false });
        sockets.push(socket);
        socket.on('connect', () => resolve(true));
        socket.on('connect_error', () => resolve(false));
      });
    expect([await connect(here.key), await connect(there.key)]).toEqual([true, false]);
  });

  it('revoked › its sockets are disconnected', async () => {
    const { key, id } = await make({});
    const socket = io(gateway.url, { auth: { apiKey: key }, forceNew: true, reconnection: false });
    sockets.push(socket);
    await until('connected', () => socket.connected);
    await user.api.call('DELETE', `/api/keys/${id}`);
    await until('disconnected', () => !socket.connected);
  });

  it.each([
    ['no name', {}, '/name'],
    ['an unknown scope', { name: 'x', scopes: ['everything'] }, '/scopes/0'],
    ['no scope at all', { name: 'x', scopes: [] }, '/scopes'],
    ['a network that is none', { name: 'x', allowedIps: ['10.0.0.0/33'] }, '/allowedIps/0'],
    ['a name as a network', { name: 'x', allowedIps: ['example.com'] }, '/allowedIps/0'],
    ['another user named', { name: 'x', userId: 1 }, '/userId'],
  ])('%s › 400 that names it', async (_what, body, pointer) => {
    const answer = await user.api.post('/api/keys', body);
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([400, pointer]);
  });

  it('every scope that an endpoint asks for › can be given', async () => {
    const asked = new Set(
      gateway.gateway.endpoints.map(({ access }) => access).filter((one) => one.includes(':')),
    );
    for (const scope of asked) await make({ name: scope, scopes: [scope] });
    expect(asked.size).toBeGreaterThan(10);
  });
});
