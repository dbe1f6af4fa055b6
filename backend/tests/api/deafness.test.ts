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
      workers: ['messages', 'nodes', 'notes', 'housekeeping'],
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
  /** Only what was sent since it is connected counts, and what counts grows old: a round after a round, as people do. */
  const sayUntil = (what: string, phoneId: number, isSo: () => Promise<boolean>) =>
    until(what, async () => {
      await sayTo(phoneId);
      return isSo();
    });
  /** What its owner was told of its connection, in order. */
  const told = async (phoneId: number) => {
    const rows = await gateway.database.queryAll<{ type: string }>(
      `select type from events where type in ('phone.deaf', 'phone.moved')
          and body::jsonb->'data'->>'phoneId' = $1 order by sequence`,
      [String(phoneId)],
    );
    return rows.map(({ type }) => type);
  };
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
    await sayUntil('it is asked', id, async () => (await probed(id)).at !== null);
    expect([await statusOf(id), (await probed(id)).failed]).toEqual(['connected', 0]);
    expect(await told(id)).toEqual([]);
  });

  it('one or two people are silent, or somebody is not › it is not even asked', async () => {
    const [few, heard, asked] = [await newPhone(user), await newPhone(user), await newPhone(user)];
    // Somebody talks to it all the time, each word after the last one came in: how long a round takes does not matter.
    const wordsIn = async () => {
      const { body } = await user.api.get(`/api/messages?phoneId=${heard.id}&direction=in&limit=100`);
      return body.data.length as number;
    };
    let [said, isOver] = [0, false];
    const hear = async () => {
      await nodes.call('/sandbox/inbound', {
        method: 'POST',
        body: { to: heard.phoneNumber.slice(1), from: '628980000777', text: 'here I am' },
      });
      said += 1;
      await until('it is heard', async () => (await wordsIn()) >= Math.min(said, 100));
    };
    const talk = (async () => {
      while (!isOver) await hear();
    })();
    await until('it is heard', async () => (await wordsIn()) > 0);
    await sayUntil('another one is asked', asked.id, async () => {
      await Promise.all([sayTo(few.id, OFFLINE.slice(0, 2)), sayTo(heard.id)]);
      return (await probed(asked.id)).at !== null;
    });
    isOver = true;
    await talk;
    expect([(await probed(few.id)).at, (await probed(heard.id)).at]).toEqual([null, null]);
  });

  it('and answers no question › its owner is told, its connection is opened anew, then it changes nodes', async () => {
    const { id } = await newPhone(user);
    const first = await nodeOf(id);
    await nodes.call(
      '/sandbox/faults',
      { method: 'POST', body: { calls: ['/chat/whatsappNumbers'], status: 500 } },
      first.node.url,
    );
    await sayUntil('its owner is told', id, async () => (await told(id)).length > 0);
    await until('it is opened anew', async () => (await statusOf(id)) === 'connected');
    expect((await nodeOf(id)).placement).toBe(first.placement);

    await sayUntil('it lives elsewhere', id, async () => (await nodeOf(id)).name !== first.name);
    await until('its move is over', async () => (await told(id)).includes('phone.moved'));
    expect([await statusOf(id), await told(id)]).toEqual([
      'connected',
      ['phone.deaf', 'phone.deaf', 'phone.moved'],
    ]);
    await sayUntil('it answers there', id, async () => (await probed(id)).failed === 0);
    await nodes.call('/sandbox/faults', { method: 'DELETE' }, first.node.url);
  });
});
