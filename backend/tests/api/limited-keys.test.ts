import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { io } from 'socket.io-client';
import { client, newNumber, newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

describe('credentials that are limited to phones', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  beforeAll(async () => {
    nodes = await startNodes(1);
    gateway = await startGateway({ env: { EVOLUTION_NODES: nodes.list() } });
    user = await newUser(gateway.url);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });
  const by = (apiKey: string) => client(gateway.url, { apiKey });
  const twoPhones = async () => [await newPhone(user), await newPhone(user)] as const;
  const send = (api: { post: TestUser['api']['post'] }, phoneId: number, more = {}) =>
    api.post('/api/messages/send', { phoneId, to: '+628987654321', message: 'hi', ...more });

  it('a phone’s own token › sends and reads for its phone › the others do not exist for it', async () => {
    const [own, other] = await twoPhones();
    const token = by(own.token);
    const sent = await send(token, own.id);
    expect(sent.status).toBe(202);
    await settled(user, sent.body.id, ['sent', 'delivered', 'read']);
    const hidden = (await send(user.api, other.id)).body.id;
    expect((await send(token, other.id)).body.errors[0]).toMatchObject({
      pointer: '/phoneId',
      code: 'not_found',
    });
    expect((await token.get('/api/phones')).body.data.map(({ id }: any) => id)).toEqual([own.id]);
    const messages = (await token.get('/api/messages')).body.data;
    expect(new Set(messages.map(({ phoneId }: any) => phoneId))).toEqual(new Set([own.id]));
    for (const path of [
      `/api/phones/${other.id}`,
      `/api/messages/${hidden}`,
      `/api/phones/${other.id}/chats`,
    ])
      expect([path, (await token.get(path)).status]).toEqual([path, 404]);
    const events = (await token.get('/api/events?after=0')).body.data;
    expect(events.length).toBeGreaterThan(0);
    expect(new Set(events.map((event: any) => event.data.phoneId))).toEqual(new Set([own.id]));
  });

  it('a phone’s own token › for what is about the account › 403, and no phone or webhook beyond its own is made', async () => {
    const [own] = await twoPhones();
    const token = by(own.token);
    for (const path of ['/api/me', '/api/keys', '/api/sessions', '/api/me/audit'])
      expect([path, (await token.get(path)).status]).toEqual([path, 403]);
    expect((await token.post('/api/phones', { phoneNumber: newNumber() })).status).toBe(403);
    const url = 'https://example.com/hook';
    expect((await token.post('/api/webhooks', { url })).status).toBe(403);
    expect((await token.post('/api/webhooks', { url, phoneId: own.id })).status).toBe(201);
  });

  it('a bulk by a key for two phones › one draft for a third › that one alone is refused; others do not see the bulk', async () => {
    const [a, b] = await twoPhones();
    const [c] = await twoPhones();
    const { body: key } = await user.api.post('/api/keys', { name: 'two', phoneIds: [a.id, b.id] });
    const { body: bulk } = await by(key.key).post('/api/messages/bulk', {
      messages: [a, c, b].map(({ id }) => ({ phoneId: id, to: '+628987654321', message: 'hi' })),
    });
    expect(bulk.results.map(({ messageId }: any) => messageId === null)).toEqual([false, true, false]);
    expect((await by(key.key).get(`/api/messages/bulk/${bulk.id}`)).status).toBe(200);
    expect((await by(a.token).get(`/api/messages/bulk/${bulk.id}`)).status).toBe(404);
    expect((await user.api.get(`/api/messages/bulk/${bulk.id}`)).status).toBe(200);
  });

  it('media › of another phone’s messages, or brought by its token › is out of reach', async () => {
    const [own, other] = await twoPhones();
    const { body: brought } = await by(other.token).post('/api/media', { media: 'aGVsbG8=' });
    const { body: shared } = await user.api.post('/api/media', { media: 'aGVsbG8=' });
    const mayRead = async (token: string, id: number) => (await by(token).get(`/api/media/${id}`, {})).status;
    const get = async (token: string, id: number) =>
      (await fetch(`${gateway.url}/api/media/${id}`, { headers: { 'x-api-key': token } })).status;
    expect(await get(other.token, brought.id)).toBe(200);
    expect(await mayRead(own.token, brought.id)).toBe(404);
    expect(await mayRead(own.token, shared.id)).toBe(404);
    expect(
      (await send(by(own.token), own.id, { mediaId: brought.id, message: undefined, type: 'document' }))
        .status,
    ).toBe(404);
    await send(user.api, own.id, { mediaId: shared.id, message: undefined, type: 'document' });
    await until('carried, it is in reach', async () => (await get(own.token, shared.id)) === 200);
  });

  it('its socket › hears of its phone alone; the account’s webhook hears of what the token did', async () => {
    const [own, other] = await twoPhones();
    const heard: number[] = [];
    const socket = io(gateway.url, { auth: { apiKey: own.token }, transports: ['websocket'] });
    socket.onAny((_name, event) => heard.push(event.data.phoneId));
    await until('connected', async () => socket.connected);
    const made = await user.api.post('/api/webhooks', { url: 'https://example.com/all' });
    expect(made.status).toBe(201);
    const webhook = made.body;
    await settled(user, (await send(user.api, other.id)).body.id, ['read']);
    await settled(user, (await send(by(own.token), own.id)).body.id, ['read']);
    await until('its own is heard of', async () => heard.length >= 3);
    socket.close();
    expect(new Set(heard)).toEqual(new Set([own.id]));
    expect((await by(own.token).post(`/api/phones/${own.id}/pause`)).status).toBeLessThan(300);
    await until('the webhook is owed both', async () => {
      const owed = await gateway.database.queryAll<{ phone: number }>(
        `select distinct e.phone_id as phone from deliveries d join events e
             on e.user_id = d.user_id and e.sequence = d.event_sequence
          where d.webhook_id = $1 and e.phone_id is not null`,
        [webhook.id],
      );
      return owed.length === 2;
    });
  });

  it('regression › a socket of a key that is limited to fewer phones meanwhile › hears of the others no more', async () => {
    const [own, other] = await twoPhones();
    const request = { name: 'x', phoneIds: [own.id, other.id] };
    const { body: key } = await user.api.post('/api/keys', request);
    const heard: number[] = [];
    const socket = io(gateway.url, { auth: { apiKey: key.key }, transports: ['websocket'] });
    socket.onAny((_name, event) => heard.push(event.data.phoneId));
    await until('connected', async () => socket.connected);
    await settled(user, (await send(user.api, other.id)).body.id, ['read']);
    await until('both are heard of', async () => heard.includes(other.id));
    const { status } = await user.api.call('PATCH', `/api/keys/${key.id}`, { phoneIds: [own.id] });
    expect(status).toBe(200);
    await until('the other is heard of no more', async () => {
      heard.length = 0;
      await settled(user, (await send(user.api, other.id)).body.id, ['read']);
      // What comes later is heard later.
      await settled(user, (await send(user.api, own.id)).body.id, ['read']);
      await until('its own is heard of', async () => heard.includes(own.id));
      return !heard.includes(other.id);
    });
    expect(socket.connected).toBe(true);
    socket.close();
  });

  it('regression › a number that another phone asked about › is asked about by its own; all of them are forgotten', async () => {
    const [own, other] = await twoPhones();
    const numbers = ['+628981112299'];
    const check = async (api: typeof user.api, { id }: { id: number }) => {
      const { status, body } = await api.post(`/api/phones/${id}/check`, { numbers });
      return [status, body.data?.[0].isOnWhatsapp, body.data?.[0].checkedAt];
    };
    const rows = async () =>
      (
        await gateway.database.queryAll<{ phone: number }>(
          'select phone_id as phone from number_checks where user_id = $1 and number = $2 order by 1',
          [user.id, numbers[0]],
        )
      ).map(({ phone }) => Number(phone));
    const first = await check(user.api, other);
    expect(first).toEqual([200, true, expect.any(String)]);
    // Who has all phones is told what any of them knows.
    expect(await check(user.api, own)).toEqual(first);
    expect(await rows()).toEqual([other.id]);
    const asked = await check(by(own.token), own);
    expect(asked.slice(0, 2)).toEqual([200, true]);
    expect(asked[2]).not.toBe(first[2]);
    expect(await rows()).toEqual([own.id, other.id]);
    expect(await check(user.api, other)).toEqual(asked);
    expect((await user.api.post('/api/erasures', { contact: numbers[0] })).status).toBeLessThan(300);
    await until('nothing is left of it', async () => (await rows()).length === 0);
  });

  it('an Idempotency-Key that another credential used › is not the same key', async () => {
    const [own, other] = await twoPhones();
    const headers = { 'idempotency-key': 'shared-1' };
    const body = { phoneId: own.id, to: '+628987654321', message: 'once' };
    const first = await user.api.post('/api/messages/send', body, headers);
    const second = await by(own.token).post('/api/messages/send', body, headers);
    const replayed = await by(own.token).post('/api/messages/send', body, headers);
    expect(second.body.id).not.toBe(first.body.id);
    expect(replayed.body.id).toBe(second.body.id);
    expect((await by(other.token).post('/api/messages/send', body, headers)).status).toBe(404);
  });

  it('regression › a phone that is removed with its own token › the token ends with it', async () => {
    const [own] = await twoPhones();
    expect((await by(own.token).call('DELETE', `/api/phones/${own.id}`)).status).toBe(204);
    await until('it is refused', async () => (await by(own.token).get('/api/phones')).status === 401);
    const { data } = (await user.api.get('/api/keys?limit=100')).body;
    expect(data.filter(({ phoneId }: any) => phoneId === own.id)).toEqual([]);
  });

  it('made with a scope of the account, or a phone that is not there › 422 and 404 name it; rolled › it is still limited', async () => {
    const [own, other] = await twoPhones();
    const make = (body: object) => user.api.post('/api/keys', { name: 'x', ...body });
    const scoped = await make({ phoneIds: [own.id], scopes: ['phones:read', 'keys:read'] });
    expect([scoped.status, scoped.body.errors[0].pointer]).toEqual([422, '/scopes']);
    const missing = await make({ phoneIds: [own.id, 999_999] });
    expect([missing.status, missing.body.errors[0].pointer]).toEqual([404, '/phoneIds/1']);
    const { data } = (await user.api.get('/api/keys?limit=100')).body;
    const { id } = data.find((key: any) => key.phoneId === own.id);
    const { body: rolled } = await user.api.post(`/api/keys/${id}/roll`, {});
    expect((await by(rolled.key).get(`/api/phones/${other.id}`)).status).toBe(404);
    expect((await by(rolled.key).get(`/api/phones/${own.id}`)).status).toBe(200);
    await until('the former is refused', async () => (await by(own.token).get('/api/phones')).status === 401);
    await user.api.call('DELETE', `/api/phones/${own.id}`);
    await until(
      'it ends with its phone',
      async () => (await by(rolled.key).get('/api/phones')).status === 401,
    );
  });
});
