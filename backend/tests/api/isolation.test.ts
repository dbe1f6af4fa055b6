import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { client, newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { strangerCalls, trespasses } from '../support/isolation.js';

/** All that a trespass could change. */
const rows = (gateway: TestGateway) =>
  gateway.database.queryAll(`
        select (select json_agg(p order by id) from phone_numbers p)::text as phones,
               (select json_agg(m order by id) from messages m)::text as messages,
               (select json_agg(b order by id) from bulks b)::text as bulks,
               (select json_agg(d order by id) from media d)::text as media,
               (select json_agg(w order by id) from webhooks w)::text as webhooks,
               (select json_agg(d order by id) from deliveries d)::text as deliveries,
               (select json_agg(k order by id) from (select id, revoked_at, name from api_keys) k)::text as api_keys,
               (select json_agg(s order by id) from (select id, revoked_at from sessions) s)::text as sessions,
               (select count(*) from idempotency_keys) as keys, (select count(*) from events) as events`);

/** What is about the account is forbidden to a phone's token, whatever the id. */
const isAboutTheAccount = (line: string) => /(api\/keys|api\/sessions)\S*( \{\w+\})?: 403 /.test(line);

describe('isolation', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
  });
  afterAll(async () => gateway?.stop());

  /** All ways in which a user may ask. */
  async function credentialsOf(user: TestUser): Promise<Record<string, string>> {
    const { body: phone } = await user.api.post('/api/phones', { phoneNumber: newNumber() });
    const exchange = async (apiKey: string): Promise<string> =>
      (await client(gateway.url).post('/api/auth/api-key', { apiKey })).body.token;
    return {
      token: user.token,
      key: user.apiKey,
      'token of the key': await exchange(user.apiKey),
      'phone’s token': phone.token,
      'phone’s token, exchanged': await exchange(phone.token),
    };
  }

  it('every endpoint, every id of a phone › called with another phone’s token › 404 or 403, and nothing is changed', async () => {
    const owner = await newUser(gateway.url);
    const add = async () =>
      (
        await owner.api.post('/api/phones', {
          phoneNumber: newNumber(),
          webhookUrl: 'https://example.com/hook',
        })
      ).body;
    const [phone, other] = [await add(), await add()];
    const { body: media } = await owner.api.post('/api/media', { media: 'aGVsbG8=' });
    const { body: bulk } = await owner.api.post('/api/messages/bulk', {
      messages: [{ phoneId: phone.id, to: '+628987654321', message: 'mine' }],
    });
    const { body: message } = await owner.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: '+628987654321',
      message: 'mine',
    });
    await owner.api.post(`/api/messages/${message.id}/cancel`);
    const { data: webhooks } = (await owner.api.get('/api/webhooks')).body;
    const webhook = webhooks.find((one: any) => one.phoneId === phone.id);
    const { body: deliveries } = await owner.api.get(`/api/webhooks/${webhook.id}/deliveries`);
    await gateway.database.queryAll(
      `insert into groups (user_id, phone_id, chat) values (${owner.id}, ${phone.id}, 'group:120363033523333102')`,
    );
    const calls = strangerCalls(gateway.gateway.endpoints, {
      phones: phone.id,
      keys: (await owner.api.get('/api/keys')).body.data[0].id,
      sessions: (await owner.api.get('/api/sessions')).body.data[0].id,
      groups: 'group:120363033523333102',
      messages: message.id,
      bulk: bulk.id,
      media: media.id,
      medias: media.id,
      webhooks: webhook.id,
      deliveries: deliveries.data[0].id,
      erasures: (await owner.api.post('/api/erasures', { contact: '+628985551234' })).body.id,
    });
    const before = await rows(gateway);
    const found = await trespasses(gateway.url, other.token, calls);
    expect(found.filter((line) => !isAboutTheAccount(line))).toEqual([]);
    expect(await rows(gateway)).toEqual(before);
  });

  it('every endpoint, every id › called by a stranger, by token, key, phone’s token, tokens of those › 404, and nothing is changed', async () => {
    const [owner, stranger] = [await newUser(gateway.url), await newUser(gateway.url)];
    const { body: phone } = await owner.api.post('/api/phones', {
      phoneNumber: newNumber(),
      webhookUrl: 'https://example.com/hook',
    });
    const { body: message } = await owner.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: '+628987654321',
      message: 'mine',
    });
    const { body: bulk } = await owner.api.post('/api/messages/bulk', {
      messages: [{ phoneId: phone.id, to: '+628987654321', message: 'mine' }],
    });
    const { body: media } = await owner.api.post('/api/media', { media: 'aGVsbG8=' });
    const { body: cancelled } = await owner.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: '+628987654322',
      message: 'not mine any more',
    });
    expect((await owner.api.post(`/api/messages/${cancelled.id}/cancel`)).body.status).toBe('cancelled');
    const { body: webhooks } = await owner.api.get('/api/webhooks');
    const webhook = webhooks.data[0];
    const { body: deliveries } = await owner.api.get(`/api/webhooks/${webhook.id}/deliveries`);
    // Needed by a message that waits, it cannot be removed while the other calls are made.
    await gateway.database.queryAll(`update messages set media_id = ${media.id} where id = ${message.id}`);
    await gateway.database.queryAll(
      `insert into groups (user_id, phone_id, chat) values (${owner.id}, ${phone.id}, 'group:120363033523333101')`,
    );
    const { body: keys } = await owner.api.get('/api/keys');
    const { body: sessions } = await owner.api.get('/api/sessions');
    const calls = strangerCalls(gateway.gateway.endpoints, {
      phones: phone.id,
      // Not the phone's own token, which goes with it.
      keys: keys.data.at(-1).id,
      sessions: sessions.data[0].id,
      groups: 'group:120363033523333101',
      messages: message.id,
      bulk: bulk.id,
      media: media.id,
      medias: media.id,
      webhooks: webhook.id,
      deliveries: deliveries.data[0].id,
      erasures: (await owner.api.post('/api/erasures', { contact: '+628985551234' })).body.id,
    });
    expect(calls.length).toBeGreaterThan(4);

    const strangers = await credentialsOf(stranger);
    const before = await rows(gateway);
    for (const [name, credential] of Object.entries(strangers)) {
      const found = await trespasses(gateway.url, credential, calls);
      const left = name.startsWith('phone') ? found.filter((line) => !isAboutTheAccount(line)) : found;
      expect([name, left]).toEqual([name, []]);
      expect(await rows(gateway)).toEqual(before);
    }

    // The owner's same calls are answered otherwise, or the 404s above would prove nothing.
    expect((await trespasses(gateway.url, owner.token, calls)).length).toBe(calls.length);
  });
});
