import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNode, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

const OUT = ['sent', 'delivered', 'read'];

describe('a phone whose node is gone', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  beforeAll(async () => {
    nodes = await startNodes(2);
    gateway = await startGateway({
      env: { EVOLUTION_NODES: nodes.list(), ...nodes.store, FAILOVER_AFTER: '1', NODE_TIMEOUT: '2' },
    });
  });
  beforeEach(async () => {
    user = await newUser(gateway.url);
  });
  afterEach(() => Promise.all(nodes.nodes.map((node) => revive(node))));
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const down = new Set<TestNode>();
  const kill = async (node: TestNode) => {
    down.add(node);
    await node.kill();
  };
  /** Every node is up, and the gateway has taken it back. */
  const revive = async (node: TestNode) => {
    if (down.delete(node)) await node.start();
    await until(`${node.name} takes phones`, async () => {
      const [row] = await gateway.database.queryAll(
        `select 1 from nodes where name = '${node.name}' and status = 'up' and not is_lost`,
      );
      return row !== undefined;
    });
  };
  const placeOf = async (id: number) =>
    (
      await gateway.database.queryAll<{ id: string; node: string }>(
        `select p.id, n.name as node from placements p join nodes n on n.id = p.node_id
          where phone_id = $1 and ended_at is null`,
        [id],
      )
    )[0]!;
  const nodeOf = async (id: number) => {
    const { node } = await placeOf(id);
    return nodes.nodes.find(({ name }) => name === node)!;
  };
  const statusOf = async (id: number) => (await user.api.get(`/api/phones/${id}`)).body.status;
  const isMoved = (id: number, from: TestNode) =>
    until(`phone ${id} lives elsewhere`, async () => {
      const status = await statusOf(id);
      if (status !== 'connected') throw new Error(`status ${status}`);
      return (await nodeOf(id)) !== from;
    });
  const stateAt = (node: TestNode, placement: string) =>
    nodes.call(`/instance/connectionState/${placement}`, {}, node.url);
  const send = async (phoneId: number, message: string) =>
    (await user.api.post('/api/messages/send', { phoneId, to: '+628981119999', message })).body;
  const said = async (text: string) =>
    (await nodes.ledger(nodes.nodes.find((node) => !down.has(node))!.url)).filter((entry) =>
      JSON.stringify(entry).includes(text),
    ).length;

  it('killed › opens on another one without a QR, and what waited goes out once', async () => {
    const phone = await newPhone(user);
    const first = await send(phone.id, `before ${phone.id}`);
    await settled(user, first.id, OUT);
    const [source, before] = [await nodeOf(phone.id), await placeOf(phone.id)];
    await kill(source);
    const waiting = await send(phone.id, `meanwhile ${phone.id}`);
    await isMoved(phone.id, source);
    await settled(user, waiting.id, OUT);
    expect(await said(`meanwhile ${phone.id}`)).toBe(1);

    const told = await until('that is told', async () => {
      const { body: ledger } = await user.api.get('/api/events?limit=100');
      return ledger.data.some((event: any) => event.event === 'phone.moved') && ledger.data;
    });
    expect(
      told
        .filter((event: any) => event.event === 'phone.status')
        .map((event: any) => event.data.status)
        .slice(-3),
    ).toEqual(['node_down', 'moving', 'connected']);
    // It hears, and what was said before is still there.
    const target = await nodeOf(phone.id);
    await nodes.call(
      '/sandbox/inbound',
      {
        method: 'POST',
        body: { to: phone.phoneNumber.slice(1), from: '628117770001', text: 'do you hear me?' },
      },
      target.url,
    );
    await until('it hears', async () => {
      const { body } = await user.api.get('/api/messages?chat=%2B628117770001');
      return body.data.length === 1;
    });
    const history = await nodes.call(
      `/chat/findMessages/${(await placeOf(phone.id)).id}`,
      { method: 'POST', body: { where: {}, page: 1, offset: 100 } },
      target.url,
    );
    expect(JSON.stringify(history)).toContain(`before ${phone.id}`);

    await revive(source);
    await until(
      'the former node has forgotten it',
      async () => (await stateAt(source, before.id)).status === 404,
    );
    expect(await statusOf(phone.id)).toBe('connected');
    expect(await nodeOf(phone.id)).toBe(target);
  });

  it('frozen, then woken › holds none of what it lost, and nothing goes out twice', async () => {
    const phone = await newPhone(user);
    const [source, before] = [await nodeOf(phone.id), await placeOf(phone.id)];
    source.signal('SIGSTOP');
    try {
      await isMoved(phone.id, source);
      const sent = await send(phone.id, `while frozen ${phone.id}`);
      await settled(user, sent.id, OUT);
    } finally {
      source.signal('SIGCONT');
    }
    await until(
      'the woken node holds nothing of it',
      async () => (await stateAt(source, before.id)).status === 404,
    );
    expect(await statusOf(phone.id)).toBe('connected');
    await settled(user, (await send(phone.id, `after ${phone.id}`)).id, OUT);
    expect(await said(`while frozen ${phone.id}`)).toBe(1);
  });

  it('never paired › is placed elsewhere, and shows a QR or is paired there', async () => {
    const { body: phone } = await user.api.post('/api/phones', { phoneNumber: '+6289811177001' });
    await until('it is placed', async () => (await placeOf(phone.id)) !== undefined);
    const source = await nodeOf(phone.id);
    await kill(source);
    await isMoved(phone.id, source);
  });

  it('removed while its node is gone and it moves › is gone for good', async () => {
    const phone = await newPhone(user);
    const [source, before] = [await nodeOf(phone.id), await placeOf(phone.id)];
    await kill(source);
    await until('it moves', async () => (await statusOf(phone.id)) === 'moving');
    expect((await user.api.call('DELETE', `/api/phones/${phone.id}`)).status).toBe(204);
    await revive(source);
    await until(
      'the former node has forgotten it',
      async () => (await stateAt(source, before.id)).status === 404,
    );
  });

  it('the database that nodes share is away › nothing is moved', async () => {
    const phone = await newPhone(user);
    const before = await placeOf(phone.id);
    await nodes.database.query(`alter table "Instance" rename to "Elsewhere"`);
    try {
      await until('every node answers 500', async () => {
        const rows = await gateway.database.queryAll(`select 1 from nodes where status = 'down'`);
        return rows.length === nodes.nodes.length;
      });
      // Longer than FAILOVER_AFTER: a round more, and nothing is lost.
      const [{ at }] = (await gateway.database.queryAll<{ at: Date }>('select now() as at')) as [
        { at: Date },
      ];
      await until('three more rounds', async () => {
        const rows = await gateway.database.queryAll(
          `select 1 from nodes where checked_at > $1::timestamptz + interval '2 seconds'`,
          [at],
        );
        return rows.length === nodes.nodes.length;
      });
      expect(await gateway.database.queryAll('select 1 from nodes where is_lost')).toEqual([]);
    } finally {
      await nodes.database.query(`alter table "Elsewhere" rename to "Instance"`);
    }
    await until('connected', async () => (await statusOf(phone.id)) === 'connected');
    expect(await placeOf(phone.id)).toEqual(before);
  });
});
