import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { client, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startMailbox, type Mailbox } from '../support/mailbox.js';
import { until } from '../support/until.js';

describe('a second factor', () => {
  let mailbox: Mailbox;
  let gateway: TestGateway;
  beforeAll(async () => {
    mailbox = await startMailbox();
    gateway = await startGateway({ workers: [], env: { SMTP_URL: mailbox.url } });
  });
  afterAll(async () => {
    await gateway?.stop();
    await mailbox?.close();
  });

  /** As an authenticator app shows it, `steps` of 30 seconds from now. */
  const codeOf = (secret: string, steps = 0): string =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });
  const signIn = (user: TestUser, code?: string) =>
    client(gateway.url).post('/api/auth/login', {
      email: user.email,
      password: user.password,
      ...(code ? { code } : {}),
    });
  const setUp = async (user: TestUser) => {
    const { body } = await user.api.post('/api/auth/2fa', { currentPassword: user.password });
    const { body: enabled } = await user.api.post('/api/auth/2fa/enable', { code: codeOf(body.secret, -1) });
    // Of an address that is theirs: who sets a password for one that never was confirmed begins with nothing.
    await gateway.database.queryAll(`update users set email_verified_at = now() where id = ${user.id}`);
    return { secret: body.secret as string, recoveryCodes: enabled.recoveryCodes as string[] };
  };

  it('set up and enabled › signing in › takes a code, each once, and a recovery code once', async () => {
    const user = await newUser(gateway.url);
    const { secret, recoveryCodes } = await setUp(user);
    expect(recoveryCodes.length).toBe(10);
    expect((await user.api.get('/api/me')).body.hasSecondFactor).toBe(true);
    const refused = await signIn(user);
    expect([refused.status, refused.body.code]).toEqual([401, 'second_factor_required']);
    const code = codeOf(secret);
    expect((await signIn(user, code)).status).toBe(200);
    expect((await signIn(user, code)).body.code).toBe('second_factor_required');
    expect((await signIn(user, '000000')).status).toBe(401);
    expect((await signIn(user, recoveryCodes[0]!.toUpperCase())).status).toBe(200);
    expect((await signIn(user, recoveryCodes[0])).status).toBe(401);
    const stored = JSON.stringify([
      await gateway.database.queryAll('select * from users'),
      await gateway.database.queryAll('select * from recovery_codes'),
    ]);
    for (const shown of [secret, ...recoveryCodes]) expect(stored).not.toContain(shown);
  });

  it('two sign-ins with one code at once › one of them is refused', async () => {
    const user = await newUser(gateway.url);
    const { secret } = await setUp(user);
    const code = codeOf(secret);
    const answers = await Promise.all([1, 2, 3].map(() => signIn(user, code)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401]);
  });

  it('a wrong password › with the right code › says nothing of the second factor', async () => {
    const user = await newUser(gateway.url);
    const { secret } = await setUp(user);
    const { status, body } = await signIn({ ...user, password: 'wrong' }, codeOf(secret));
    expect([status, body.code]).toEqual([401, 'unauthenticated']);
  });

  it('not confirmed by a code › nothing is in force; enabled › not set up again; disabled › takes password and code', async () => {
    const user = await newUser(gateway.url);
    const enable = (code: string) => user.api.post('/api/auth/2fa/enable', { code });
    expect((await enable('123456')).status).toBe(409);
    const wrong = await user.api.post('/api/auth/2fa', { currentPassword: 'wrong' });
    expect(wrong.body.errors[0].pointer).toBe('/currentPassword');
    await user.api.post('/api/auth/2fa', { currentPassword: user.password });
    expect((await enable('000000')).body.errors[0].pointer).toBe('/code');
    expect((await signIn(user)).status).toBe(200);
    const { secret } = await setUp(user);
    const again = await user.api.post('/api/auth/2fa', { currentPassword: user.password });
    expect(again.status).toBe(409);
    const disable = (currentPassword: string, code: string) =>
      user.api.post('/api/auth/2fa/disable', { currentPassword, code });
    expect((await disable('wrong', codeOf(secret))).body.errors[0].pointer).toBe('/currentPassword');
    expect((await disable(user.password, '000000')).body.errors[0].pointer).toBe('/code');
    expect((await disable(user.password, codeOf(secret))).status).toBe(204);
    expect((await signIn(user)).status).toBe(200);
  });

  it('regression › codes guessed by who knows the password, or has a link › from everywhere › after ten none is taken for a while, but a recovery code; the user is told', async () => {
    const user = await newUser(gateway.url);
    const { secret, recoveryCodes } = await setUp(user);
    const right = codeOf(secret);
    const wrong = right === '123456' ? '654321' : '123456';
    await client(gateway.url).post('/api/auth/password/forgot', { email: user.email });
    const link = await mailbox.link(user.email, '/api/auth/password/reset');
    const reset = (code: string) =>
      client(gateway.url).post('/api/auth/password/reset', {
        token: new URL(link).searchParams.get('token'),
        newPassword: 'Another-Secret-1',
        code,
      });
    for (let i = 0; i < 5; i += 1) {
      expect((await signIn(user, wrong)).body.code).toBe('second_factor_required');
      expect((await reset(wrong)).body.code).toBe('second_factor_required');
    }
    for (const answer of [await signIn(user, right), await reset(right)]) {
      expect([answer.status, answer.body.code]).toEqual([429, 'too_many_requests']);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(3000);
    }
    await until('they are told', () =>
      mailbox.mails.some(({ to, raw }) => to === user.email && raw.includes('guesses at your second factor')),
    );
    expect((await signIn({ ...user, password: 'wrong' }, wrong)).status).toBe(401);
    expect((await signIn(user, recoveryCodes[0])).status).toBe(200);
  });

  it('regression › the password or the address changed › by who is signed in › takes a code', async () => {
    const user = await newUser(gateway.url);
    const { secret } = await setUp(user);
    const known = { currentPassword: user.password };
    const change = (more: object) =>
      user.api.post('/api/auth/password', { ...known, newPassword: 'Another-Secret-1', ...more });
    const move = () => user.api.post('/api/auth/email', { ...known, email: `new.${user.email}` });
    for (const answer of [await change({}), await change({ code: '000000' }), await move()])
      expect([answer.status, answer.body.code]).toEqual([401, 'second_factor_required']);
    expect((await change({ code: codeOf(secret) })).status).toBe(200);
  });

  it('a password that was forgotten › set by mail › takes the code too, and a wrong one does not use up the link', async () => {
    const user = await newUser(gateway.url);
    const { secret } = await setUp(user);
    await client(gateway.url).post('/api/auth/password/forgot', { email: user.email });
    const link = await mailbox.link(user.email, '/api/auth/password/reset');
    const reset = (code?: string) =>
      client(gateway.url).post('/api/auth/password/reset', {
        token: new URL(link).searchParams.get('token'),
        newPassword: 'Another-Password-1',
        ...(code ? { code } : {}),
      });
    expect((await reset()).body.code).toBe('second_factor_required');
    expect((await reset('000000')).body.code).toBe('second_factor_required');
    expect((await reset(codeOf(secret))).status).toBe(200);
  });
});
