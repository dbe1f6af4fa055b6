import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { httpPlace, type Place } from '../clients/place.js';
import { LOOPBACK, MALFORMED, NOT_PUBLIC } from '../clients/spellings.js';
import { newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { placedPhone, textFrom } from '../support/placed.js';
import { until } from '../support/until.js';

const HOSTS = [...LOOPBACK, ...NOT_PUBLIC, ...MALFORMED];

describe('addresses that are not public', () => {
  let gateway: TestGateway;
  let user: TestUser;
  let phone: Awaited<ReturnType<typeof placedPhone>>;
  let webhookId: number;
  /** On every address of this machine. */
  let home: Place & { requests: unknown[] };
  beforeAll(async () => {
    home = await httpPlace((res) => res.end('inside'), '::').catch(() =>
      httpPlace((res) => res.end('inside'), '0.0.0.0'),
    );
    gateway = await startGateway({
      workers: ['deliveries', 'media'],
      env: { ALLOWED_PRIVATE_NETWORKS: '', WEBHOOK_RETRY_SCHEDULE: '60', SWEEP_MS: '50', NODE_CHECK: '60' },
    });
    user = await newUser(gateway.url);
    phone = await placedPhone(gateway, user);
    webhookId = (await user.api.post('/api/webhooks', { url: 'https://example.com/', events: ['message'] }))
      .body.id;
  });
  afterAll(async () => {
    await gateway?.stop();
    await home?.stop();
  });

  /** Behind the API's back, as if a former version had let it in. */
  const putInPlace = (url: string) =>
    gateway.database.queryAll('update webhooks set url = $1, is_enabled = true where id = $2', [
      url,
      webhookId,
    ]);

  it('the tables › have more than 60 hosts', () => {
    expect(HOSTS.length).toBeGreaterThan(60);
  });

  it.each(HOSTS)(
    '%j › saved, as four fields, or linked to › refused by name, and nothing is kept',
    async (host) => {
      const url = `http://${host}:${home.port}/hook`;
      const answers = await Promise.all([
        user.api.post('/api/webhooks', { url }),
        user.api.call('PATCH', `/api/webhooks/${webhookId}`, { url }),
        user.api.post('/api/phones', { phoneNumber: newNumber(), webhookUrl: url }),
        user.api.call('PATCH', `/api/phones/${phone.id}`, { webhookUrl: url }),
        user.api.post('/api/media', { mediaUrl: url }),
        user.api.post('/api/messages/send', {
          phoneId: phone.id,
          to: '+628987654321',
          type: 'image',
          mediaUrl: url,
        }),
      ]);
      const faults = answers.map(({ status, body }) => [
        status < 500 && status >= 400,
        body.errors?.[0]?.pointer,
      ]);
      expect(faults).toEqual(
        ['/url', '/url', '/webhookUrl', '/webhookUrl', '/mediaUrl', '/mediaUrl'].map((pointer) => [
          true,
          pointer,
        ]),
      );
      expect((await user.api.get('/api/webhooks')).body.data).toHaveLength(1);
      expect((await user.api.get('/api/media')).body.data).toEqual([]);
      expect(home.connections).toBe(0);
    },
  );

  it.each(HOSTS)('%j › in a webhook all the same › neither a test nor a delivery connects', async (host) => {
    await putInPlace(`http://${host}:${home.port}/hook`);
    const { body: tested } = await user.api.post(`/api/webhooks/${webhookId}/test`);
    expect(tested).toMatchObject({ ok: false, errorClass: 'blocked', statusCode: null });
    const id = `WALL${Math.random()}`;
    await phone.say('messages.upsert', textFrom('+5511988887777', id, 'hi'));
    const { data } = (await user.api.get(`/api/webhooks/${webhookId}/deliveries?limit=1`)).body;
    const tries = await until('it was tried', async () => {
      const { body } = await user.api.get(`/api/deliveries/${data[0].id}`);
      return body.tries.length > 0 ? body.tries : null;
    });
    expect(tries[0]).toMatchObject({ errorClass: 'blocked', statusCode: null });
    expect(home.connections).toBe(0);
  });
});
