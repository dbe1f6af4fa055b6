import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newAdmin } from '../support/admin.js';
import { client, newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

/** What is for who has signed in alone, and what ends with that. */
describe('who has signed in', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ workers: ['jobs'], env: { TRUST_PROXY: 'loopback' } });
  });
  afterAll(async () => gateway?.stop());

  const by = (credentials: { token?: string; apiKey?: string }) => client(gateway.url, credentials);
  const exported = (user: TestUser): Promise<string> =>
    until('the export is ready', async () => {
      const { url } = (await user.api.get('/api/me/export')).body;
      return url && url.replace(/^https?:\/\/[^/]+/, gateway.url);
    });

  it('regression › a key, and a token made of one › 403 where an account is handed over, exported or removed', async () => {
    const user = await newUser(gateway.url);
    const { token } = (await by({}).post('/api/auth/api-key', { apiKey: user.apiKey })).body;
    const rows = gateway.gateway.endpoints.filter(({ access }) => access === 'session');
    expect(rows.length).toBeGreaterThan(7);
    for (const credentials of [{ apiKey: user.apiKey }, { token }])
      for (const { method, path } of rows) {
        const { status, body } = await by(credentials).call(
          method.toUpperCase(),
          path,
          method === 'get' ? undefined : {},
        );
        expect([method, path, status, body.code]).toEqual([method, path, 403, 'forbidden']);
      }
    expect((await user.api.get('/api/me')).status).toBe(200);
  });

  it('regression › the link of an export › ends when everything is signed out, and while its user is disabled', async () => {
    const [user, admin] = [await newUser(gateway.url), await newAdmin(gateway)];
    await user.api.post('/api/me/export');
    const link = await exported(user);
    const statusOf = async (url: string) => (await fetch(url)).status;
    expect(await statusOf(link)).toBe(200);
    await user.api.post('/api/auth/logout-all');
    expect(await statusOf(link)).toBe(404);
    const signIn = async () => {
      const { body } = await by({}).post('/api/auth/login', { email: user.email, password: user.password });
      return { ...user, api: by({ token: body.token }) };
    };
    const again = await exported(await signIn());
    expect(await statusOf(again)).toBe(200);
    await admin.api.call('PATCH', `/api/admin/users/${user.id}`, { isActive: false });
    expect(await statusOf(again)).toBe(404);
  });

  it('regression › a user is disabled, then enabled › who was signed in signs in anew; keys go on', async () => {
    const [user, admin] = [await newUser(gateway.url), await newAdmin(gateway)];
    const { body: session } = await by({}).post('/api/auth/login', {
      email: user.email,
      password: user.password,
    });
    const change = (isActive: boolean) =>
      admin.api.call('PATCH', `/api/admin/users/${user.id}`, { isActive });
    expect([(await change(false)).status, (await change(true)).status]).toEqual([200, 200]);
    await until(
      'the key works',
      async () => (await by({ apiKey: user.apiKey }).get('/api/me')).status === 200,
    );
    expect((await by({ token: session.token }).get('/api/me')).status).toBe(401);
    const refreshed = await by({}).post('/api/auth/refresh', { refreshToken: session.refreshToken });
    expect(refreshed.status).toBe(401);
  });

  it('regression › two admins who disable each other at once › one of them is late', async () => {
    const [one, two] = [await newAdmin(gateway), await newAdmin(gateway)];
    const disable = (by: TestUser, other: TestUser) =>
      by.api.call('PATCH', `/api/admin/users/${other.id}`, { isActive: false });
    const answers = await Promise.all([disable(one, two), disable(two, one)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, expect.any(Number)]);
    const left = await gateway.database.queryAll(
      `select 1 from users where id in (${one.id}, ${two.id}) and is_active`,
    );
    expect(left).toHaveLength(1);
  });

  it('regression › an admin › is not removed, as there has to be one; nobody can keep somebody from being removed by a name', async () => {
    const [admin, user, other] = [
      await newAdmin(gateway),
      await newUser(gateway.url),
      await newUser(gateway.url),
    ];
    const remove = (who: TestUser) => who.api.call('DELETE', '/api/me', { currentPassword: who.password });
    expect((await remove(admin)).body.code).toBe('conflict');
    expect((await other.api.call('PATCH', '/api/me', { username: `removed.${user.id}` })).status).toBe(200);
    expect((await remove(user)).status).toBe(202);
  });

  it('regression › a refresh token that nobody was given › refused, and the session lives; it is where it was refreshed', async () => {
    const user = await newUser(gateway.url);
    const signedIn = await by({}).post('/api/auth/login', { email: user.email, password: user.password });
    const { refreshToken, token } = signedIn.body;
    const made = refreshToken.replace(/.{43}$/, 'A'.repeat(43));
    expect((await by({}).post('/api/auth/refresh', { refreshToken: made })).status).toBe(401);
    expect((await by({ token }).get('/api/me')).status).toBe(200);
    const elsewhere = { 'x-forwarded-for': '203.0.113.9' };
    const renewed = await by({}).post('/api/auth/refresh', { refreshToken }, elsewhere);
    expect(renewed.status).toBe(200);
    const { data } = (await by({ token: renewed.body.token }).get('/api/sessions')).body;
    expect(data.find(({ isCurrent }: any) => isCurrent).ip).toBe('203.0.113.9');
  });

  it.each(['203.0.113.9:4711', '[2001:db8::1]:443', 'fe80::1%eth0', 'garbage'])(
    'regression › a proxy that names %s › signing in works, and what is done is kept',
    async (forwarded) => {
      const user = await newUser(gateway.url);
      const from = { 'x-forwarded-for': forwarded };
      const { email, password } = user;
      expect((await by({}).post('/api/auth/login', { email, password }, from)).status).toBe(200);
      expect((await user.api.post('/api/keys', { name: 'x' }, from)).status).toBe(201);
      const { data } = (await user.api.get('/api/me/audit?limit=1')).body;
      expect(data[0].action).toBe('POST /api/keys');
    },
  );

  describe('a key', () => {
    it('regression › that was revoked a moment ago, in another process › gives nothing', async () => {
      const user = await newUser(gateway.url);
      const { body: key } = await user.api.post('/api/keys', { name: 'x' });
      const asKey = by({ apiKey: key.key });
      expect((await asKey.get('/api/me')).status).toBe(200);
      await gateway.database.queryAll(`update api_keys set revoked_at = now() where id = '${key.id}'`);
      expect((await asKey.post('/api/keys', { name: 'y' })).status).toBe(401);
      expect((await asKey.post('/api/phones', { phoneNumber: newNumber() })).status).toBe(401);
    });

    it('regression › for some networks and things that adds a phone › the phone’s token is for no more', async () => {
      const user = await newUser(gateway.url);
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      const limits = { allowedIps: ['127.0.0.0/8'], scopes: ['phones:read', 'phones:write'], expiresAt };
      const { body: key } = await user.api.post('/api/keys', { name: 'x', ...limits });
      const { status, body: phone } = await by({ apiKey: key.key }).post('/api/phones', {
        phoneNumber: newNumber(),
      });
      expect(status).toBe(201);
      const { data } = (await user.api.get('/api/keys')).body;
      expect(data.find(({ phoneId }: any) => phoneId === phone.id)).toMatchObject(limits);
      expect((await by({ apiKey: phone.token }).get('/api/messages')).status).toBe(403);
      // Who has signed in gives all that a phone's token can have.
      const { body: plain } = await user.api.post('/api/phones', { phoneNumber: newNumber() });
      expect((await by({ apiKey: plain.token }).get('/api/messages')).status).toBe(200);
    });

    it('regression › that may less › revokes none that may more, but itself', async () => {
      const user = await newUser(gateway.url);
      const { body: weak } = await user.api.post('/api/keys', {
        name: 'x',
        scopes: ['keys:read', 'keys:write'],
      });
      const { data } = (await user.api.get('/api/keys')).body;
      const strong = data.find(({ scopes }: any) => scopes === null);
      const revoke = (id: string) => by({ apiKey: weak.key }).call('DELETE', `/api/keys/${id}`);
      expect([(await revoke(strong.id)).status, (await revoke(weak.id)).status]).toEqual([403, 204]);
    });

    it('regression › of an admin no more › gives nothing of an admin’s', async () => {
      const admin = await newAdmin(gateway);
      const scopes = ['admin', 'keys:read', 'keys:write'];
      const { body: key } = await admin.api.post('/api/keys', { name: 'x', scopes });
      await gateway.database.queryAll(`update users set role = 'user' where id = ${admin.id}`);
      const asKey = by({ apiKey: key.key });
      await until('it is no admin’s', async () => (await asKey.get('/api/admin/users')).status === 403);
      expect((await asKey.post('/api/keys', { name: 'y', scopes: ['admin'] })).status).toBe(403);
    });

    it('regression › made side by side beyond the most › no more are there', async () => {
      const user = await newUser(gateway.url);
      await gateway.database.queryAll(
        `insert into api_keys (id, user_id, name, hash) select 'key_x' || n || '_${user.id}', ${user.id}, 'x', ('\\x' || md5(n || '-${user.id}'))::bytea
           from generate_series(1, 97) n`,
      );
      const answers = await Promise.all([1, 2, 3, 4, 5].map(() => user.api.post('/api/keys', { name: 'x' })));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409]);
    });

    it('regression › that is used beyond the limit › leaves its user, who signs in, free to revoke it', async () => {
      const own = await startGateway({ workers: [], env: { RATE_LIMIT_USER: '12' } });
      try {
        const user = await newUser(own.url);
        const asKey = client(own.url, { apiKey: user.apiKey });
        const statuses: number[] = [];
        for (let i = 0; i < 15; i += 1) statuses.push((await asKey.get('/api/me')).status);
        expect(statuses.at(-1)).toBe(429);
        const { data } = (await user.api.get('/api/keys')).body;
        expect((await user.api.call('DELETE', `/api/keys/${data[0].id}`)).status).toBe(204);
      } finally {
        await own.stop();
      }
    });
  });
});
