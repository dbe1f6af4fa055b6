import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newPhone, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

describe('a bulk', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  let phone: { id: number };
  beforeAll(async () => {
    nodes = await startNodes(1);
    gateway = await startGateway({ env: { EVOLUTION_NODES: nodes.list(), BULK_PROGRESS: '0.2' } });
    user = await newUser(gateway.url);
    phone = await newPhone(user);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const post = (body: object, key?: string) =>
    user.api.post('/api/messages/bulk', body, key ? { 'idempotency-key': key } : {});
  const find = async (id: number) => (await user.api.get(`/api/messages/bulk/${id}`)).body;
  const finished = (id: number) =>
    until('the bulk is finished', async () => {
      const bulk = await find(id);
      return bulk.finishedAt ? bulk : null;
    });
  const texts = async (part: string) =>
    (await nodes.ledger())
      .map((entry) => JSON.stringify(entry))
      .filter((entry) => entry.includes(part))
      .map((entry) => new RegExp(`${part}[^"\\\\]*`).exec(entry)![0]);
  const number = (i: number) => `+62897${String(1000 + i).padStart(4, '0')}0002`;

  it('a template for many › each gets its own words, once, and the progress is told to the end', async () => {
    const people = Array.from({ length: 60 }, (_, i) => ({
      to: number(i),
      variables: { name: `N${i}`, n: i },
    }));
    const { status, body } = await post({
      name: 'greeting',
      defaults: { phoneId: phone.id, message: 'bulk-a {{name}}, you are {{n}}' },
      messages: people,
    });
    expect(status).toBe(202);
    expect(body).toMatchObject({ name: 'greeting', total: 60, accepted: 60, refused: 0 });
    expect(body.results.map(({ index, to }: any) => [index, to])).toEqual(people.map(({ to }, i) => [i, to]));
    const first = (await user.api.get(`/api/messages/${body.results[0].messageId}`)).body;
    expect(first).toMatchObject({ bulkId: body.id, priority: 'bulk', message: 'bulk-a N0, you are 0' });
    await finished(body.id);
    expect((await texts('bulk-a')).sort()).toEqual(people.map((_, i) => `bulk-a N${i}, you are ${i}`).sort());
    const rows = await gateway.database.queryAll<{ body: string }>(
      `select body from events where type = 'bulk.progress' order by sequence`,
    );
    const events = rows.map((row) => JSON.parse(row.body));
    expect(events.at(-1).data).toMatchObject({ bulkId: body.id, phoneId: phone.id, total: 60 });
    expect(events.at(-1).data.finishedAt).not.toBeNull();
  });

  it('regression › some drafts wrong, one in two places › the others are accepted; every fault names its field', async () => {
    const { status, body } = await post({
      defaults: { phoneId: phone.id },
      messages: [
        { to: number(100), message: 'bulk-b right' },
        { to: 'nobody', message: 'bulk-b wrong' },
        { to: number(101), message: 'bulk-b {{name}}' },
        { to: number(102) },
        { to: number(103), message: 'bulk-b right too', phoneId: 999_999 },
        { to: number(104), message: 'bulk-b high', priority: 'high' },
        { to: number(105), message: 'bulk-b', colour: 'red' },
        { to: 'nobody', message: 'bulk-b {{name}}' },
        { to: '{{number}}', message: 'bulk-b' },
      ],
    });
    expect([status, body.accepted, body.refused]).toEqual([202, 2, 7]);
    const faults = body.results.map(({ errors }: any) => errors.map((e: any) => `${e.pointer} ${e.code}`));
    expect(faults).toEqual([
      [],
      ['/to recipient'],
      ['/variables/name missing_variable'],
      ['/message draft.needed'],
      ['/phoneId not_found'],
      [],
      ['/colour object.unknown'],
      ['/variables/name missing_variable', '/to recipient'],
      ['/variables/number missing_variable'],
    ]);
    await finished(body.id);
    expect((await texts('bulk-b')).sort()).toEqual(['bulk-b high', 'bulk-b right']);
  });

  it('one key for all › repeated, at once and later › the same bulk, every message once', async () => {
    const request = {
      defaults: { phoneId: phone.id },
      messages: [
        { to: number(200), message: 'bulk-c 0' },
        { to: number(201), message: 'bulk-c 1' },
      ],
    };
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(request, 'bulk-key')));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')).toHaveLength(4);
    const [one] = answers;
    await finished(one!.body.id);
    const later = await post(request, 'bulk-key');
    expect([later.status, later.body]).toEqual([202, one!.body]);
    expect((await texts('bulk-c')).sort()).toEqual(['bulk-c 0', 'bulk-c 1']);
    const other = await post({ ...request, name: 'other' }, 'bulk-key');
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_mismatch']);
  });

  it('cancelled › what waits is taken back, what was sent stays sent, and it ends', async () => {
    await user.api.post(`/api/phones/${phone.id}/pause`);
    const { body } = await post({
      defaults: { phoneId: phone.id },
      messages: Array.from({ length: 450 }, (_, i) => ({ to: number(300 + i), message: `bulk-d ${i}` })),
    });
    const { status, body: bulk } = await user.api.post(`/api/messages/bulk/${body.id}/cancel`);
    expect([status, bulk.progress]).toEqual([200, { cancelled: 450 }]);
    expect(bulk.cancelledAt).not.toBeNull();
    await user.api.post(`/api/phones/${phone.id}/resume`);
    await finished(body.id);
    expect(await texts('bulk-d')).toEqual([]);
  });

  it('one-time codes beside it › high priority › go out before the rest of the bulk', async () => {
    await user.api.call('PATCH', `/api/phones/${phone.id}`, { sending: { perMinute: 600 } });
    const { body } = await post({
      defaults: { phoneId: phone.id },
      messages: Array.from({ length: 12 }, (_, i) => ({ to: number(800 + i), message: `bulk-e ${i}` })),
    });
    await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: number(900),
      message: 'bulk-e code',
      priority: 'high',
    });
    await finished(body.id);
    await until('the code is out', async () => (await texts('bulk-e code')).length === 1);
    const order = await texts('bulk-e');
    expect(order.indexOf('bulk-e code')).toBeLessThan(8);
    await user.api.call('PATCH', `/api/phones/${phone.id}`, { sending: { perMinute: null } });
  });

  it.each([
    [{ messages: [] }, '/messages'],
    [{ messages: Array.from({ length: 1001 }, () => ({})) }, '/messages'],
    [{}, '/messages'],
    [{ messages: 'all' }, '/messages'],
    [{ messages: [{ variables: { a: { b: 1 } } }] }, '/messages/0/variables/a'],
    [{ messages: [{}], extra: 1 }, '/extra'],
  ])('%# a call that is wrong as a whole › 400, naming the field', async (request, pointer) => {
    const { status, body } = await post(request);
    expect([status, body.errors[0].pointer]).toEqual([400, pointer]);
  });

  it('another user’s phone › in a draft › is not there', async () => {
    const stranger = await newUser(gateway.url);
    const { body } = await stranger.api.post('/api/messages/bulk', {
      messages: [{ phoneId: phone.id, to: number(1), message: 'bulk-f' }],
    });
    expect(body.results[0]).toMatchObject({
      messageId: null,
      errors: [{ pointer: '/phoneId', code: 'not_found' }],
    });
    expect((await stranger.api.get(`/api/messages/bulk/${body.id}`)).status).toBe(200);
    expect((await user.api.get(`/api/messages/bulk/${body.id}`)).status).toBe(404);
  });
});
