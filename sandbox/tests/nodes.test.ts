import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createMover } from './support/move.js';
import { startProxy } from './support/proxy.js';
import { someNumber, startWorld, type TestNode, type World } from './support/node.js';
import { until } from './support/until.js';

let world: World;
let one: TestNode;
let two: TestNode;
let mover: ReturnType<typeof createMover>;

const isOpen = (node: TestNode, instance: string) => async (): Promise<boolean> =>
  (await node.state(instance)) === 'open';
const textsOf = (instance: string): string[] =>
  world.heard(instance, 'messages.upsert').map(({ message }) => message.conversation);

beforeAll(async () => {
  world = await startWorld();
  [one, two] = await Promise.all([world.node('node-1'), world.node('node-2')]);
  mover = createMover(world);
});
afterAll(() => world.stop());

describe('two nodes on one network', () => {
  it('started at once on an empty database › both run', () => {
    expect([one.isAlive(), two.isAlive()]).toEqual([true, true]);
  });

  it('phones on different nodes › write to each other › the message arrives, and both acks come back', async () => {
    const from = await world.pair(one, 'left');
    const to = await world.pair(two, 'right');
    const { body } = await one.text('left', to, 'across');
    const arrived = await world.hear('right', 'messages.upsert');
    expect(arrived).toMatchObject({
      key: { id: body.key.id, remoteJid: `${from}@s.whatsapp.net`, fromMe: false },
    });
    const acks = (): string[] =>
      world
        .heard('left', 'messages.update', ({ keyId }) => keyId === body.key.id)
        .map(({ status }) => status);
    await until('delivered', () => acks().includes('DELIVERY_ACK'));
    await two.post('/chat/markMessageAsRead/right', { readMessages: [arrived.key] });
    await until('read', () => acks().includes('READ'));
    const entries = await one.ledger(`messageId=${body.key.id}&kind=message`);
    expect(entries).toMatchObject([{ from, to, text: 'across', node: 'node-1', instance: 'left' }]);
    expect(await two.ledger(`messageId=${body.key.id}&kind=message`)).toEqual(entries);
  });

  it('a phone › whose settings read messages › acks READ by itself', async () => {
    const to = await world.pair(two, 'reader');
    const settings = {
      rejectCall: false,
      groupsIgnore: false,
      alwaysOnline: false,
      readMessages: true,
      readStatus: false,
      syncFullHistory: false,
    };
    await two.post('/settings/set/reader', settings);
    const from = await world.pair(one, 'writer');
    const { body } = await one.text('writer', to, 'read me');
    await until(
      `read (${from})`,
      () =>
        world.heard(
          'writer',
          'messages.update',
          (data) => data.keyId === body.key.id && data.status === 'READ',
        )[0],
    );
  });

  it('a group with phones on both nodes › is written to › everyone else hears it', async () => {
    const [a, b] = [await world.pair(one, 'g1'), await world.pair(two, 'g2')];
    const group = await one.post('/group/create/g1', { subject: 'both', participants: [b] });
    expect(await world.hear('g2', 'groups.upsert')).toMatchObject([{ id: group.body.id, subject: 'both' }]);
    await one.text('g1', group.body.id, 'hello group');
    const heard = await world.hear('g2', 'messages.upsert');
    expect(heard.key).toMatchObject({
      remoteJid: group.body.id,
      participant: `${a}@s.whatsapp.net`,
      fromMe: false,
    });
    expect(textsOf('g1')).toEqual([]);
  });

  it('an edit and a revocation › of a sent message › reach the other phone', async () => {
    const [, to] = [await world.pair(one, 'editor'), await world.pair(two, 'witness')];
    const { body } = await one.text('editor', to, 'tpyo');
    await world.hear('witness', 'messages.upsert');
    await one.post('/chat/updateMessage/editor', { number: to, key: body.key, text: 'typo' });
    expect(await world.hear('witness', 'messages.edited')).toMatchObject({
      key: { id: body.key.id, fromMe: false },
      type: 'MESSAGE_EDIT',
      editedMessage: { extendedTextMessage: { text: 'typo' } },
    });
    await one.delete('/chat/deleteMessageForEveryone/editor', { ...body.key });
    expect(await world.hear('witness', 'messages.delete')).toMatchObject({ id: body.key.id });
  });
});

