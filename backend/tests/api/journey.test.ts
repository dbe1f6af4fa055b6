import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { Webhook } from 'standardwebhooks';
import { newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { until } from '../support/until.js';

describe('the main job', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let receiver: Receiver;
  let user: TestUser;
  let phone: Awaited<ReturnType<typeof newPhone>>;
  let socket: Socket;
  const heard: any[] = [];

  beforeAll(async () => {
    nodes = await startNodes(2);
    gateway = await startGateway({ env: { EVOLUTION_NODES: nodes.list() } });
    receiver = await startReceiver();
    user = await newUser(gateway.url);
    socket = io(gateway.url, { auth: { token: user.token }, transports: ['websocket'] });
    socket.onAny((_name, envelope) => heard.push(envelope));
    phone = await newPhone(user, { webhookUrl: receiver.url });
  });
  afterAll(async () => {
    socket?.close();
    await gateway?.stop();
    await receiver?.stop();
    await nodes?.stop();
  });

  it('send › to a contact that answers › rises to read, and the echo comes in', async () => {
    const sent = await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: '+628987650007',
      message: 'Hello World!',
      type: 'text',
    });
    expect(sent.status).toBe(202);
    expect(sent.body).toMatchObject({
      phoneId: phone.id,
      direction: 'out',
      from: phone.phoneNumber,
      to: '+628987650007',
      status: 'queued',
      whatsappId: null,
    });
    const read = await settled(user, sent.body.id, ['read']);
    // A node skips an ack that comes before its own insert, so the middle one may be missing on a busy machine.
    expect(read.timeline.map((entry: any) => entry.status).filter((s: string) => s !== 'delivered')).toEqual([
      'queued',
      'sent',
      'read',
    ]);
    expect(read.timeline.map((entry: any) => entry.at)).toEqual(
      read.timeline.map((entry: any) => entry.at).sort(),
    );

    await until('the answer came in', async () => {
      const { body } = await user.api.get(`/api/messages?phoneId=${phone.id}&limit=50&offset=0`);
      return body.data.some(
        (m: any) => m.direction === 'in' && m.message === 'echo: Hello World!' && m.from === '+628987650007',
      );
    });
  });

  it('webhook › events of the send and of the answer › come signed, and the signatures verify', async () => {
    await until(
      'message and acks came',
      () =>
        receiver.of('message').length === 1 &&
        receiver.of('message.ack').some((r) => r.body.data.status === 'read'),
    );
    const verifier = new Webhook(phone.webhookSecret!);
    for (const received of receiver.all) {
      expect(() => verifier.verify(received.text, received.headers)).not.toThrow();
      expect(() => verifier.verify(received.text.replace('phoneId', 'phoneld'), received.headers)).toThrow();
    }
    expect(receiver.of('message')[0]!.body.data).toMatchObject({
      phoneId: phone.id,
      from: '+628987650007',
      message: 'echo: Hello World!',
    });
  });

  it('socket › the same events › in the order of the ledger, without gap or double', async () => {
    const ledger = await until('the ledger is at rest', async () => {
      const { body } = await user.api.get('/api/events?after=0');
      return body.data.some((e: any) => e.event === 'message') && body.data.length === heard.length
        ? body.data
        : null;
    });
    expect(heard).toEqual(ledger);
    expect(ledger.map((e: any) => e.sequence)).toEqual(ledger.map((_: unknown, i: number) => i + 1));
  });

  it('health › everything up › tells each part', async () => {
    const { status, body } = await user.api.get('/health');
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'ok', database: { status: 'up' }, redis: { status: 'up' } });
    expect(body.nodes.map((n: any) => [n.name, n.status])).toEqual([
      ['node-1', 'up'],
      ['node-2', 'up'],
    ]);
  });
});
