import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { client, newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { strangerCalls, trespasses, type OwnedIds } from '../support/isolation.js';

/** All that a trespass could change. */
const rows = (gateway: TestGateway) =>
  gateway.database.queryAll(`
        select (select json_agg(p order by id) from phone_numbers p)::text as phones,
               (select json_agg(m order by id) from messages m)::text as messages,
               (select json_agg(b order by id) from bulks b)::text as bulks,
               (select json_agg(d order by id) from media d)::text as media,
               (select json_agg(w order by id) from webhooks w)::text as webhooks,
               (select json_agg(d order by id) from deliveries d)::text as deliveries,
               (select json_agg(k order by id) from (select id, revoked_at, name, scopes, allowed_ips, phone_ids, expires_at from api_keys) k)::text as api_keys,
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

  let count = 0;
  /**
   * One of everything a user can have, by the names of resources in paths, all about one phone. What is sent is in an order
   * in which no call of a stranger could change it by chance: a media that a waiting message needs cannot be removed.
   */
  async function belongings(user: TestUser): Promise<OwnedIds & { phones: number }> {
    count += 1;
    const made = async (path: string, body: object) => {
      const answer = await user.api.post(path, body);
      expect([path, answer.status < 300]).toEqual([path, true]);
      return answer.body;
    };
    const webhookUrl = 'https://example.com/hook';
    const phone = await made('/api/phones', { phoneNumber: newNumber(), webhookUrl });
    const draft = { phoneId: phone.id, to: '+628987654321', message: 'mine' };
    const cancelled = await made('/api/messages/send', { ...draft, to: '+628987654322' });
    expect((await user.api.post(`/api/messages/${cancelled.id}/cancel`)).status).toBe(200);
    const message = await made('/api/messages/send', draft);
    const bulk = await made('/api/messages/bulk', { messages: [draft] });
    const media = await made('/api/media', { media: 'aGVsbG8=' });
    const erasure = await made('/api/erasures', { contact: '+628985551234' });
    const key = await made('/api/keys', { name: 'Another one' });
    const { data: webhooks } = (await user.api.get('/api/webhooks')).body;
    const webhook = webhooks.find((one: any) => one.phoneId === phone.id);
    const { body: deliveries } = await user.api.get(`/api/webhooks/${webhook.id}/deliveries`);
    const group = `group:12036302352333${3000 + count}`;
    await gateway.database.queryAll(
      `update messages set media_id = ${media.id} where id = ${message.id};
       insert into groups (user_id, phone_id, chat) values (${user.id}, ${phone.id}, '${group}')`,
    );
    return {
      phones: phone.id,
      keys: key.id,
      sessions: (await user.api.get('/api/sessions')).body.data[0].id,
      groups: group,
      messages: message.id,
      bulk: bulk.id,
      media: media.id,
      medias: media.id,
      webhooks: webhook.id,
      deliveries: deliveries.data[0].id,
      erasures: erasure.id,
    };
  }

  /** All ways in which a user may ask who has this phone. */
  async function credentialsOf(user: TestUser, phoneId: number): Promise<Record<string, string>> {
    const exchange = async (apiKey: string): Promise<string> =>
      (await client(gateway.url).post('/api/auth/api-key', { apiKey })).body.token;
    const { data: keys } = (await user.api.get('/api/keys?limit=100')).body;
    const own = keys.find((one: any) => one.phoneId === phoneId);
    const { key: phoneToken } = (await user.api.post(`/api/keys/${own.id}/roll`, { overlap: 3600 })).body;
    return {
      token: user.token,
      key: user.apiKey,
      'token of the key': await exchange(user.apiKey),
      'phone’s token': phoneToken,
      'phone’s token, exchanged': await exchange(phoneToken),
    };
  }

  it('every endpoint, every id of a phone › called with another phone’s token › 404 or 403, and nothing is changed', async () => {
    const owner = await newUser(gateway.url);
    const [foreign, own] = [await belongings(owner), await belongings(owner)];
    const { 'phone’s token': token } = await credentialsOf(owner, own.phones);
    const calls = strangerCalls(gateway.gateway.endpoints, { foreign, own });
    const before = await rows(gateway);
    const found = await trespasses(gateway.url, token!, calls);
    expect(found.filter((line) => !isAboutTheAccount(line))).toEqual([]);
    expect(await rows(gateway)).toEqual(before);
  });

  it('every endpoint, every id › called by a stranger, by token, key, phone’s token, tokens of those › 404, and nothing is changed', async () => {
    const [owner, stranger] = [await newUser(gateway.url), await newUser(gateway.url)];
    const [foreign, own] = [await belongings(owner), await belongings(stranger)];
    const calls = strangerCalls(gateway.gateway.endpoints, { foreign, own });
    const nested = [
      '{phoneIds}',
      '{quotedMessageId}',
      '{reaction.messageId}',
      '{mediaId}',
      '{pictureMediaId}',
    ];
    for (const place of nested) expect(calls.some(({ name }) => name.includes(place))).toBe(true);

    const credentials = await credentialsOf(stranger, own.phones);
    const before = await rows(gateway);
    for (const [name, credential] of Object.entries(credentials)) {
      const found = await trespasses(gateway.url, credential, calls);
      const left = name.startsWith('phone') ? found.filter((line) => !isAboutTheAccount(line)) : found;
      expect([name, left]).toEqual([name, []]);
      expect(await rows(gateway)).toEqual(before);
    }

    // The owner's same calls are answered otherwise, or the 404s above would prove nothing.
    const answered = await trespasses(
      gateway.url,
      owner.token,
      strangerCalls(gateway.gateway.endpoints, { foreign, own: foreign }),
    );
    expect(answered.length).toBe(calls.length);
  });

  it('each draft of a bulk, every id › a stranger’s › refused by itself as not there, and nothing is accepted', async () => {
    const [owner, stranger] = [await newUser(gateway.url), await newUser(gateway.url)];
    const [foreign, own] = [await belongings(owner), await belongings(stranger)];
    const mine = { phoneId: own.phones, to: '+628987654321', message: 'hello' };
    const drafts: [object, string][] = [
      [{ ...mine, phoneId: foreign.phones }, '/phoneId'],
      [{ ...mine, quotedMessageId: foreign['messages'] }, '/quotedMessageId'],
      [{ ...mine, type: 'image', mediaId: foreign['media'] }, '/mediaId'],
      [
        { phoneId: own.phones, type: 'reaction', reaction: { messageId: foreign['messages'], emoji: '👍' } },
        '/reaction/messageId',
      ],
    ];
    const { body } = await stranger.api.post('/api/messages/bulk', {
      messages: drafts.map(([draft]) => draft),
    });
    expect(body.results.map(({ errors }: any) => [errors[0].pointer, errors[0].code])).toEqual(
      drafts.map(([, pointer]) => [pointer, 'not_found']),
    );
    expect(body.accepted).toBe(0);
  });
});
