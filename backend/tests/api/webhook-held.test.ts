import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { placedPhone, textFrom } from '../support/placed.js';
import { startReceiver, type Behaviour, type Receiver } from '../support/receiver.js';
import { until } from '../support/until.js';

const answering =
  (status: number): Behaviour =>
  (_req, res) =>
    void res.writeHead(status).end();

describe('what webhooks are owed', () => {
  let gateway: TestGateway;
  let user: TestUser;
  let receiver: Receiver;
  let phone: Awaited<ReturnType<typeof placedPhone>>;
  beforeAll(async () => {
    gateway = await startGateway({
      workers: ['deliveries', 'housekeeping'],
      env: {
        WEBHOOK_RETRY_SCHEDULE: '0.1,0.1,0.1,0.1',
        WEBHOOK_TIMEOUT: '1',
        SWEEP_MS: '50',
        NODE_CHECK: '60',
        HOUSEKEEPING: '0.2',
      },
    });
  });
  afterAll(async () => gateway?.stop());
  beforeEach(async () => {
    receiver = await startReceiver();
    user = await newUser(gateway.url);
    phone = await placedPhone(gateway, user);
  });
  afterEach(async () => receiver.stop());

  const make = async (fields: object = {}): Promise<number> =>
    (await user.api.post('/api/webhooks', { url: receiver.url, events: ['message'], ...fields })).body.id;
  const switched = (id: number, isEnabled: boolean) =>
    user.api.call('PATCH', `/api/webhooks/${id}`, { isEnabled });
  const find = async (id: number) => (await user.api.get(`/api/webhooks/${id}`)).body;
  const say = async (...messages: string[]) => {
    for (const message of messages)
      await phone.say('messages.upsert', textFrom('+5511988887777', `HELD${phone.id}${message}`, message));
  };
  const deliveries = async (id: number, state = '') =>
    (await user.api.get(`/api/webhooks/${id}/deliveries?limit=100${state && `&state=${state}`}`)).body
      .data as any[];
  const states = (id: number, wanted: string[]) =>
    until(`deliveries are ${wanted.join()}`, async () => {
      const all = (await deliveries(id)).reverse();
      if (JSON.stringify(all.map((one) => one.state)) !== JSON.stringify(wanted))
        throw new Error(all.map((one) => one.state).join());
      return all;
    });
  const heard = () => receiver.all.map(({ body }) => body.data.message);
  const ids = () => receiver.all.map(({ headers }) => headers['webhook-id']);

  it('switched off › events come › held; switched on, they go out in order, each once', async () => {
    const id = await make({ isOrdered: true });
    expect((await switched(id, false)).body).toMatchObject({
      isEnabled: false,
      reason: 'switched_off',
      disabledAt: expect.any(String),
    });
    await say('a', 'b', 'c');
    await states(id, ['held', 'held', 'held']);
    expect(receiver.all).toEqual([]);
    expect((await switched(id, true)).body).toMatchObject({
      isEnabled: true,
      reason: null,
      disabledAt: null,
    });
    await states(id, ['delivered', 'delivered', 'delivered']);
    expect(heard()).toEqual(['a', 'b', 'c']);
  });

  it('a receiver that says 410 › switched off, its owner told, what comes later is held', async () => {
    receiver.behave(answering(410));
    const id = await make();
    await say('a');
    await states(id, ['exhausted']);
    expect(await find(id)).toMatchObject({
      isEnabled: false,
      reason: 'receiver_gone',
      remedy: expect.any(String),
    });
    await say('b');
    await states(id, ['exhausted', 'held']);
    const told = (await user.api.get('/api/events')).body.data.find(
      (e: any) => e.event === 'webhook.disabled',
    );
    expect(told.data).toMatchObject({ webhookId: id, reason: 'receiver_gone' });
    receiver.behave(answering(204));
    await switched(id, true);
    await states(id, ['exhausted', 'delivered']);
  });

  it('a receiver that never takes anything › the first exhausted one switches it off; one that takes others stays on', async () => {
    receiver.behave(
      (_req, res, { body }) => void res.writeHead(body.data.message === 'good' ? 204 : 500).end(),
    );
    const id = await make();
    await say('bad');
    await until('one good is taken meanwhile', async () => {
      await say('good');
      return heard().includes('good');
    });
    await until('exhausted', async () => (await deliveries(id, 'exhausted')).length === 1);
    expect(await find(id)).toMatchObject({ isEnabled: true, reason: null });
    receiver.behave(answering(500));
    await say('worse');
    await until('switched off', async () => (await find(id)).reason === 'receiver_fails');
  });

  it('ordered, one that fails for a while › the others wait behind it, and come in order', async () => {
    let tries = 0;
    receiver.behave((_req, res) => void res.writeHead((tries += 1) <= 3 ? 503 : 204).end());
    const id = await make({ isOrdered: true });
    await say('a', 'b', 'c');
    await states(id, ['delivered', 'delivered', 'delivered']);
    expect(heard()).toEqual(['a', 'a', 'a', 'a', 'b', 'c']);
  });

  it('ordered, one that its receiver refuses › given up after three tries, the others go on', async () => {
    receiver.behave(
      (_req, res, { body }) => void res.writeHead(body.data.message === 'poison' ? 422 : 204).end(),
    );
    const id = await make({ isOrdered: true });
    await say('a', 'poison', 'b');
    await states(id, ['delivered', 'exhausted', 'delivered']);
    expect(heard()).toEqual(['a', 'poison', 'poison', 'poison', 'b']);
    expect((await find(id)).isEnabled).toBe(true);
  });

  it('sent again › the same id and bytes, and every try is shown', async () => {
    const id = await make();
    await say('a');
    const [one] = await states(id, ['delivered']);
    const again = await user.api.post(`/api/deliveries/${one.id}/resend`);
    expect([again.status, again.body.id]).toEqual([202, one.id]);
    await until('came again', () => receiver.all.length === 2);
    expect(new Set(receiver.all.map(({ text }) => text)).size).toBe(1);
    expect(new Set(ids()).size).toBe(1);
    const detail = await until('both tries are kept', async () => {
      const { body } = await user.api.get(`/api/deliveries/${one.id}`);
      return body.state === 'delivered' && body.tries.length === 2 ? body : null;
    });
    expect(detail.body).toEqual(receiver.all[0]!.body);
    expect(detail.tries[0]).toMatchObject({ statusCode: 204, errorClass: null, at: expect.any(String) });
    expect((await user.api.post('/api/deliveries/dlv_0000/resend')).status).toBe(404);
    expect((await user.api.get('/api/deliveries/dlv_0000')).status).toBe(404);
  });

  it('a period replayed › also what came before the webhook › under its own ids, in order, nothing twice', async () => {
    await say('a', 'b');
    const [anHourAgo, since] = [Date.now() - 3_600_000, Date.now()].map((ms) => new Date(ms).toISOString());
    await say('c');
    const id = await make({ isOrdered: true });
    const replay = async (body: object) => {
      const answer = await user.api.post(`/api/webhooks/${id}/replay`, body);
      expect([answer.status, answer.body.errors]).toEqual([202, undefined]);
      return answer.body.deliveries;
    };
    expect(await replay({ since: anHourAgo, until: since })).toBe(2);
    await states(id, ['delivered', 'delivered']);
    expect(heard()).toEqual(['a', 'b']);
    expect(await replay({ since })).toBe(1);
    await states(id, ['delivered', 'delivered', 'delivered']);
    expect(await replay({ since: anHourAgo })).toBe(3);
    await until('all came again', () => receiver.all.length === 6);
    expect(heard()).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
    expect(new Set(ids()).size).toBe(3);
    const events = (await user.api.get('/api/events')).body.data.filter((e: any) => e.event === 'message');
    expect(new Set(ids())).toEqual(new Set(events.map((e: any) => e.id)));
  });

  it('all undelivered replayed › only what was owed in vain goes out', async () => {
    const id = await make();
    await say('taken');
    await states(id, ['delivered']);
    receiver.behave(answering(500));
    await say('lost');
    await states(id, ['delivered', 'exhausted']);
    receiver.behave(answering(204));
    await switched(id, true);
    const before = receiver.all.length;
    const { body } = await user.api.post(`/api/webhooks/${id}/replay`, {});
    expect(body).toEqual({ deliveries: 1 });
    await states(id, ['delivered', 'delivered']);
    expect(heard().slice(before)).toEqual(['lost']);
  });

  it('held past HELD_FOR › expired, and no longer sent when switched on; a replay still brings it', async () => {
    const id = await make();
    await switched(id, false);
    await say('old', 'new');
    await states(id, ['held', 'held']);
    const [old] = (await deliveries(id)).reverse();
    await gateway.database.query(
      `begin; set local app.user_ids = '{${user.id}}';
       update deliveries set created_at = now() - interval '31 days' where id = '${old.id}'; commit`,
    );
    await states(id, ['expired', 'held']);
    await switched(id, true);
    await states(id, ['expired', 'delivered']);
    await user.api.post(`/api/webhooks/${id}/replay`, {});
    await states(id, ['delivered', 'delivered']);
  });

  it('deliveries listed › in pages, newest first, of one state › none twice, none left out', async () => {
    const id = await make();
    await say('a', 'b', 'c', 'd', 'e');
    await states(
      id,
      Array.from({ length: 5 }, () => 'delivered'),
    );
    const page = async (cursor?: string) =>
      (await user.api.get(`/api/webhooks/${id}/deliveries?limit=2${cursor ? `&cursor=${cursor}` : ''}`)).body;
    const first = await page();
    const second = await page(first.nextCursor);
    const third = await page(second.nextCursor);
    const sequences = [first, second, third].flatMap(({ data }) => data.map((one: any) => one.sequence));
    expect(sequences).toEqual([...sequences].sort((a, b) => b - a));
    expect(new Set(sequences).size).toBe(5);
    expect(third).toMatchObject({ hasMore: false, nextCursor: null });
    expect(await deliveries(id, 'exhausted')).toEqual([]);
    expect((await user.api.get(`/api/webhooks/${id}/deliveries?state=lost`)).status).toBe(400);
  });
});
