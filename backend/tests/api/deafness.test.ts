import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

describe('a phone that says it is connected', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  beforeAll(async () => {
    nodes = await startNodes(2);
    gateway = await startGateway({
      env: { EVOLUTION_NODES: nodes.list(), ...nodes.store, DEAF_AFTER: '1.5', DEAF_CHECK: '0.5' },
    });
    user = await newUser(gateway.url);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  /** Nobody of these ever acknowledges anything, as people who are offline. */
  const OFFLINE = ['+628981110001', '+628981210001', '+628981310001'];
  const sayTo = (phoneId: number, people = OFFLINE) =>
    Promise.all(
      people.map(async (to) => {
        const { body } = await user.api.post('/api/messages/send', {
          phoneId,
          to,
          message: 'are you there?',
        });
        return settled(user, body.id, ['sent']);
      }),
    );
  const told = (phoneId: number, type: string) =>
    gateway.database.queryAll(
      `select 1 from events where type = $2 and body::jsonb->'data'->>'phoneId' = $1`,
      [String(phoneId), type],
    );
  const probed = async (phoneId: number) => {
    const [row] = await gateway.database.queryAll<{ at: Date | null; failed: number }>(
      'select probed_at as at, failed_probes as failed from phone_numbers where id = $1',
      [phoneId],
    );
    return row!;
  };
  const nodeOf = async (phoneId: number) => {
    const [row] = await gateway.database.queryAll<{ name: string; placement: string }>(
      `select n.name, p.id as placement from placements p join nodes n on n.id = p.node_id
        where p.phone_id = $1 and p.ended_at is null`,
      [phoneId],
    );
    return { ...row!, node: nodes.nodes.find(({ name }) => name === row!.name)! };
  };
  const statusOf = async (id: number) => (await user.api.get(`/api/phones/${id}`)).body.status;

  it('its customers are merely offline › it is asked, answers, and is left alone', async () => {
    const { id } = await newPhone(user);
    await sayTo(id);
    await until('it is asked', async () => (await probed(id)).at !== null);
    expect([await statusOf(id), (await probed(id)).failed]).toEqual(['connected', 0]);
    expect(await told(id, 'phone.deaf')).toEqual([]);
  });

  it('one or two people are silent, or somebody is not › it is not even asked', async () => {
    const [few, heard, asked] = [await newPhone(user), await newPhone(user), await newPhone(user)];
    await sayTo(few.id, OFFLINE.slice(0, 2));
    await Promise.all([
      sayTo(heard.id),
      nodes.call('/sandbox/inbound', {
        method: 'POST',
        body: { to: heard.phoneNumber.slice(1), from: '628980000777', text: 'here I am' },
      }),
    ]);
    await sayTo(asked.id);
    await until('another one is asked', async () => (await probed(asked.id)).at !== null);
    expect([(await probed(few.id)).at, (await probed(heard.id)).at]).toEqual([null, null]);
  });

  it('and answers no question › its owner is told, its connection is opened anew, then it changes nodes', async () => {
    const { id } = await newPhone(user);
    const { node: first, placement } = await nodeOf(id);
    const fault = (body: object) => nodes.call('/sandbox/faults', { method: 'POST', body }, first.url);
    await fault({ calls: ['/chat/whatsappNumbers'], status: 500 });
    await sayTo(id);
    await until('its owner is told', async () => (await told(id, 'phone.deaf')).length === 1);
    await until('it is opened anew', async () => (await statusOf(id)) === 'connected');
    expect((await nodeOf(id)).placement).toBe(placement);

    await sayTo(id);
    await until('it lives elsewhere', async () => (await nodeOf(id)).name !== first.name);
    await until('it is connected there', async () => (await statusOf(id)) === 'connected');
    expect((await told(id, 'phone.deaf')).length).toBe(2);
    await sayTo(id);
    await until('it answers there', async () => (await probed(id)).failed === 0);
    await nodes.call('/sandbox/faults', { method: 'DELETE' }, first.url);
  });
});
