import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newPhone, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { eventsOf } from '../support/truth.js';
import { until } from '../support/until.js';

const contact = '628985550009';

describe('what a node could not tell', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  let phone: Awaited<ReturnType<typeof newPhone>>;
  beforeAll(async () => {
    nodes = await startNodes(1);
    gateway = await startGateway({
      env: { EVOLUTION_NODES: nodes.list() },
      workers: ['messages', 'deliveries', 'nodes', 'repair'],
    });
    user = await newUser(gateway.url);
    phone = await newPhone(user);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const say = (id: string, more: object = {}) =>
    nodes.call('/sandbox/inbound', {
      method: 'POST',
      body: { to: phone.phoneNumber.slice(1), from: contact, text: id, id, ...more },
    });
  const told = async () =>
    (await eventsOf(user))
      .filter(({ event }) => /^message/.test(event))
      .map(({ event, data }) => ({ event, data }));
  const about = async (id: string) => (await told()).filter(({ data }) => data.whatsappId === id);
  /** Long ago enough not to be taken for something that is still on its way. */
  const longAgo = () => Math.floor(Date.now() / 1000) - 20;

  it('messages, acks and words lost with the node’s process › after it started again › told as recovered, once', async () => {
    await say('TOLD1', { timestamp: longAgo() });
    await until('told', async () => (await about('TOLD1')).length === 1);
    const { body: sent } = await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: `+${contact}`,
      message: 'did you get it?',
    });
    await until(
      'sent',
      async () => (await user.api.get(`/api/messages/${sent.id}`)).body.status !== 'queued',
    );
    await nodes.call('/sandbox/faults', { method: 'POST', body: { dropWebhooks: true } });
    for (const id of ['LOST1', 'LOST2']) await say(id, { timestamp: longAgo() });
    await say('OWN1', { fromMe: true, timestamp: longAgo() });
    await say('GONE1', { type: 'revoke', target: 'TOLD1' });
    await until(
      'the node has stored them',
      async () =>
        (await nodes.database.query(`select 1 from "Message" where key->>'id' in ('LOST1', 'LOST2', 'OWN1')`))
          .length === 3,
    );
    const before = await told();
    expect(before.filter(({ data }) => /LOST|OWN/.test(data.whatsappId))).toEqual([]);

    const start = Date.now();
    await nodes.nodes[0]!.kill('SIGKILL');
    await nodes.nodes[0]!.start();
    await until('recovered', async () => (await about('LOST2')).length === 1, 30_000);
    await until('the deletion too', async () => (await about('TOLD1')).length === 2);
    expect(Date.now() - start).toBeLessThan(60_000);
    // Whether an ack of what was sent had come before is a matter of moments.
    const found = (await told())
      .slice(before.length)
      .filter(({ data }) => data.recovered && data.messageId !== sent.id);
    expect(found.map(({ event, data }) => [event, data.whatsappId, data.direction]).sort()).toEqual([
      ['message', 'LOST1', 'in'],
      ['message', 'LOST2', 'in'],
      ['message', 'OWN1', 'out'],
      ['message.deleted', 'TOLD1', 'in'],
    ]);
    const { body } = await user.api.get(`/api/messages?phoneId=${phone.id}&limit=100`);
    expect(body.data.map(({ whatsappId }: any) => whatsappId)).toEqual(
      expect.arrayContaining(['LOST1', 'LOST2', 'OWN1', 'TOLD1']),
    );
  });

  it('an open connection › compared again › tells nothing twice; and what was missed without any restart is found', async () => {
    const before = await told();
    await nodes.call('/sandbox/faults', { method: 'POST', body: { dropWebhooks: true, count: 1 } });
    await say('LOST3', { timestamp: longAgo() });
    await until(
      'stored',
      async () =>
        (await nodes.database.query(`select 1 from "Message" where key->>'id' = 'LOST3'`)).length === 1,
    );
    const now = () => gateway.database.query('update phone_compares set compare_at = now()');
    await now();
    await until('found', async () => (await about('LOST3')).length === 1);
    await now();
    await until(
      'compared again',
      async () =>
        (
          await gateway.database.query(
            'select 1 from phone_compares where compare_at > now() and lease_id is null',
          )
        ).length === 1,
    );
    const since = (await told()).slice(before.length).map(({ event, data }) => [event, data.whatsappId]);
    expect(since.filter(([event]) => event === 'message')).toEqual([['message', 'LOST3']]);
  });
});
