import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { client, newUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

describe('a password that is changed while it is being checked', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
  });
  afterAll(async () => gateway?.stop());

  const left = async (userId: number) => {
    const [row] = await gateway.database.queryAll<Record<string, unknown>>(`
      select (select count(*) from sessions where user_id = ${userId} and revoked_at is null) as sessions,
             (select count(*) from mail_tokens where user_id = ${userId}) as links,
             (select count(*) from jobs where user_id = ${userId}) as jobs,
             totp_secret as secret, is_active as "isActive" from users where id = ${userId}`);
    return row!;
  };

  it('regression › signing in, changing the address, setting up a second factor, removing the account › with the former one › nothing comes of it', async () => {
    const user = await newUser(gateway.url);
    const before = await left(user.id);
    const { env } = gateway.database;
    const holder = new pg.Client({
      host: env.DB_HOST,
      port: Number(env.DB_PORT),
      database: env.DB_NAME,
      user: env.DB_USER,
      password: env.DB_PASSWORD,
    });
    await holder.connect();
    try {
      await holder.query(`begin; set local app.user_ids = '{${user.id}}'`);
      await holder.query('select 1 from users where id = $1 for no key update', [user.id]);
      const known = { currentPassword: user.password };
      const asked = [
        client(gateway.url).post('/api/auth/login', { email: user.email, password: user.password }),
        user.api.post('/api/auth/email', { ...known, email: `new.${user.email}` }),
        user.api.post('/api/auth/2fa', known),
        user.api.call('DELETE', '/api/me', known),
        user.api.post('/api/auth/password', { ...known, newPassword: 'Another-Secret-1' }),
      ];
      await until('each has checked it, and waits', async () => {
        const waiting = await gateway.database.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return waiting.length === asked.length;
      });
      await holder.query(`update users set password_hash = 'another one' where id = $1`, [user.id]);
      await holder.query('commit');
      const answers = await Promise.all(asked);
      expect(answers.map(({ status, body }) => [status, body.errors?.[0].pointer])).toEqual([
        [401, undefined],
        ...Array(4).fill([422, '/currentPassword']),
      ]);
    } finally {
      await holder.end();
    }
    expect(await left(user.id)).toEqual(before);
  });
});
