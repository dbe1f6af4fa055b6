import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { client, newNumber, newUser } from '../support/client.js';
import { startGateway, TEST_ENV, type TestGateway } from '../support/gateway.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const FRESH = 'another-jwt-secret-0123456789abcdef0123456789';

describe('secrets that are sealed', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({
      workers: [],
      env: { ADMIN_EMAIL: 'first.admin@example.com', ADMIN_PASSWORD: 'Admin-Password-1' },
    });
  });
  afterAll(async () => gateway?.stop());

  const sealedTexts = async () => {
    const rows = await gateway.database.queryAll<Record<string, string | null>>(
      `select u.jwt_secret, u.totp_secret, w.secret, w.headers, p.proxy->>'password' as proxy
         from users u join webhooks w on w.user_id = u.id join phone_numbers p on p.user_id = u.id`,
    );
    return rows.flatMap((row) => Object.values(row)).filter((text) => text !== null);
  };
  const reseal = (env: Record<string, string>) =>
    spawnSync('npm', ['run', '--silent', 'reseal'], {
      cwd: root,
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH']!,
        HOME: process.env['HOME']!,
        ...TEST_ENV,
        ...gateway.database.env,
        ...env,
      },
    });

  it('npm run reseal › with the present and the previous JWT_SECRET › all are under the present one, and open under it alone', async () => {
    const user = await newUser(gateway.url);
    const { body: phone } = await user.api.post('/api/phones', { phoneNumber: newNumber() });
    await user.api.call('PATCH', `/api/phones/${phone.id}`, {
      proxy: { host: '127.0.0.1', port: 8080, protocol: 'http', username: 'a', password: 'b' },
    });
    await user.api.post('/api/webhooks', { url: 'https://example.com/x', headers: { 'x-a': 'b' } });
    await user.api.post('/api/auth/2fa', { currentPassword: user.password });
    const before = await sealedTexts();
    expect(before.length).toBeGreaterThan(3);

    const wrong = reseal({ JWT_SECRET: FRESH });
    expect([wrong.status, wrong.stdout]).toEqual([1, '']);
    expect(await sealedTexts()).toEqual(before);
    const done = reseal({ JWT_SECRET: FRESH, JWT_SECRET_PREVIOUS: TEST_ENV.JWT_SECRET });
    expect([done.status, done.stderr]).toEqual([0, '']);
    const after = await sealedTexts();
    expect(after.length).toBe(before.length);
    const keysOf = (texts: (string | null)[]) => new Set(texts.map((text) => text!.split('.')[1]));
    expect([...keysOf(after)].length).toBe(1);
    expect(keysOf(after)).not.toEqual(keysOf(before));
    expect(reseal({ JWT_SECRET: FRESH }).stdout).toContain('0 secrets');
    // What the gateway of this test goes on with.
    const back = reseal({ JWT_SECRET: TEST_ENV.JWT_SECRET, JWT_SECRET_PREVIOUS: FRESH });
    expect(back.status).toBe(0);
    expect((await user.api.get('/api/me')).status).toBe(200);
  });

  it('ADMIN_EMAIL and ADMIN_PASSWORD › nobody has that address › somebody is made who is an admin; again changes nothing', async () => {
    await gateway.gateway.ensureAdmin();
    await gateway.gateway.ensureAdmin();
    const { status, body } = await client(gateway.url).post('/api/auth/login', {
      email: 'first.admin@example.com',
      password: 'Admin-Password-1',
    });
    expect([status, body.user.role]).toEqual([200, 'admin']);
    expect((await client(gateway.url, { token: body.token }).get('/api/admin/users')).status).toBe(200);
  });

  it('regression › ADMIN_EMAIL › several processes start at once on an empty database › all of them do', async () => {
    const email = 'other.admin@example.com';
    const env = { ...gateway.database.env, ADMIN_EMAIL: email, ADMIN_PASSWORD: 'Admin-Password-1' };
    const others = await Promise.all([1, 2, 3].map(() => startGateway({ workers: [], env })));
    try {
      await Promise.all(others.map((other) => other.gateway.ensureAdmin()));
    } finally {
      await Promise.all(others.map((other) => other.stop()));
    }
    const made = await gateway.database.queryAll('select role from users where email = $1', [email]);
    expect(made).toEqual([{ role: 'admin' }]);
  });

  it('regression › ADMIN_EMAIL › somebody registered with it before, with a password of their own › they are no admin', async () => {
    const squatter = await newUser(gateway.url);
    const roleAfter = async (password: string) => {
      const other = await startGateway({
        workers: [],
        env: { ...gateway.database.env, ADMIN_EMAIL: squatter.email, ADMIN_PASSWORD: password },
      });
      await other.gateway.ensureAdmin().finally(() => other.stop());
      return (await squatter.api.get('/api/me')).body.role;
    };
    expect(await roleAfter('Admin-Password-1')).toBe('user');
    // Who says its password is the operator.
    expect(await roleAfter(squatter.password)).toBe('admin');
  });
});
