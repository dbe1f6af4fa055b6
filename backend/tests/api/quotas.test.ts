import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newAdmin } from '../support/admin.js';
import { newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

describe('quotas', () => {
  let gateway: TestGateway;
  let admin: TestUser;
  beforeAll(async () => {
    gateway = await startGateway({
      workers: ['housekeeping', 'mediaKeep'],
      env: { QUOTA_PHONES: '2', HOUSEKEEPING: '0.3' },
    });
    admin = await newAdmin(gateway);
  });
  afterAll(async () => gateway?.stop());

  const addPhone = (user: TestUser) => user.api.post('/api/phones', { phoneNumber: newNumber() });
  const limit = async (user: TestUser, quotas: object) => {
    const { status } = await admin.api.call('PATCH', `/api/admin/users/${user.id}`, { quotas });
    expect(status).toBe(200);
  };
  const send = (user: TestUser, phoneId: number, headers = {}) =>
    user.api.post('/api/messages/send', { phoneId, to: '+628987654321', message: 'hi' }, headers);

  it('of phones › added side by side beyond it › 409 quota_exceeded, and no more are there; an admin gives more', async () => {
    const user = await newUser(gateway.url);
    const answers = await Promise.all([1, 2, 3, 4].map(() => addPhone(user)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409]);
    expect(answers.find(({ status }) => status === 409)!.body).toMatchObject({
      code: 'quota_exceeded',
      errors: [{ params: { limit: 2, used: 2 } }],
    });
    await limit(user, { phones: 3 });
    expect([(await addPhone(user)).status, (await addPhone(user)).status]).toEqual([201, 409]);
    await limit(user, { phones: 0 });
    expect((await addPhone(user)).status).toBe(201);
    expect((await user.api.get('/api/me/quotas')).body.phones).toEqual({ limit: null, used: 4 });
  });

  it('of messages a day › sent side by side beyond it › so many are accepted; headers and Problem say what is left', async () => {
    const user = await newUser(gateway.url);
    const { body: phone } = await addPhone(user);
    await limit(user, { messagesPerDay: 5 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(user, phone.id)));
    const accepted = answers.filter(({ status }) => status === 202);
    expect(accepted.length).toBe(5);
    const { headers, body } = answers.find(({ status }) => status === 409)!;
    expect([body.code, body.errors[0].params.limit]).toEqual(['quota_exceeded', 5]);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(accepted.map((one) => one.headers.get('ratelimit'))).toContainEqual(
      expect.stringMatching(/"messages-per-day"; r=0; t=\d+/),
    );
  });

  it('of messages a day › given by an admin › shown to them, and in force at once in the process that was told', async () => {
    const user = await newUser(gateway.url);
    const { body: phone } = await addPhone(user);
    expect((await send(user, phone.id)).status).toBe(202);
    const change = { quotas: { messagesPerDay: 1 } };
    const { body } = await admin.api.call('PATCH', `/api/admin/users/${user.id}`, change);
    expect(body.quotas).toEqual({ phones: null, messagesPerDay: 1, mediaBytes: null });
    expect([(await send(user, phone.id)).status, (await send(user, phone.id)).status]).toEqual([202, 409]);
    const { body: listed } = await admin.api.get(`/api/admin/users?email=${user.email}`);
    expect(listed.data).toEqual([body]);
  });

  it('of messages a day › refused, or told again under its key › does not count', async () => {
    const user = await newUser(gateway.url);
    const { body: phone } = await addPhone(user);
    await limit(user, { messagesPerDay: 3 });
    const used = async () => (await user.api.get('/api/me/quotas')).body.messagesPerDay.used;
    expect(await used()).toBe(0);
    expect((await send(user, 999_999_999)).status).toBe(404);
    for (let i = 0; i < 3; i += 1) await send(user, phone.id, { 'idempotency-key': 'same' });
    const { body: bulk } = await user.api.post('/api/messages/bulk', {
      messages: [
        { phoneId: phone.id, to: '+628987654321', message: 'one' },
        { phoneId: 999_999_999, to: '+628987654321', message: 'refused' },
      ],
    });
    expect(bulk.accepted).toBe(1);
    expect(await used()).toBe(2);
  });

  it('regression › of messages a day, used up › told again under its key › the first answer; under a new one 409, and that key is free', async () => {
    const user = await newUser(gateway.url);
    const { body: phone } = await addPhone(user);
    await limit(user, { messagesPerDay: 2 });
    const by = (key: string) => send(user, phone.id, { 'idempotency-key': key });
    const first = await by('one');
    const answers = await Promise.all(Array.from({ length: 10 }, () => by('two')));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(202));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    const again = await by('one');
    expect([again.status, again.body.id, again.headers.get('idempotent-replayed')]).toEqual([
      202,
      first.body.id,
      'true',
    ]);
    const refused = await by('three');
    expect([refused.status, refused.body.code]).toEqual([409, 'quota_exceeded']);
    expect(refused.headers.get('ratelimit')).toMatch(/"messages-per-day"; r=0/);
    await limit(user, { messagesPerDay: 3 });
    expect((await by('three')).status).toBe(202);
    expect((await user.api.get('/api/me/quotas')).body.messagesPerDay.used).toBe(3);
  });

  it('regression › of messages a day › a bulk that is partly beyond it › each is accepted or refused by itself', async () => {
    const user = await newUser(gateway.url);
    const { body: phone } = await addPhone(user);
    await limit(user, { messagesPerDay: 2 });
    const draft = (message?: string) => ({ phoneId: phone.id, to: '+628987654321', message });
    const { status, body, headers } = await user.api.post('/api/messages/bulk', {
      messages: [draft('one'), draft(), draft('two'), draft('three')],
    });
    expect([status, body.accepted, body.refused]).toEqual([202, 2, 2]);
    expect(body.results.map(({ errors }: any) => errors[0]?.code ?? null)).toEqual([
      null,
      'draft.needed',
      null,
      'quota_exceeded',
    ]);
    expect(headers.get('ratelimit')).toMatch(/"messages-per-day"; r=0/);
    expect((await user.api.get('/api/me/quotas')).body.messagesPerDay.used).toBe(2);
  });

  it('of stored media › a user with one of their own › is held to that', async () => {
    const user = await newUser(gateway.url);
    await limit(user, { mediaBytes: 6 });
    expect((await user.api.post('/api/media', { media: 'aGVsbG8=' })).status).toBe(201);
    const refused = await user.api.post('/api/media', { media: 'aGVsbG8=' });
    expect([refused.status, refused.body.code]).toEqual([409, 'quota_exceeded']);
    expect((await user.api.get('/api/me/quotas')).body.mediaBytes).toEqual({ limit: 6, used: 5 });
  });

  it('retention of one’s own › fewer days than the gateway’s › old messages, media and events go, and nobody else’s', async () => {
    const [user, other] = [await newUser(gateway.url), await newUser(gateway.url)];
    const put = (body: object) => user.api.call('PUT', '/api/me/retention', body);
    expect((await put({ messages: 1 })).status).toBe(400);
    for (const who of [user, other]) {
      const { body: phone } = await addPhone(who);
      const { body: message } = await send(who, phone.id);
      await who.api.post(`/api/messages/${message.id}/cancel`);
      await who.api.post('/api/media', { media: 'aGVsbG8=' });
    }
    await gateway.database.queryAll(`update messages set created_at = now() - interval '10 days'`);
    await gateway.database.queryAll(`update media set created_at = now() - interval '10 days'`);
    await gateway.database.queryAll(`update events set created_at = now() - interval '10 days'`);
    expect((await put({ messages: 5, media: 5, events: 5 })).body).toEqual({
      messages: 5,
      media: 5,
      events: 5,
    });
    const left = async (who: TestUser) => {
      const [row] = await gateway.database.queryAll<Record<string, number>>(
        `select (select count(*)::int from messages where user_id = $1) as messages,
                (select count(*)::int from media where user_id = $1) as media,
                (select count(*)::int from events where user_id = $1) as events`,
        [who.id],
      );
      return row!;
    };
    await until('they are gone', async () => {
      const { messages, media, events } = await left(user);
      return messages === 0 && media === 0 && events === 0;
    });
    const kept = await left(other);
    expect([kept['messages'], kept['media'], kept['events']! > 0]).toEqual([1, 1, true]);
  });
});
