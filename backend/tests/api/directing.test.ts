import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../../dev/src/ports.js';
import { newPhone, newUser, type TestUser } from '../support/client.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { startGatewayProcess, type GatewayProcess } from '../support/process.js';
import { until } from '../support/until.js';

describe('where a node posts to', () => {
  let nodes: TestNodes;
  let gateway: GatewayProcess;
  let user: TestUser;
  let phone: { id: number };
  let placement: string;
  beforeAll(async () => {
    nodes = await startNodes(1);
    gateway = await startGatewayProcess({ EVOLUTION_NODES: nodes.list() });
    user = await newUser(gateway.url);
    phone = await newPhone(user);
    const [row] = await gateway.database.queryAll<{ id: string }>('select id from placements');
    placement = row!.id;
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const posting = () => nodes.call(`/webhook/find/${placement}`);
  const sendAndBeRead = async () => {
    const { status, body } = await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: '+6289876540007',
      message: 'Are you there?',
    });
    expect(status).toBe(202);
    await until('read', async () => (await user.api.get(`/api/messages/${body.id}`)).body.status === 'read');
  };

  it('regression › the gateway starts with another INBOUND_URL on kept data › acks arrive, and the node keeps its bearer', async () => {
    const before = await posting();
    await gateway.end('SIGTERM');
    const port = await freePort();
    const INBOUND_URL = `http://127.0.0.1:${port}`;
    await gateway.start({ INBOUND_PORT: String(port), INBOUND_URL });
    await until('told', async () => (await posting()).url === `${INBOUND_URL}/inbound/${placement}`);
    expect((await posting()).headers).toEqual(before.headers);
    await sendAndBeRead();
  });

  it('a node that posts elsewhere, though it was told right › is looked at › told anew, under a bearer of its own', async () => {
    const before = await posting();
    await nodes.call(`/webhook/set/${placement}`, {
      method: 'POST',
      body: {
        webhook: {
          enabled: true,
          url: 'http://127.0.0.1:9/nowhere',
          headers: { authorization: 'Bearer x' },
          events: [],
        },
      },
    });
    expect((await posting()).url).toContain('nowhere');
    // A node that went and came has its phones looked at.
    await nodes.nodes[0]!.kill();
    await until(
      'gone',
      async () => (await user.api.get(`/api/phones/${phone.id}`)).body.status === 'node_down',
    );
    await nodes.nodes[0]!.start();
    await until('told', async () => (await posting()).url === before.url);
    expect((await posting()).headers.authorization).not.toBe('Bearer x');
    await sendAndBeRead();
  });
});
