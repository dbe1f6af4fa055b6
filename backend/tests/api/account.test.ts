import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { newAdmin, runAdmin } from '../support/admin.js';
import { client, newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

describe('accounts', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    nodes = await startNodes(1);
    gateway = await startGateway({ env: { EVOLUTION_NODES: nodes.list() } });
  });
  afterAll(async () => {
    sockets.forEach((socket) => socket.close());
    await gateway?.stop();
    await nodes?.stop();
  });

  const api = (token: string) => client(gateway.url, { token });
  const login = async (user: TestUser, password = user.password) =>
    client(gateway.url).post('/api/auth/login', { email: user.email, password }, { 'user-agent': 'A phone' });
  const isIn = async (token: string) => (await api(token).get('/api/me')).status === 200;
  const isOut = (token: string) => until('signed out', async () => !(await isIn(token)));
  const refresh = (refreshToken: string) => client(gateway.url).post('/api/auth/refresh', { refreshToken });

  describe('sessions', () => {
    it('used now and again › last seen is kept to the second in Redis, and told from PostgreSQL when that lost it', async () => {
      const user = await newUser(gateway.url);
      const seen = async () =>
        new Date((await user.api.get('/api/sessions')).body.data[0].lastSeenAt).getTime();
      const first = await seen();
      await until('it moves on', async () => (await seen()) > first);
      const { Redis } = await import('ioredis');
      const redis = new Redis({ port: gateway.redis.port });
      await redis.flushall();
      redis.disconnect();
      expect((await user.api.get('/api/sessions')).body.data.length).toBe(1);
      await until('it moves on again', async () => (await seen()) > first);
    });

    it('two › both listed with device and address; one revoked › it alone is out, its socket too', async () => {
      const user = await newUser(gateway.url);
      const { body: second } = await login(user);
      const socket = io(gateway.url, { auth: { token: second.token }, forceNew: true, reconnection: false });
      sockets.push(socket);
      await until('connected', () => socket.connected);
      const { data } = (await user.api.get('/api/sessions')).body;
      expect(data).toEqual([
        expect.objectContaining({
          device: 'A phone',
          ip: expect.stringMatching(/127\.0\.0\.1/),
          isCurrent: false,
        }),
        expect.objectContaining({ isCurrent: true }),
      ]);
      expect((await user.api.call('DELETE', `/api/sessions/${data[0].id}`)).status).toBe(204);
      await isOut(second.token);
      await until('disconnected', () => !socket.connected);
      expect(await isIn(user.token)).toBe(true);
      expect((await refresh(second.refreshToken)).status).toBe(401);
      expect((await user.api.call('DELETE', `/api/sessions/${data[0].id}`)).status).toBe(404);
    });

    it('of another user › 404', async () => {
      const [one, other] = [await newUser(gateway.url), await newUser(gateway.url)];
      const { data } = (await one.api.get('/api/sessions')).body;
      expect((await other.api.call('DELETE', `/api/sessions/${data[0].id}`)).status).toBe(404);
      expect(await isIn(one.token)).toBe(true);
    });

    it('signed out › here alone; a key has no session to end', async () => {
      const user = await newUser(gateway.url);
      const { body: second } = await login(user);
      expect((await api(second.token).post('/api/auth/logout')).status).toBe(204);
      await isOut(second.token);
      expect(await isIn(user.token)).toBe(true);
      const byKey = await client(gateway.url, { apiKey: user.apiKey }).post('/api/auth/logout');
      expect([byKey.status, byKey.body.code]).toEqual([409, 'conflict']);
    });

    it('signed out everywhere › every token, those made of keys too; keys live on', async () => {
      const user = await newUser(gateway.url);
      const { body: second } = await login(user);
      const { body: made } = await client(gateway.url).post('/api/auth/api-key', { apiKey: user.apiKey });
      expect((await user.api.post('/api/auth/logout-all')).status).toBe(204);
      for (const token of [user.token, second.token, made.token]) await isOut(token);
      expect((await client(gateway.url, { apiKey: user.apiKey }).get('/api/me')).status).toBe(200);
    });
  });

  describe('refresh tokens', () => {
    it('each once › the next one; used twice › the whole session is out', async () => {
      const user = await newUser(gateway.url);
      const { body: first } = await login(user);
      const { status, body: second } = await refresh(first.refreshToken);
      expect(status).toBe(200);
      expect(await isIn(second.token)).toBe(true);
      expect((await refresh(first.refreshToken)).status).toBe(401);
      await isOut(second.token);
      expect((await refresh(second.refreshToken)).status).toBe(401);
      expect(await isIn(user.token)).toBe(true);
    });

    it('the same one twice at once › at most one answer, and the session is out', async () => {
      const user = await newUser(gateway.url);
      const { body } = await login(user);
      const answers = await Promise.all([refresh(body.refreshToken), refresh(body.refreshToken)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
      await isOut(body.token);
    });

    it.each(['nonsense', 'rt_1_ses_00000000000000000000000000_x', ''])(
      '%s › refused',
      async (refreshToken) => {
        expect([400, 401]).toContain((await refresh(refreshToken)).status);
      },
    );

    it('of a disabled user › refused, and nothing is said of why', async () => {
      const user = await newUser(gateway.url);
      const { body } = await login(user);
      const admin = await newAdmin(gateway);
      await admin.api.call('PATCH', `/api/admin/users/${user.id}`, { isActive: false });
      const [one, other] = [await refresh(body.refreshToken), await refresh('nonsense')];
      expect({ ...one.body, requestId: '' }).toEqual({ ...other.body, requestId: '' });
    });
  });

  describe('a password', () => {
    it('changed › every session ends but the new one; the old word is no good any more', async () => {
      const user = await newUser(gateway.url);
      const { body: second } = await login(user);
      const { status, body } = await user.api.post('/api/auth/password', {
        currentPassword: user.password,
        newPassword: 'Another-Secret-1',
      });
      expect(status).toBe(200);
      // At once, though the process has just seen the former secret.
      expect(await isIn(body.token)).toBe(true);
      for (const token of [user.token, second.token]) await isOut(token);
      expect((await login(user)).status).toBe(401);
      expect((await login(user, 'Another-Secret-1')).status).toBe(200);
    });

    it('regression › changed ten times at once with the same present one › once', async () => {
      const user = await newUser(gateway.url);
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          user.api.post('/api/auth/password', {
            currentPassword: user.password,
            newPassword: `Another-Secret-${i}`,
          }),
        ),
      );
      // Whoever comes once the token has ended is refused for that.
      const changed = answers.flatMap(({ status }, i) => (status === 200 ? [i] : []));
      expect(changed).toHaveLength(1);
      expect((await login(user, `Another-Secret-${changed[0]}`)).status).toBe(200);
    });

    it('the present one wrong, or the new one short › refused, the field named, nothing changed', async () => {
      const user = await newUser(gateway.url);
      const change = (body: object) => user.api.post('/api/auth/password', body);
      const wrong = await change({ currentPassword: 'wrong', newPassword: 'Another-Secret-1' });
      expect([wrong.status, wrong.body.errors[0].pointer]).toEqual([422, '/currentPassword']);
      const short = await change({ currentPassword: user.password, newPassword: 'short' });
      expect([short.status, short.body.errors[0].pointer]).toEqual([400, '/newPassword']);
      expect((await login(user)).status).toBe(200);
    });
  });

  describe('who you are', () => {
    it('asked › the account; renamed › the new name; a name that is taken › 409 naming the field', async () => {
      const [user, other] = [await newUser(gateway.url), await newUser(gateway.url)];
      expect((await user.api.get('/api/me')).body).toMatchObject({
        id: user.id,
        email: user.email,
        role: 'user',
      });
      const rename = (username: string) => user.api.call('PATCH', '/api/me', { username });
      expect((await rename(`${user.username}_2`)).body.username).toBe(`${user.username}_2`);
      const taken = await rename(other.username.toUpperCase());
      expect([taken.status, taken.body.errors[0].pointer]).toEqual([409, '/username']);
      expect((await user.api.get('/api/me')).body.username).toBe(`${user.username}_2`);
    });
  });

  describe('a user', () => {
    it('disabled › token, key and socket stop, the phone sends nothing; enabled › what waited goes out', async () => {
      const [admin, user] = [await newAdmin(gateway), await newUser(gateway.url)];
      const phone = await newPhone(user);
      const socket = io(gateway.url, { auth: { token: user.token }, forceNew: true, reconnection: false });
      sockets.push(socket);
      await until('connected', () => socket.connected);
      // Accepted, and held back until it is looked at again.
      await user.api.post(`/api/phones/${phone.id}/pause`);
      const { body: waiting } = await user.api.post('/api/messages/send', {
        phoneId: phone.id,
        to: '+628981119999',
        message: 'said before I was disabled',
      });
      const change = (body: object) => admin.api.call('PATCH', `/api/admin/users/${user.id}`, body);
      expect((await change({ isActive: false })).body.isActive).toBe(false);
      await gateway.database.queryAll(
        `update phone_numbers set is_paused = false where id = ${phone.id}; update lanes set is_paused = false where phone_id = ${phone.id}`,
      );
      await isOut(user.token);
      expect((await client(gateway.url, { apiKey: user.apiKey }).get('/api/me')).status).toBe(401);
      await until('disconnected', () => !socket.connected);
      const open = await gateway.database.queryAll(
        `select 1 from lanes where user_id = ${user.id} and is_open`,
      );
      expect(open).toEqual([]);
      const said = async () =>
        (await nodes.ledger()).some((entry) => JSON.stringify(entry).includes('said before I was disabled'));
      expect(await said()).toBe(false);

      await change({ isActive: true });
      const again = { ...user, api: api((await login(user)).body.token) };
      await settled(again, waiting.id, ['sent', 'delivered', 'read']);
      expect(await said()).toBe(true);
    });

    it('made an admin, and no more › by another admin; nobody changes themselves', async () => {
      const [admin, user] = [await newAdmin(gateway), await newUser(gateway.url)];
      const change = (by: TestUser, id: number, body: object) =>
        by.api.call('PATCH', `/api/admin/users/${id}`, body);
      expect((await change(admin, user.id, { role: 'admin' })).body.role).toBe('admin');
      await until('may', async () => (await user.api.get('/api/admin/users')).status === 200);
      await change(admin, user.id, { role: 'user' });
      await until('may not', async () => (await user.api.get('/api/admin/users')).status === 403);
      const own = await change(admin, admin.id, { isActive: false });
      expect([own.status, own.body.code]).toEqual([409, 'conflict']);
      expect((await change(admin, 999_999, { isActive: false })).status).toBe(404);
    });

    it('all of them › listed to admins page by page', async () => {
      const admin = await newAdmin(gateway);
      const seen: number[] = [];
      let cursor = '';
      do {
        const { body } = await admin.api.get(`/api/admin/users?limit=3${cursor}`);
        seen.push(...body.data.map((one: any) => one.id));
        cursor = body.nextCursor ? `&cursor=${body.nextCursor}` : '';
      } while (cursor);
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
      expect(seen).toContain(admin.id);
    });
  });

  describe('admins', () => {
    it('ask for an address › whoever has it, in any case of its letters; nobody: an empty page; nonsense: 400', async () => {
      const [admin, user] = [await newAdmin(gateway), await newUser(gateway.url)];
      const find = (email: string) => admin.api.get(`/api/admin/users?email=${encodeURIComponent(email)}`);
      const { body } = await find(user.email.toUpperCase());
      expect([body.data.map((one: any) => one.id), body.hasMore]).toEqual([[user.id], false]);
      expect((await find('nobody@example.com')).body.data).toEqual([]);
      const refused = await find('nobody');
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([400, '/query/email']);
    });
  });

  describe('sessions', () => {
    it('regression › more than a page of them › each is listed once, the latest first', async () => {
      const user = await newUser(gateway.url);
      for (let i = 0; i < 4; i += 1) await login(user);
      const seen: string[] = [];
      let cursor = '';
      do {
        const { body } = await user.api.get(`/api/sessions?limit=2${cursor}`);
        seen.push(...body.data.map(({ id }: any) => id));
        cursor = body.nextCursor ? `&cursor=${body.nextCursor}` : '';
      } while (cursor);
      expect(seen).toHaveLength(5);
      expect(seen).toEqual([...new Set(seen)].sort().reverse());
    });

    it('regression › a refresh token used twice › that its session ended is in the audit', async () => {
      const user = await newUser(gateway.url);
      const { body } = await login(user);
      expect((await refresh(body.refreshToken)).status).toBe(200);
      expect((await refresh(body.refreshToken)).status).toBe(401);
      const { data } = (await user.api.get('/api/me/audit?limit=1')).body;
      expect(data[0]).toMatchObject({
        action: 'POST /api/auth/refresh',
        actorId: null,
        status: 401,
        ip: expect.any(String),
        target: expect.stringMatching(/^ses_/),
      });
    });
  });

  describe('who did what', () => {
    it('every change › kept with who, what, from where; seen by its user and by admins, by nobody else', async () => {
      const [admin, user, other] = [
        await newAdmin(gateway),
        await newUser(gateway.url),
        await newUser(gateway.url),
      ];
      const { body: key } = await user.api.post('/api/keys', { name: 'CI' });
      await user.api.call('DELETE', `/api/keys/${key.id}`, undefined, { 'x-request-id': 'my-request' });
      await user.api.call('DELETE', `/api/keys/${key.id}`);
      const own = async (who: TestUser) => (await who.api.get('/api/me/audit')).body.data as any[];
      await until('it is kept', async () => (await own(user)).length === 3);
      expect((await own(user)).map((one) => [one.action, one.target, one.status])).toEqual([
        ['DELETE /api/keys/:id', key.id, 204],
        ['POST /api/keys', key.id, 201],
        ['POST /api/auth/register', null, 201],
      ]);
      expect((await own(user))[0]).toMatchObject({
        userId: user.id,
        actorId: user.id,
        credential: expect.stringMatching(/^ses_/),
        requestId: 'my-request',
        ip: expect.stringMatching(/127\.0\.0\.1/),
      });
      expect((await own(other)).map((one) => one.action)).toEqual(['POST /api/auth/register']);
      const all = (await admin.api.get(`/api/admin/audit?userId=${user.id}`)).body.data;
      expect(all).toHaveLength(3);
      const page = (await admin.api.get('/api/admin/audit?limit=2')).body;
      expect([page.data.length, page.hasMore]).toEqual([2, true]);
      const next = (await admin.api.get(`/api/admin/audit?limit=2&cursor=${page.nextCursor}`)).body;
      expect(next.data[0].id).toBeLessThan(page.data[1].id);
    });

    it('regression › an admin changes a user › it is in that user’s view, without from where; and of whom in the admins’', async () => {
      const [admin, user] = [await newAdmin(gateway), await newUser(gateway.url)];
      await admin.api.call('PATCH', `/api/admin/users/${user.id}`, { quotas: { phones: 7 } });
      const last = async () => (await user.api.get('/api/me/audit?limit=1')).body.data[0];
      await until('it is kept', async () => (await last()).action === 'PATCH /api/admin/users/:id');
      const line = { userId: user.id, actorId: admin.id, target: String(user.id), fields: ['quotas'] };
      expect(await last()).toMatchObject({ ...line, ip: null, credential: null });
      const { body } = await admin.api.get(`/api/admin/audit?userId=${user.id}&limit=1`);
      expect(body.data[0]).toMatchObject({
        ...line,
        ip: expect.any(String),
        credential: expect.stringMatching(/^ses_/),
      });
      await runAdmin(gateway, user.email);
      expect(await last()).toMatchObject({ action: 'npm run admin', actorId: null, target: 'admin' });
    });

    it('by the role that serves requests › nothing is changed or removed', async () => {
      for (const statement of ['update audit set status = 1', 'delete from audit'])
        await expect(gateway.database.query(`set role evolution_app; ${statement}`)).rejects.toThrow(
          /permission denied/,
        );
    });
  });
});
