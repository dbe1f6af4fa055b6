import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { startBrowser } from '../support/browser.js';
import { client, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startMailbox, type Mailbox } from '../support/mailbox.js';
import { until } from '../support/until.js';

const tokenOf = (link: string): string => new URL(link).searchParams.get('token')!;

describe('e-mail', () => {
  let mailbox: Mailbox;
  let gateway: TestGateway;
  let browser: Browser;
  beforeAll(async () => {
    mailbox = await startMailbox({ refuse: 1 });
    gateway = await startGateway({ workers: [], env: { SMTP_URL: mailbox.url } });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.stop();
    await mailbox?.close();
  });
  const stranger = () => client(gateway.url);
  const me = async (user: TestUser) => (await user.api.get('/api/me')).body;
  const at = (link: string) => link.replace(/^https?:\/\/[^/]+/, gateway.url);
  const statusOf = async (password: string, email: string) =>
    (await stranger().post('/api/auth/login', { email, password })).status;

  it('after registering › the server says try later once › a link comes, and confirms the address once', async () => {
    const user = await newUser(gateway.url);
    expect((await me(user)).isEmailVerified).toBe(false);
    const token = tokenOf(await mailbox.link(user.email, '/api/auth/email'));
    const confirm = () => stranger().post('/api/auth/email/confirm', { token });
    expect((await confirm()).body).toMatchObject({ email: user.email, isEmailVerified: true });
    expect((await confirm()).status).toBe(422);
    expect((await user.api.post('/api/auth/email/verify')).status).toBe(409);
    const stored = await gateway.database.queryAll('select * from mail_tokens');
    expect(JSON.stringify(stored)).not.toContain(token.split('_').at(-1));
  });

  it('changed › the new address is confirmed › it signs in, the former one does not and is told', async () => {
    const user = await newUser(gateway.url);
    const email = `new-${user.email}`;
    const ask = (currentPassword: string) => user.api.post('/api/auth/email', { email, currentPassword });
    expect((await ask('wrong')).body.errors[0].pointer).toBe('/currentPassword');
    expect((await ask(user.password)).status).toBe(202);
    const token = tokenOf(await mailbox.link(email, '/api/auth/email'));
    expect((await me(user)).email).toBe(user.email);
    expect((await stranger().post('/api/auth/email/confirm', { token })).status).toBe(200);
    expect([await statusOf(user.password, email), await statusOf(user.password, user.email)]).toEqual([
      200, 401,
    ]);
    await until('the former address is told', async () =>
      mailbox.mails.some(({ to, raw }) => to === user.email && raw.includes('was changed')),
    );
  });

  it('changed to somebody’s › the link is opened › 409, and nothing is changed', async () => {
    const [owner, other] = [await newUser(gateway.url), await newUser(gateway.url)];
    await mailbox.link(owner.email, '/api/auth/email');
    const seen = mailbox.mails.length;
    await other.api.post('/api/auth/email', { email: owner.email, currentPassword: other.password });
    const token = tokenOf(await mailbox.link(owner.email, '/api/auth/email', seen));
    const { status, body } = await stranger().post('/api/auth/email/confirm', { token });
    expect([status, body.code]).toEqual([409, 'already_registered']);
    expect((await me(other)).email).toBe(other.email);
  });

  it('a password that was forgotten › set in a browser › every session ends, and the new one signs in', async () => {
    const user = await newUser(gateway.url);
    expect((await stranger().post('/api/auth/password/forgot', { email: user.email })).status).toBe(202);
    const link = at(await mailbox.link(user.email, '/api/auth/password/reset'));
    const page = await browser.newPage();
    // A mail scanner looks at the link first; that must not use it up.
    expect((await fetch(link)).status).toBe(200);
    await page.goto(link);
    expect(page.url()).not.toContain('token');
    await page.fill('#password', 'Another-Password-1');
    await page.click('#send');
    await page.waitForSelector('text=Your password is set');
    expect((await user.api.get('/api/me')).status).toBe(401);
    expect(await statusOf('Another-Password-1', user.email)).toBe(200);
    expect(await statusOf(user.password, user.email)).toBe(401);
    const again = { token: tokenOf(link), newPassword: 'Third-Password-1' };
    expect((await stranger().post('/api/auth/password/reset', again)).status).toBe(422);
  });

  it('asked for nobody’s address › the same answer, and no mail; a token that is none › 422', async () => {
    const seen = mailbox.mails.length;
    const { status, body } = await stranger().post('/api/auth/password/forgot', {
      email: 'nobody@example.com',
    });
    expect([status, body]).toEqual([202, null]);
    const user = await newUser(gateway.url);
    await mailbox.link(user.email, '/api/auth/email', seen);
    expect(mailbox.mails.slice(seen).map(({ to }) => to)).toEqual([user.email]);
    for (const token of ['x', 'mt_1_mt_0', `mt_${user.id}_mt_${'0'.repeat(26)}_${'a'.repeat(43)}`]) {
      const reset = { token, newPassword: 'Another-Password-1' };
      expect((await stranger().post('/api/auth/password/reset', reset)).body.code).toBe('unprocessable');
      expect((await stranger().post('/api/auth/email/confirm', { token })).body.code).toBe('unprocessable');
    }
  });

  it('no mail server › in production › the feature says that it is off, and registering works', async () => {
    const off = await startGateway({ workers: [], env: { NODE_ENV: 'production' } });
    const user = await newUser(off.url);
    const asked = [
      await client(off.url).post('/api/auth/password/forgot', { email: user.email }),
      await user.api.post('/api/auth/email/verify'),
      await user.api.post('/api/auth/email', { email: 'a@example.com', currentPassword: user.password }),
    ];
    expect(asked.map(({ status, body }) => [status, body.code])).toEqual(Array(3).fill([501, 'mail_off']));
    await off.stop();
  });
});