describe('a node that dies', () => {
  it('kill -9, then a restart › the session is open again without a code, and nothing is lost', async () => {
    const number = await world.pair(one, 'survivor');
    await world.pair(two, 'friend');
    await one.kill('SIGKILL');
    const { body } = await two.text('friend', number, 'while you were away');
    const acks = () => world.heard('friend', 'messages.update', ({ keyId }) => keyId === body.key.id);
    const codes = world.heard('survivor', 'qrcode.updated').length;
    expect((await two.ledger(`messageId=${body.key.id}`))[0]).toMatchObject({ to: number });
    expect(acks()).toEqual([]);

    await one.start();
    await until('it is open again', isOpen(one, 'survivor'));
    await until('it hears what was said meanwhile', () =>
      textsOf('survivor').includes('while you were away'),
    );
    await until('the ack is back', () => acks().length === 1);
    expect(world.heard('survivor', 'qrcode.updated').length).toBe(codes);
    expect((await one.text('survivor', someNumber(), 'back')).status).toBe(201);
  });

  it('SIGTERM › the process is gone within a second', async () => {
    const started = Date.now();
    await one.kill('SIGTERM');
    expect(Date.now() - started).toBeLessThan(1_000);
    await one.start();
  });

  it('receipts on their way › when the sender is killed › come after its restart', async () => {
    await world.pair(one, 'waiting');
    const late = await world.node('node-late', { SANDBOX_DELIVERED_MS: '400', SANDBOX_READ_MS: '500' });
    await world.pair(late, 'late');
    const { body } = await late.text('late', someNumber('5555'), 'slowly');
    await late.kill('SIGKILL');
    await late.start();
    const statuses = (): string[] =>
      world
        .heard('late', 'messages.update', ({ keyId }) => keyId === body.key.id)
        .map(({ status }) => status);
    await until('both acks', () => statuses().length === 2);
    expect(statuses().sort()).toEqual(['DELIVERY_ACK', 'READ']);
    await late.kill();
  });
});

