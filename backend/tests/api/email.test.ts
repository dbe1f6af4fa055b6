import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
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
  const linksIn = (to: string, page: string) =>
    mailbox.mails
      .filter((mail) => mail.to === to)
      .flatMap(({ raw }) => new RegExp(`https?://\\S+${page}\\?token=\\S+`).exec(raw)?.[0] ?? []);
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

  it('a link of one kind › used for the other › 422, and it is not used up', async () => {
    const user = await newUser(gateway.url);
    const confirm = { token: tokenOf(await mailbox.link(user.email, '/api/auth/email')) };
    await stranger().post('/api/auth/password/forgot', { email: user.email });
    const reset = { token: tokenOf(await mailbox.link(user.email, '/api/auth/password/reset')) };
    const newPassword = 'Another-Password-1';
    const post = async (path: string, body: object) =>
      (await stranger().post(`/api/auth/${path}`, body)).status;
    expect(await post('password/reset', { ...confirm, newPassword })).toBe(422);
    expect(await post('email/confirm', reset)).toBe(422);
    expect(await statusOf(user.password, user.email)).toBe(200);
    expect(await post('email/confirm', confirm)).toBe(200);
    expect(await post('password/reset', { ...reset, newPassword })).toBeLessThan(300);
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
    const { body: now } = await stranger().post('/api/auth/login', {
      email: user.email,
      password: 'Another-Password-1',
    });
    const { body: audit } = await client(gateway.url, { token: now.token }).get('/api/me/audit');
    expect(audit.data).toContainEqual(
      expect.objectContaining({ action: 'POST /api/auth/password/reset', actorId: user.id }),
    );
    expect(now.user.isEmailVerified).toBe(true);
    const again = { token: tokenOf(link), newPassword: 'Third-Password-1' };
    expect((await stranger().post('/api/auth/password/reset', again)).status).toBe(422);
  });

  it('regression › a link to set a password, then another address, or another password › the link is no good any more', async () => {
    const linkFor = async (email: string) => {
      await stranger().post('/api/auth/password/forgot', { email });
      return tokenOf(await mailbox.link(email, '/api/auth/password/reset'));
    };
    const reset = async (token: string) =>
      (await stranger().post('/api/auth/password/reset', { token, newPassword: 'Stolen-Password-1' })).status;

    const moved = await newUser(gateway.url);
    const toFormer = await linkFor(moved.email);
    const email = `moved-${moved.email}`;
    await moved.api.post('/api/auth/email', { email, currentPassword: moved.password });
    const confirm = tokenOf(await mailbox.link(email, '/api/auth/email'));
    expect((await stranger().post('/api/auth/email/confirm', { token: confirm })).status).toBe(200);
    expect(await reset(toFormer)).toBe(422);

    const careful = await newUser(gateway.url);
    const before = await linkFor(careful.email);
    const change = { currentPassword: careful.password, newPassword: 'Another-Secret-1' };
    expect((await careful.api.post('/api/auth/password', change)).status).toBe(200);
    expect(await reset(before)).toBe(422);
  });

  it.each([
    [
      'the password is changed',
      (user: TestUser) =>
        user.api.post('/api/auth/password', {
          currentPassword: user.password,
          newPassword: 'Another-Secret-1',
        }),
    ],
    ['all are signed out', (user: TestUser) => user.api.post('/api/auth/logout-all')],
    [
      'the password is set by mail',
      async (user: TestUser) => {
        await stranger().post('/api/auth/password/forgot', { email: user.email });
        const token = tokenOf(await mailbox.link(user.email, '/api/auth/password/reset'));
        return stranger().post('/api/auth/password/reset', { token, newPassword: 'Another-Secret-1' });
      },
    ],
  ])(
    'regression › an intruder asks for another address, then %s › their link is no good any more',
    async (_what, act) => {
      const user = await newUser(gateway.url);
      const email = `intruder-${user.email}`;
      await user.api.post('/api/auth/email', { email, currentPassword: user.password });
      const token = tokenOf(await mailbox.link(email, '/api/auth/email'));
      expect((await act(user)).status).toBeLessThan(300);
      expect((await stranger().post('/api/auth/email/confirm', { token })).status).toBe(422);
    },
  );

  it('the password or the second factor is changed › the user is told', async () => {
    const user = await newUser(gateway.url);
    const change = { currentPassword: user.password, newPassword: 'Another-Secret-1' };
    expect((await user.api.post('/api/auth/password', change)).status).toBe(200);
    await until('told', () =>
      mailbox.mails.some(({ to, raw }) => to === user.email && raw.includes('Your password was changed')),
    );
  });

  it('regression › an address that was never confirmed › its owner sets a password by mail › nothing of whoever registered with it is left', async () => {
    const user = await newUser(gateway.url);
    const { body: setUp } = await user.api.post('/api/auth/2fa', { currentPassword: user.password });
    const code = new TOTP({ secret: Secret.fromBase32(setUp.secret) }).generate();
    expect((await user.api.post('/api/auth/2fa/enable', { code })).status).toBe(200);
    expect((await user.api.post('/api/webhooks', { url: 'https://example.com/x' })).status).toBe(201);
    await stranger().post('/api/auth/password/forgot', { email: user.email });
    const token = tokenOf(await mailbox.link(user.email, '/api/auth/password/reset'));
    const reset = { token, newPassword: 'Another-Password-1' };
    const { status, body } = await stranger().post('/api/auth/password/reset', reset);
    expect(status).toBe(200);
    const owner = client(gateway.url, { token: body.token });
    expect((await owner.get('/api/me')).body).toMatchObject({
      isEmailVerified: true,
      hasSecondFactor: false,
    });
    expect((await owner.get('/api/webhooks')).body.data).toEqual([]);
    await until(
      'its keys are refused',
      async () => (await client(gateway.url, { apiKey: user.apiKey }).get('/api/me')).status === 401,
    );
  });

  it('regression › who was signed in when the password was set by mail › is out, their refresh tokens too', async () => {
    const user = await newUser(gateway.url);
    const known = { email: user.email, password: user.password };
    const { refreshToken } = (await stranger().post('/api/auth/login', known)).body;
    await stranger().post('/api/auth/password/forgot', { email: user.email });
    const token = tokenOf(await mailbox.link(user.email, '/api/auth/password/reset'));
    const reset = { token, newPassword: 'Another-Password-1' };
    expect((await stranger().post('/api/auth/password/reset', reset)).status).toBe(200);
    expect((await stranger().post('/api/auth/refresh', { refreshToken })).status).toBe(401);
  });

  it('regression › mails to an address › signing out everywhere meanwhile › still five in an hour', async () => {
    const user = await newUser(gateway.url);
    const signIn = async () =>
      (await stranger().post('/api/auth/login', { email: user.email, password: user.password })).body.token;
    const statuses: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      const api = client(gateway.url, { token: await signIn() });
      for (let n = 0; n < 2; n += 1) {
        const asked = { email: `victim-${user.email}`, currentPassword: user.password };
        statuses.push((await api.post('/api/auth/email', asked)).status);
      }
      await api.post('/api/auth/logout-all');
    }
    // The first of the five was sent when they registered.
    expect(statuses).toEqual([202, 202, 202, 202, 429, 429]);
  });

  it('regression › links asked for again and again by anybody › five in an hour, each of them works, and one use ends all', async () => {
    const user = await newUser(gateway.url);
    const ask = (email: string) => stranger().post('/api/auth/password/forgot', { email });
    const asked = await Promise.all(Array.from({ length: 12 }, () => ask(user.email)));
    expect(new Set(asked.map(({ status }) => status))).toEqual(new Set([202]));
    const linksTo = (to: string) => linksIn(to, 'password/reset');
    await until('five came', () => linksTo(user.email).length === 5);
    // What is asked later is answered later: once it came, all of the twelve were answered.
    const later = await newUser(gateway.url);
    await ask(later.email);
    await until('it came', () => linksTo(later.email).length === 1);
    const tokens = linksTo(user.email).map(tokenOf);
    expect(tokens).toHaveLength(5);
    const reset = async (token: string) =>
      (await stranger().post('/api/auth/password/reset', { token, newPassword: 'Another-Password-1' }))
        .status;
    expect([await reset(tokens[0]!), await reset(tokens[4]!)]).toEqual([200, 422]);
  });

  it('changed twice › the newest address alone is confirmed; asked a sixth time in an hour › 429', async () => {
    const user = await newUser(gateway.url);
    const ask = (email: string) =>
      user.api.post('/api/auth/email', { email, currentPassword: user.password });
    const [first, second] = [`first-${user.email}`, `second-${user.email}`];
    await ask(first);
    const former = tokenOf(await mailbox.link(first, '/api/auth/email'));
    await ask(second);
    const latest = tokenOf(await mailbox.link(second, '/api/auth/email'));
    const confirm = async (token: string) =>
      (await stranger().post('/api/auth/email/confirm', { token })).status;
    // The first of the five was sent when they registered.
    expect([(await ask(second)).status, (await ask(second)).status]).toEqual([202, 202]);
    const refused = await ask(second);
    expect([refused.status, refused.body.code]).toEqual([429, 'too_many_requests']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await confirm(former)).toBe(422);
    expect(await confirm(latest)).toBe(422);
    await until('all three came', () => linksIn(second, 'auth/email').length === 3);
    // Their ids go by time, whichever mail came first.
    const newest = linksIn(second, 'auth/email').map(tokenOf).sort().at(-1)!;
    expect(await confirm(newest)).toBe(200);
  });

  it('asked for nobody’s address › the same answer, and no mail; a token that is none › 422', async () => {
    const seen = mailbox.mails.length;
    const { status, body } = await stranger().post('/api/auth/password/forgot', {
      email: 'nobody@example.com',
    });
    expect([status, body]).toEqual([202, null]);
    const user = await newUser(gateway.url);
    await mailbox.link(user.email, '/api/auth/email', seen);
    expect(mailbox.mails.map(({ to }) => to)).not.toContain('nobody@example.com');
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
