import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { someNumber, startWorld, type TestNode, type World } from './support/node.js';
import type { Received } from './support/receiver.js';
import { until } from './support/until.js';

let world: World;
let node: TestNode;

const triesOf = (path: string, event: string): Received[] =>
  world.receiver.all.filter((one) => one.path === path && one.body.event === event);

beforeAll(async () => {
  world = await startWorld();
  node = await world.node('node-1', {
    SANDBOX_WEBHOOK_RETRY_INITIAL_DELAY_MS: '60',
    SANDBOX_WEBHOOK_RETRY_MAX_DELAY_MS: '200',
    SANDBOX_WEBHOOK_RETRY_MAX_ATTEMPTS: '5',
    SANDBOX_WEBHOOK_TIMEOUT_MS: '150',
  });
});
afterAll(() => world.stop());

describe('the envelope', () => {
  it('of any event › as configured › no token, sender once connected, static headers', async () => {
    const number = await world.pair(node, 'plain', {
      webhook: { headers: { 'x-tenant': 't1', authorization: 'Bearer s' } },
    });
    const created = await world.receiver.next('instance.create', ({ instance }) => instance === 'plain');
    expect(created.body).toEqual({
      event: 'instance.create',
      instance: 'plain',
      data: { instanceName: 'plain', instanceId: expect.any(String) },
      destination: `${world.receiver.url}/plain`,
      date_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      server_url: expect.stringMatching(/^http:/),
      apikey: null,
    });
    expect(created.headers).toMatchObject({
      'x-tenant': 't1',
      authorization: 'Bearer s',
      'content-type': 'application/json',
    });
    const opened = await world.receiver.next('connection.update', ({ data }) => data.state === 'open');
    expect(opened.body.sender).toBe(`${number}@s.whatsapp.net`);
  });

  it('byEvents and jwt_key › set › the event is in the path, and the bearer is a signed token', async () => {
    await world.pair(node, 'signed', { webhook: { byEvents: true, headers: { jwt_key: 'secret' } } });
    const [hook] = await until('it is posted', () =>
      triesOf('/signed/instance-create', 'instance.create').slice(0, 1),
    );
    expect(hook!.headers['jwt_key']).toBeUndefined();
    const [header, payload, signature] = String(hook!.headers.authorization)
      .replace('Bearer ', '')
      .split('.');
    expect(createHmac('sha256', 'secret').update(`${header}.${payload}`).digest('base64url')).toBe(signature);
    const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString());
    expect(claims).toMatchObject({ app: 'evolution', action: 'webhook' });
    expect(claims.exp - claims.iat).toBe(600);
  });

  it('events › a list of some › the others are not sent', async () => {
    await world.pair(node, 'some', { webhook: { events: ['SEND_MESSAGE'] } });
    await node.text('some', someNumber('0001'), 'hello');
    await world.hear('some', 'send.message');
    expect(world.receiver.all.filter(({ path }) => path === '/some').map(({ body }) => body.event)).toEqual([
      'send.message',
    ]);
  });

  it('a subscription › changed by webhook/set › counts from the next event', async () => {
    await world.pair(node, 'changed');
    await node.post('/webhook/set/changed', {
      webhook: { enabled: true, url: `${world.receiver.url}/elsewhere`, events: ['SEND_MESSAGE'] },
    });
    await node.text('changed', someNumber('0001'), 'hello');
    await until('it goes elsewhere', () => triesOf('/elsewhere', 'send.message')[0]);
    await node.post('/webhook/set/changed', {
      webhook: { enabled: false, url: `${world.receiver.url}/elsewhere`, events: [] },
    });
    await node.text('changed', someNumber('0001'), 'unheard');
    const other = await world.pair(node, 'after-changed');
    expect(other).toMatch(/^\d+$/);
    expect(triesOf('/elsewhere', 'send.message')).toHaveLength(1);
  });
});

describe('retries', () => {
  const failing = (instance: string, answer: (earlier: number) => number | 'hang'): void =>
    world.receiver.answer((received, earlier) => (received.path === `/${instance}` ? answer(earlier) : 200));
  const subscribe = async (instance: string): Promise<void> => {
    const webhook = { enabled: true, url: `${world.receiver.url}/${instance}`, events: ['INSTANCE_CREATE'] };
    await node.post('/instance/create', {
      instanceName: instance,
      integration: 'WHATSAPP-BAILEYS',
      qrcode: false,
      webhook,
    });
  };

  it('500 twice, then 200 › is tried three times, with growing pauses, the same bytes', async () => {
    failing('twice', (earlier) => (earlier < 2 ? 500 : 200));
    await subscribe('twice');
    const tries = await until('three tries', () => {
      const all = triesOf('/twice', 'instance.create');
      return all.length === 3 && all;
    });
    expect(tries[1]!.at - tries[0]!.at).toBeGreaterThanOrEqual(55);
    expect(tries[2]!.at - tries[1]!.at).toBeGreaterThanOrEqual(90);
    expect(tries.map(({ body }) => JSON.stringify(body))).toEqual(
      Array(3).fill(JSON.stringify(tries[0]!.body)),
    );
  });

  it.each([400, 401, 403, 404, 422])('%i › is final › one try only', async (status) => {
    const instance = `final-${status}`;
    failing(instance, () => status);
    await subscribe(instance);
    await until('it was dropped', () => node.output().includes(`"status":${status},"tries":1`));
    expect(triesOf(`/${instance}`, 'instance.create')).toHaveLength(1);
  });

  it.each([302, 429, 503])('%i › is tried again › until the last attempt', async (status) => {
    const instance = `again-${status}`;
    failing(instance, () => status);
    await subscribe(instance);
    await until('it was dropped', () => node.output().includes(`"status":${status},"tries":5`));
    expect(triesOf(`/${instance}`, 'instance.create')).toHaveLength(5);
  });

  it('a receiver that hangs › times out › is tried again', async () => {
    failing('hanging', (earlier) => (earlier === 0 ? 'hang' : 200));
    await subscribe('hanging');
    await until('a second try', () => triesOf('/hanging', 'instance.create').length === 2);
  });

  it('a killed node › with retries outstanding › forgets them', async () => {
    failing('forgotten', () => 503);
    await subscribe('forgotten');
    await until('a first try', () => triesOf('/forgotten', 'instance.create')[0]);
    await node.kill('SIGKILL');
    const before = triesOf('/forgotten', 'instance.create').length;
    await node.start();
    expect(triesOf('/forgotten', 'instance.create')).toHaveLength(before);
    world.receiver.answer(() => 200);
  });
});
