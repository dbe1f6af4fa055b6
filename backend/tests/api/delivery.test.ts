import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { placedPhone, textFrom } from '../support/placed.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { until } from '../support/until.js';

describe('deliveries to webhooks', () => {
  let gateway: TestGateway;
  let user: TestUser;
  let receiver: Receiver;
  beforeAll(async () => {
    gateway = await startGateway({
      workers: ['deliveries'],
      env: { WEBHOOK_RETRY_SCHEDULE: '0.1,0.1,0.1', WEBHOOK_TIMEOUT: '1', SWEEP_MS: '50', NODE_CHECK: '60' },
    });
    user = await newUser(gateway.url);
  });
  afterAll(async () => gateway?.stop());
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(async () => receiver.stop());

  const deliveries = (phoneId: number) =>
    gateway.database.queryAll<any>(
      `select d.* from deliveries d join webhooks w on w.id = d.webhook_id where w.phone_id = $1 order by d.event_sequence`,
      [phoneId],
    );
  const attempts = (deliveryId: string) =>
    gateway.database.queryAll<any>('select * from attempts where delivery_id = $1 order by number', [
      deliveryId,
    ]);
  const ended = (phoneId: number, state: string) =>
    until(`all deliveries are ${state}`, async () => {
      const all = await deliveries(phoneId);
      return all.length > 0 && all.every((d) => d.state === state) ? all : null;
    });
  const phone = () => placedPhone(gateway, user, { webhookUrl: receiver.url });

  it('a message › a receiver that answers 204 › delivered once, signed, with the id of the event', async () => {
    const at = await phone();
    await at.say('messages.upsert', textFrom('+5511988887777', 'W1', 'hi'));
    await ended(at.id, 'delivered');
    expect(receiver.all).toHaveLength(1);
    const [{ text, headers, body }] = receiver.all as [any];
    expect(headers['webhook-id']).toBe(body.id);
    expect(new Webhook(at.webhookSecret!).verify(text, headers)).toEqual(body);
    expect(() => new Webhook('whsec_' + Buffer.alloc(24).toString('base64')).verify(text, headers)).toThrow();
    expect(() =>
      new Webhook(at.webhookSecret!).verify(text, {
        ...headers,
        'webhook-timestamp': String(Math.floor(Date.now() / 1000) - 3600),
      }),
    ).toThrow();
  });

  it('a receiver that fails twice › tries go on › the same id and the same bytes each time, each Attempt kept', async () => {
    let tries = 0;
    receiver.behave((_req, res) => void res.writeHead((tries += 1) < 3 ? 503 : 200).end('busy'));
    const at = await phone();
    await at.say('messages.upsert', textFrom('+5511988887777', 'W2', 'hi'));
    const [delivery] = await ended(at.id, 'delivered');
    expect(receiver.all).toHaveLength(3);
    expect(new Set(receiver.all.map((r) => `${r.headers['webhook-id']} ${r.text}`)).size).toBe(1);
    expect((await attempts(delivery.id)).map((a: any) => [a.number, a.status_code])).toEqual([
      [1, 503],
      [2, 503],
      [3, 200],
    ]);
  });

  it('a receiver that never takes it › the schedule ends › exhausted, and nothing is posted to it any more', async () => {
    receiver.behave((_req, res) => void res.writeHead(500).end());
    const at = await phone();
    await at.say('messages.upsert', textFrom('+5511988887777', 'W3', 'hi'));
    await until('exhausted', async () => (await deliveries(at.id))[0]?.state === 'exhausted');
    expect(receiver.all).toHaveLength(4);
    await at.say('messages.upsert', textFrom('+5511988887777', 'W4', 'hi again'));
    const states = (await deliveries(at.id)).map((d) => d.state);
    expect([states.at(0), states.at(-1)]).toEqual(['exhausted', 'held']);
    expect(receiver.all).toHaveLength(4);
  });

  it.each([
    ['hangs', (_req: any, _res: any) => undefined, 'timeout'],
    [
      'redirects',
      (_req: any, res: any) => void res.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
      'redirect',
    ],
    ['resets', (req: any) => void req.socket.resetAndDestroy(), null],
  ])('a receiver that %s › one try › is bounded and classed', async (_what, behaviour, errorClass) => {
    receiver.behave(behaviour as any);
    const at = await phone();
    await at.say('messages.upsert', textFrom('+5511988887777', `W5${_what}`, 'hi'));
    const [attempt] = await until('an attempt is kept', async () => {
      const [delivery] = await deliveries(at.id);
      const all = delivery ? await attempts(delivery.id) : [];
      return all.length > 0 ? all : null;
    });
    expect(attempt.error_class).toEqual(errorClass ?? expect.any(String));
    expect(attempt.duration_ms).toBeLessThan(3000);
    receiver.behave((_req, res) => void res.writeHead(204).end());
    await ended(at.id, 'delivered');
  });

  it('410 › the receiver is gone › no further try', async () => {
    receiver.behave((_req, res) => void res.writeHead(410).end());
    const at = await phone();
    await at.say('messages.upsert', textFrom('+5511988887777', 'W6', 'hi'));
    await until('exhausted', async () => (await deliveries(at.id))[0]?.state === 'exhausted');
    expect(receiver.all).toHaveLength(1);
  });

  it('a hung webhook with a backlog › another user’s first try › is not held up', async () => {
    receiver.behave(() => undefined);
    const hung = await phone();
    for (let i = 0; i < 30; i += 1)
      await hung.say('messages.upsert', textFrom('+5511988887777', `W7${i}`, 'hi'));
    const quick = await startReceiver();
    const other = await newUser(gateway.url);
    const at = await placedPhone(gateway, other, { webhookUrl: quick.url });
    await at.say('messages.upsert', textFrom('+5511988887777', 'W8', 'hi'));
    await until('the other’s came', () => quick.all.length === 1, 900);
    const inFlight = await gateway.database.queryAll(
      'select 1 from delivery_queue q join webhooks w on w.id = q.webhook_id where w.phone_id = $1 and q.lease_id is not null and q.ready_at > now()',
      [hung.id],
    );
    expect(inFlight.length).toBeLessThanOrEqual(4);
    receiver.behave((_req, res) => void res.writeHead(204).end());
    await quick.stop();
  });

  it('Redis flushed and gone › a message comes in › it is delivered all the same', async () => {
    const at = await phone();
    await gateway.redis.kill();
    await at.say('messages.upsert', textFrom('+5511988887777', 'W9', 'hi'));
    await ended(at.id, 'delivered');
    const { body, status } = await user.api.get('/health');
    expect([status, body.status, body.redis.status]).toEqual([200, 'degraded', 'down']);
  });
});