describe('a node without its Redis', () => {
  it('a message › that arrives meanwhile › is read once the keys are there again', async () => {
    const proxy = await startProxy({ host: '127.0.0.1', port: world.redis.port });
    const node = await world.node('node-redis', { SANDBOX_REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
    const number = await world.pair(node, 'keyless');
    await proxy.cut();
    await node.post('/sandbox/inbound', { to: number, from: someNumber(), text: 'sealed' });
    await until('the node fails', () => /envelope\.failed/.test(node.output()));
    expect(textsOf('keyless')).toEqual([]);
    await proxy.mend();
    await until('it is read', () => textsOf('keyless').includes('sealed'));
    await node.kill();
    await proxy.stop();
  });
});

describe('a number that moves to another node', () => {
  it('live › the source becomes a ghost, the target opens without a code and hears; the ghost can be deleted', async () => {
    const number = await world.pair(one, 'mv1');
    await mover.handOver(two, 'mv1', 'mv1.2');
    const restarted = await one.post('/instance/restart/mv1');
    expect(restarted.body).toEqual({ instance: { instanceName: 'mv1', state: 'open' } });
    await until('the source shows a code', async () => (await one.state('mv1')) === 'connecting');
    expect(await mover.moveKeys('mv1', 'mv1.2')).toBeGreaterThanOrEqual(8);
    const connected = await two.get('/instance/connect/mv1.2');
    expect(connected.body).toEqual({ count: 0 });
    await until('the target is open', isOpen(two, 'mv1.2'));
    expect(world.heard('mv1.2', 'qrcode.updated')).toEqual([]);
    // The ghost wrote credentials of its own, without a number in them.
    const ghost = await until('the ghost wrote its row', () => mover.credsOf('mv1'));
    expect(ghost.me).toBeUndefined();

    await one.delete('/instance/delete/mv1');
    await until(
      'the ghost is gone',
      async () => (await one.get('/instance/connectionState/mv1')).status === 404,
    );
    await one.post('/sandbox/inbound', { to: number, from: someNumber(), text: 'after the move' });
    await until('the target hears', () => textsOf('mv1.2').includes('after the move'));
    expect((await two.text('mv1.2', someNumber(), 'from the target')).status).toBe(201);
    expect(await two.state('mv1.2')).toBe('open');
  });

  it('after a kill -9 › the target opens, and the source leaves the number alone when it is back', async () => {
    const number = await world.pair(one, 'mv2');
    await one.kill('SIGKILL');
    await mover.handOver(two, 'mv2', 'mv2.2');
    await mover.moveKeys('mv2', 'mv2.2');
    await two.get('/instance/connect/mv2.2');
    await until('the target is open', isOpen(two, 'mv2.2'));
    await one.start();
    expect((await one.get('/instance/connectionState/mv2')).body).toEqual({
      instance: { instanceName: 'mv2' },
    });
    await one.post('/sandbox/inbound', { to: number, from: someNumber(), text: 'still here?' });
    await until('the target hears', () => textsOf('mv2.2').includes('still here?'));
    expect(await two.state('mv2.2')).toBe('open');
  });

  it('from a frozen node › on waking it is replaced, reloads, and is a ghost; the target stays open', async () => {
    const sleeper = await world.node('node-sleeper');
    await world.pair(sleeper, 'mv3');
    sleeper.signal('SIGSTOP');
    await mover.handOver(two, 'mv3', 'mv3.2');
    await mover.moveKeys('mv3', 'mv3.2');
    await two.get('/instance/connect/mv3.2');
    await until('the target is open', isOpen(two, 'mv3.2'));
    sleeper.signal('SIGCONT');
    await until('the sleeper is a ghost', async () => (await sleeper.state('mv3')) === 'connecting');
    const ghost = await until('it wrote its row', () => mover.credsOf('mv3'));
    expect(ghost.me).toBeUndefined();
    expect(await two.state('mv3.2')).toBe('open');
    expect((await two.text('mv3.2', someNumber(), 'mine')).status).toBe(201);
    await sleeper.kill();
  });

  it('without its keys in Redis › it opens, but is deaf', async () => {
    const number = await world.pair(one, 'mv4');
    await mover.handOver(two, 'mv4', 'mv4.2');
    await one.post('/instance/restart/mv4');
    await two.get('/instance/connect/mv4.2');
    await until('the target is open', isOpen(two, 'mv4.2'));
    await one.post('/sandbox/inbound', { to: number, from: someNumber(), text: 'unreadable' });
    await until('the node says so', () => /message\.undecipherable/.test(two.output()));
    expect(textsOf('mv4.2')).toEqual([]);
  });

  it('deleted on the source while it is still paired there › the number is logged out everywhere', async () => {
    await world.pair(one, 'mv5');
    await mover.handOver(two, 'mv5', 'mv5.2');
    await mover.moveKeys('mv5', 'mv5.2');
    await one.delete('/instance/delete/mv5');
    await until(
      'the source is gone',
      async () => (await one.get('/instance/connectionState/mv5')).status === 404,
    );
    await two.get('/instance/connect/mv5.2');
    await until('the target is told', () => world.heard('mv5.2', 'logout.instance').length === 1);
    expect(await two.state('mv5.2')).toBe('close');
  });

  it('with credentials on both nodes › they take the session from each other, again and again', async () => {
    await world.pair(one, 'mv6');
    const id = await mover.idOf('mv6');
    await two.post('/instance/create', {
      instanceName: 'mv6.2',
      integration: 'WHATSAPP-BAILEYS',
      qrcode: false,
    });
    const copy =
      'insert into "Session" (id, "sessionId", creds) select gen_random_uuid(), $2, creds from "Session" where "sessionId" = $1';
    await world.database.query(copy, [id, await mover.idOf('mv6.2')]);
    await two.get('/instance/connect/mv6.2');
    const opens = () => world.heard('mv6', 'connection.update', ({ state }) => state === 'open').length;
    await until('three reconnects', () => opens() >= 4);
    expect(world.heard('mv6', 'connection.update', ({ state }) => state === 'close')).toEqual([]);
  });
});

describe('traps of real nodes', () => {
  it('logout, then pairing again in the same process › connected, acked, but deaf; a new instance hears', async () => {
    const number = await world.pair(one, 'deaf');
    await one.delete('/instance/logout/deaf');
    await until('it is closed', async () => (await one.state('deaf')) === 'close');
    await world.forgotten('deaf');
    await one.get('/instance/connect/deaf');
    await world.scan(one, 'deaf', number);
    await one.post('/sandbox/inbound', { to: number, from: someNumber(), text: 'hello?' });
    const { body } = await one.text('deaf', someNumber('5555'), 'I can talk');
    await until(
      'its own send is read',
      () =>
        world.heard(
          'deaf',
          'messages.update',
          (data) => data.keyId === body.key.id && data.status === 'READ',
        )[0],
    );
    expect(textsOf('deaf')).toEqual([]);

    await one.delete('/instance/delete/deaf');
    await until('it is gone', async () => (await one.get('/instance/connectionState/deaf')).status === 404);
    await world.pair(one, 'hearing', { number });
    await one.post('/sandbox/inbound', { to: number, from: someNumber(), text: 'hello again' });
    await until('the new one hears', () => textsOf('hearing').includes('hello again'));
  });

  it('a second connect on a paired instance during an outage › two sockets fight once it ends', async () => {
    await world.pair(one, 'twice');
    await one.post('/sandbox/faults', { unreachable: true, instance: 'twice' });
    await until('it is closed', async () => (await one.state('twice')) === 'close');
    await one.get('/instance/connect/twice');
    await one.delete('/sandbox/faults');
    const opens = () => world.heard('twice', 'connection.update', ({ state }) => state === 'open').length;
    const before = opens();
    await until('it opens again and again', () => opens() >= before + 4);
  });

  it('an instance › deleted while it reconnects › stays gone: no later phone is paired with it', async () => {
    const node = await world.node('node-gone', { SANDBOX_SCAN_MS: '30', SANDBOX_RECONNECT_MS: '60' });
    const create = (instanceName: string, number: string) =>
      node.post('/instance/create', { instanceName, integration: 'WHATSAPP-BAILEYS', qrcode: false, number });
    const [gone, later] = [someNumber(), someNumber()];
    await create('gone', gone);
    await node.post('/sandbox/faults', { unreachable: true });
    await node.get('/instance/connect/gone');
    await node.delete('/instance/delete/gone');
    await until('it is gone', async () => (await node.get('/instance/connectionState/gone')).status === 404);
    await node.delete('/sandbox/faults');
    await create('later', later);
    await node.get('/instance/connect/later');
    await until('the later one is paired', async () => (await node.ledger(`kind=pair&from=${later}`))[0]);
    expect(await node.ledger(`kind=pair&from=${gone}`)).toEqual([]);
    await node.kill();
  });

  it('an instance whose webhook receiver is down › is deleted › SUCCESS, but it stays until the retries end', async () => {
    const node = await world.node('node-3', {
      SANDBOX_WEBHOOK_RETRY_INITIAL_DELAY_MS: '100',
      SANDBOX_WEBHOOK_RETRY_MAX_ATTEMPTS: '4',
    });
    const webhook = { enabled: true, url: 'http://127.0.0.1:1/down', events: ['REMOVE_INSTANCE'] };
    const body = { instanceName: 'stays', integration: 'WHATSAPP-BAILEYS', qrcode: false };
    await node.post('/instance/create', { ...body, webhook });
    expect((await node.delete('/instance/delete/stays')).body.status).toBe('SUCCESS');
    expect(await node.state('stays')).toBe('close');
    expect((await node.post('/instance/create', body)).status).toBe(403);
    await until(
      'it is gone at last',
      async () => (await node.get('/instance/connectionState/stays')).status === 404,
    );
    await node.kill();
  });
});
