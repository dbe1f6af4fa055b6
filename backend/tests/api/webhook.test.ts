import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { placedPhone, textFrom } from '../support/placed.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { until } from '../support/until.js';

describe('webhooks', () => {
  let gateway: TestGateway;
  let user: TestUser;
  let receiver: Receiver;
  beforeAll(async () => {
    gateway = await startGateway({
      workers: ['deliveries'],
      env: { WEBHOOK_RETRY_SCHEDULE: '0.1,0.1', WEBHOOK_TIMEOUT: '1', SWEEP_MS: '50', NODE_CHECK: '60' },
    });
  });
  afterAll(async () => gateway?.stop());
  beforeEach(async () => {
    receiver = await startReceiver();
    user = await newUser(gateway.url);
  });
  afterEach(async () => receiver.stop());

  const make = async (fields: object = {}) => {
    const { status, body } = await user.api.post('/api/webhooks', { url: receiver.url, ...fields });
    expect([status, body.errors]).toEqual([201, undefined]);
    return body;
  };
  const patch = (id: number, fields: object) => user.api.call('PATCH', `/api/webhooks/${id}`, fields);
  const heard = () => receiver.all.map(({ body }) => body.data.message);
  let words = 0;
  const hear = (at: Awaited<ReturnType<typeof placedPhone>>, message = `words ${(words += 1)}`) =>
    at.say('messages.upsert', textFrom('+5511988887777', `HOOK${(words += 1)}`, message));

  describe('made', () => {
    it('for all phones and for one › hear all, or that one, each with its own secret', async () => {
      const [one, other] = [await placedPhone(gateway, user), await placedPhone(gateway, user)];
      const ofAll = await make();
      const second = await startReceiver();
      const ofOne = await make({ url: second.url, phoneId: one.id });
      await hear(one, 'to one');
      await hear(other, 'to other');
      await until('both heard', () => receiver.all.length === 2 && second.all.length === 1);
      expect(heard().sort()).toEqual(['to one', 'to other']);
      expect(second.all[0]!.body.data.message).toBe('to one');
      const [{ text, headers }] = second.all as [any];
      new Webhook(ofOne.secret).verify(text, headers);
      expect(() => new Webhook(ofAll.secret).verify(text, headers)).toThrow();
      await second.stop();
    });

    it('with a filter and headers › hears only those events, with the headers, which are shown masked', async () => {
      const at = await placedPhone(gateway, user);
      const headers = { authorization: 'Bearer of-my-own-receiver', 'x-tenant': 'a' };
      const made = await make({ events: ['message.reaction'], headers });
      expect(made.headers).toEqual({ authorization: 'Bear…', 'x-tenant': '…' });
      await hear(at, 'not heard');
      await at.say('messages.upsert', {
        ...textFrom('+5511988887777', 'REACTS', ''),
        messageType: 'reactionMessage',
        message: { reactionMessage: { key: { id: 'GONE', fromMe: true }, text: '👍' } },
      });
      await until('heard', () => receiver.all.length > 0);
      expect(receiver.all.map(({ body }) => body.event)).toEqual(['message.reaction']);
      expect(receiver.all[0]!.headers).toMatchObject(headers);
      const sealed = await gateway.database.queryAll<any>('select headers from webhooks where id = $1', [
        made.id,
      ]);
      expect(sealed[0].headers).not.toContain('receiver');
    });

    it('with an Idempotency-Key › asked again › the same one, its secret not shown again; another body › 409', async () => {
      const ask = (url: string) =>
        user.api.post('/api/webhooks', { url }, { 'idempotency-key': 'hook-once' });
      const [first, again] = [await ask(receiver.url), await ask(receiver.url)];
      expect(again.headers.get('idempotent-replayed')).toBe('true');
      const { secret, ...open } = first.body;
      expect(secret).toMatch(/^whsec_/);
      expect(again.body).toEqual({ ...open, secretOmitted: true });
      expect((await ask(`${receiver.url}/other`)).body.code).toBe('idempotency_mismatch');
      expect((await user.api.get('/api/webhooks')).body.data).toHaveLength(1);
    });

    it.each([
      [{}, 400, '/url'],
      [{ url: 'ftp://example.com' }, 422, '/url'],
      [{ url: 'http://10.0.0.1/hook' }, 422, '/url'],
      [{ url: 'https://example.com/', events: [] }, 400, '/events'],
      [{ url: 'https://example.com/', events: ['phone.qr'] }, 400, '/events/0'],
      [{ url: 'https://example.com/', headers: { host: 'other.example' } }, 422, '/headers/host'],
      [{ url: 'https://example.com/', headers: { 'webhook-id': 'x' } }, 422, '/headers/webhook-id'],
      [{ url: 'https://example.com/', headers: { 'x-a': 'b\r\nx-c: d' } }, 422, '/headers/x-a'],
      [{ url: 'https://example.com/', headers: { 'x a': 'b' } }, 422, '/headers/x a'],
      [{ url: 'https://example.com/', headers: { 'x-a': 1 } }, 400, '/headers/x-a'],
      [{ url: 'https://example.com/', phoneId: 9_999_999 }, 404, '/phoneId'],
      [{ url: 'https://example.com/', secret: 'whsec_mine' }, 400, '/secret'],
    ])('wrongly: %j › %i that names %s', async (body, status, pointer) => {
      const answer = await user.api.post('/api/webhooks', body);
      expect([answer.status, answer.body.errors?.[0]?.pointer]).toEqual([status, pointer]);
      expect((await user.api.get('/api/webhooks')).body.data).toEqual([]);
    });
  });

  it('listed › in pages, and of one phone › none twice, none left out', async () => {
    const at = await placedPhone(gateway, user, { webhookUrl: receiver.url });
    for (let i = 0; i < 4; i += 1) await make({ url: `${receiver.url}/${i}` });
    const first = (await user.api.get('/api/webhooks?limit=3')).body;
    const rest = (await user.api.get(`/api/webhooks?limit=3&cursor=${first.nextCursor}`)).body;
    expect(first.data).toHaveLength(3);
    expect(rest).toMatchObject({ hasMore: false, nextCursor: null });
    const ids = [...first.data, ...rest.data].map((hook: any) => hook.id);
    expect(new Set(ids).size).toBe(5);
    const ofPhone = (await user.api.get(`/api/webhooks?phoneId=${at.id}`)).body.data;
    expect(ofPhone.map((hook: any) => [hook.phoneId, hook.url])).toEqual([[at.id, receiver.url]]);
    const [hook] = ofPhone;
    expect((await user.api.get(`/api/webhooks/${hook.id}`)).body).toEqual(hook);
    expect((await user.api.get('/api/webhooks/catalogue')).body.data).toContain('message.ack');
  });

  it('changed › url, events, headers › take effect from the next event on', async () => {
    const at = await placedPhone(gateway, user);
    const { id } = await make({
      url: 'http://127.0.0.1:9/',
      events: ['bulk.progress'],
      headers: { 'x-old': '1' },
    });
    const { status, body } = await patch(id, { url: receiver.url, events: null, headers: { 'x-new': '2' } });
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({ url: receiver.url, events: null, headers: { 'x-new': '…' } }),
    ]);
    await hear(at);
    await until('heard', () => receiver.all.length > 0);
    expect(receiver.all[0]!.headers).toMatchObject({ 'x-new': '2' });
    expect(receiver.all[0]!.headers['x-old']).toBeUndefined();
    expect((await patch(id, {})).status).toBe(400);
    expect((await patch(id, { url: 'http://[::1]/' })).body.errors[0].pointer).toBe('/url');
  });

  it('removed › events go on › hears nothing more, and is not found', async () => {
    const at = await placedPhone(gateway, user);
    const [gone, stays] = [await make(), await startReceiver()];
    await make({ url: stays.url });
    expect((await user.api.call('DELETE', `/api/webhooks/${gone.id}`)).status).toBe(204);
    await hear(at);
    await until('the other heard', () => stays.all.length === 1);
    expect(receiver.all).toEqual([]);
    expect((await user.api.get(`/api/webhooks/${gone.id}`)).status).toBe(404);
    expect((await user.api.call('DELETE', `/api/webhooks/${gone.id}`)).status).toBe(404);
    await stays.stop();
  });

  it('its secret rolled › during the overlap › either verifies; after it only the new one', async () => {
    const at = await placedPhone(gateway, user);
    const { id, secret: former } = await make();
    const roll = async (overlap: number) =>
      (await user.api.post(`/api/webhooks/${id}/roll-secret`, { overlap })).body;
    const { secret: second, previousSecretUntil } = await roll(60);
    expect(new Date(previousSecretUntil).getTime()).toBeGreaterThan(Date.now() + 50_000);
    await hear(at);
    await until('heard', () => receiver.all.length === 1);
    const { text, headers } = receiver.all[0]!;
    for (const secret of [former, second]) new Webhook(secret).verify(text, headers);
    const { secret: third } = await roll(0);
    await hear(at);
    await until('heard', () => receiver.all.length === 2);
    const last = receiver.all[1]!;
    new Webhook(third).verify(last.text, last.headers);
    expect(() => new Webhook(second).verify(last.text, last.headers)).toThrow();
  });

  describe('tested', () => {
    it('a receiver that answers › its answer is told; nothing is in the ledger', async () => {
      receiver.behave((_req, res) => void res.writeHead(418).end('short and stout'));
      const { id, secret } = await make();
      const { status, body } = await user.api.post(`/api/webhooks/${id}/test`);
      expect([status, body]).toEqual([
        200,
        expect.objectContaining({
          ok: false,
          statusCode: 418,
          errorClass: 'http',
          answer: 'short and stout',
        }),
      ]);
      const [{ text, headers, body: event }] = receiver.all as [any];
      new Webhook(secret).verify(text, headers);
      expect(event).toMatchObject({ event: 'webhook.test', sequence: 0, data: { webhookId: id } });
      expect((await user.api.get('/api/events')).body.data).toEqual([]);
      expect((await user.api.get(`/api/webhooks/${id}/deliveries`)).body.data).toEqual([]);
    });

    it('nobody there › told so, with why', async () => {
      const { id } = await make({ url: 'http://127.0.0.1:9/' });
      const { body } = await user.api.post(`/api/webhooks/${id}/test`);
      expect(body).toMatchObject({ ok: false, statusCode: null, errorClass: expect.any(String) });
    });
  });

  describe('the webhookUrl of a phone', () => {
    it('given, changed, taken back › its webhook follows, and the secret is shown when it is made', async () => {
      const number = newNumber();
      const { body: phone } = await user.api.post('/api/phones', { phoneNumber: number });
      const set = (webhookUrl: string | null) =>
        user.api.call('PATCH', `/api/phones/${phone.id}`, { webhookUrl, deviceName: 'Front desk' });
      const given = (await set(receiver.url)).body;
      expect(given).toMatchObject({
        webhookUrl: receiver.url,
        deviceName: 'Front desk',
        webhookSecret: expect.stringMatching(/^whsec_/),
      });
      const changed = (await set(`${receiver.url}/two`)).body;
      expect(changed.webhookUrl).toBe(`${receiver.url}/two`);
      expect(changed.webhookSecret).toBeUndefined();
      const [hook] = (await user.api.get('/api/webhooks')).body.data;
      expect(hook).toMatchObject({ phoneId: phone.id, url: `${receiver.url}/two` });
      await patch(hook.id, { url: `${receiver.url}/three` });
      expect((await user.api.get(`/api/phones/${phone.id}`)).body.webhookUrl).toBe(`${receiver.url}/three`);
      expect((await set(null)).body.webhookUrl).toBeNull();
      expect((await user.api.get('/api/webhooks')).body.data).toEqual([]);
    });

    it('its webhook removed › the phone has none', async () => {
      const { body: phone } = await user.api.post('/api/phones', {
        phoneNumber: newNumber(),
        webhookUrl: receiver.url,
      });
      const [hook] = (await user.api.get('/api/webhooks')).body.data;
      await user.api.call('DELETE', `/api/webhooks/${hook.id}`);
      expect((await user.api.get(`/api/phones/${phone.id}`)).body.webhookUrl).toBeNull();
    });
  });
});
