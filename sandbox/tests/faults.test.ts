import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { someNumber, startWorld, type TestNode, type World } from './support/node.js';
import { until } from './support/until.js';

let world: World;
let node: TestNode;

const fault = (body: object, on = node) => on.post('/sandbox/faults', body);
const taken = (text: string): Promise<any[]> => node.ledger(`text=${text}`);
const SEND = { calls: '/message/' };

beforeAll(async () => {
  world = await startWorld();
  node = await world.node('node-1');
  await world.pair(node, 'p');
  await world.pair(node, 'other');
});
afterEach(() => node.delete('/sandbox/faults'));
afterAll(() => world.stop());

describe('faults of calls', () => {
  it('delayMs › before › the network has it late', async () => {
    await fault({ delayMs: 400, ...SEND });
    const sending = node.text('p', someNumber(), 'late-before');
    await until('the node has the call', async () => (await node.get('/sandbox/faults')).status === 200);
    expect(await taken('late-before')).toEqual([]);
    expect((await sending).ms).toBeGreaterThanOrEqual(400);
    expect(await taken('late-before')).toHaveLength(1);
  });

  it('delayMs › after › the network has it at once, the answer comes late', async () => {
    await fault({ delayMs: 1_000, after: true, ...SEND });
    const started = Date.now();
    const sending = node.text('p', someNumber(), 'late-after');
    await until('the network has it', async () => (await taken('late-after')).length === 1);
    expect(Date.now() - started).toBeLessThan(1_000);
    expect((await sending).ms).toBeGreaterThanOrEqual(1_000);
  });

  it('hang › before › no answer, nothing sent', async () => {
    await fault({ hang: true, ...SEND });
    await expect(
      node.text('p', someNumber(), 'hung', { signal: AbortSignal.timeout(300) }),
    ).rejects.toThrow();
    expect(await taken('hung')).toEqual([]);
  });

  it('hang › after › no answer, but sent, stored and echoed', async () => {
    await fault({ hang: true, after: true, ...SEND });
    await expect(
      node.text('p', someNumber(), 'hung-after', { signal: AbortSignal.timeout(500) }),
    ).rejects.toThrow();
    expect(await taken('hung-after')).toHaveLength(1);
    await world.hear('p', 'send.message', ({ message }) => message.conversation === 'hung-after');
  });

  it.each([500, 502])('status %i › before › that status, nothing sent', async (status) => {
    await fault({ status, ...SEND });
    expect((await node.text('p', someNumber(), `status-${status}`)).status).toBe(status);
    expect(await taken(`status-${status}`)).toEqual([]);
  });

  it.each([500, 502])('status %i › after › that status, but sent', async (status) => {
    await fault({ status, after: true, ...SEND });
    expect((await node.text('p', someNumber(), `sent-${status}`)).status).toBe(status);
    expect(await taken(`sent-${status}`)).toHaveLength(1);
  });

  it('reset › before and after › the connection breaks, unsent and sent', async () => {
    await fault({ reset: true, count: 1, ...SEND });
    await expect(node.text('p', someNumber(), 'reset-before')).rejects.toThrow('fetch failed');
    expect(await taken('reset-before')).toEqual([]);
    await fault({ reset: true, after: true, count: 1, ...SEND });
    await expect(node.text('p', someNumber(), 'reset-after')).rejects.toThrow('fetch failed');
    expect(await taken('reset-after')).toHaveLength(1);
  });

  it('count › of two › strikes twice, then no more', async () => {
    await fault({ status: 500, count: 2, ...SEND });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await node.text('p', someNumber(), 'count')).status);
    expect(statuses).toEqual([500, 500, 201]);
    expect((await node.get('/sandbox/faults')).body).toEqual([]);
  });

  it('instance › of one › leaves the other alone', async () => {
    await fault({ status: 500, instance: 'p' });
    expect((await node.text('p', someNumber(), 'mine')).status).toBe(500);
    expect((await node.text('other', someNumber(), 'not mine')).status).toBe(201);
  });

  it('calls › of sends › leaves other calls alone', async () => {
    await fault({ status: 500, ...SEND });
    expect((await node.get('/instance/connectionState/p')).status).toBe(200);
  });

  it('a fault › taken back by its id › strikes no more; the others do', async () => {
    const { body } = await fault({ status: 500, instance: 'p' });
    await fault({ status: 502, instance: 'other' });
    await node.delete(`/sandbox/faults/${body.id}`);
    expect((await node.text('p', someNumber(), 'x')).status).toBe(201);
    expect((await node.text('other', someNumber(), 'x')).status).toBe(502);
  });

  it('a fault › misspelt, or for an instance of another node › is refused', async () => {
    expect((await fault({ dealyMs: 5 })).status).toBe(400);
    expect((await fault({ logout: 400 })).status).toBe(400);
    expect((await fault({ status: 500, instance: 'nobody' })).status).toBe(409);
  });
});

describe('faults of webhooks', () => {
  const sendAndCount = async (text: string): Promise<() => number> => {
    await node.text('p', someNumber('0001'), text);
    return () => world.heard('p', 'send.message', ({ message }) => message.conversation === text).length;
  };
  /** A later webhook of the same kind is there: what was going to arrive before it has arrived. */
  const settle = async (): Promise<void> => {
    await node.delete('/sandbox/faults');
    const arrived = await sendAndCount('settle');
    await until('a later webhook', () => arrived() > 0);
  };

  it('duplicateWebhooks › true, and 4 › twice, and five times', async () => {
    await fault({ duplicateWebhooks: true });
    const twice = await sendAndCount('twice');
    await until('two copies', () => twice() === 2);
    await node.delete('/sandbox/faults');
    await fault({ duplicateWebhooks: 4 });
    const five = await sendAndCount('five');
    await until('five copies', () => five() === 5);
    await settle();
    expect([twice(), five()]).toEqual([2, 5]);
  });

  it('dropWebhooks › of one event › it never arrives, others do', async () => {
    await fault({ dropWebhooks: true, event: 'send.message' });
    const number = someNumber('5555');
    const { body } = await node.text('p', number, 'dropped');
    await world.hear('p', 'messages.update', ({ keyId }) => keyId === body.key.id);
    await settle();
    expect(world.heard('p', 'send.message', ({ message }) => message.conversation === 'dropped')).toEqual([]);
  });

  it('shuffleWebhooks › of many › they arrive in another order', async () => {
    await fault({ shuffleWebhooks: 300, event: 'send.message' });
    const texts = Array.from({ length: 12 }, (_, i) => `shuffled-${i}`);
    for (const text of texts) await node.text('p', someNumber('0001'), text);
    const heard = (): string[] =>
      world
        .heard('p', 'send.message', ({ message }) => message.conversation.startsWith('shuffled-'))
        .map(({ message }) => message.conversation);
    await until('all are there', () => heard().length === texts.length);
    expect(heard()).not.toEqual(texts);
    expect([...heard()].sort()).toEqual([...texts].sort());
  });
});

describe('faults of connections', () => {
  it('logout 401 › a removed device › status.instance, logout.instance and close with 401; sends are refused', async () => {
    await world.pair(node, 'removed');
    await fault({ logout: 401, instance: 'removed' });
    await until('it is told', () => world.heard('removed', 'logout.instance').length === 1);
    expect(await world.hear('removed', 'status.instance')).toMatchObject({
      status: 'closed',
      disconnectionReasonCode: 401,
    });
    expect(await world.hear('removed', 'connection.update', ({ state }) => state === 'close')).toMatchObject({
      statusReason: 401,
    });
    expect((await node.text('removed', someNumber(), 'x')).status).toBe(500);
    await world.forgotten('removed');
    await node.get('/instance/connect/removed');
    await until('it can be paired again', () => world.heard('removed', 'qrcode.updated').length > 1);
  });

  it('logout 403 › a banned account › close with 403, and no phone can scan until it is lifted', async () => {
    const number = await world.pair(node, 'banned');
    await fault({ logout: 403, instance: 'banned' });
    await until('it is told', () => world.heard('banned', 'logout.instance').length === 1);
    expect(await world.hear('banned', 'status.instance')).toMatchObject({ disconnectionReasonCode: 403 });
    await world.forgotten('banned');
    const codes = () => world.heard('banned', 'qrcode.updated').length;
    const before = codes();
    await node.get('/instance/connect/banned');
    await until('a code is shown', () => codes() > before);
    const scan = () => node.post('/sandbox/scan', { instance: 'banned', number });
    expect((await scan()).status).toBe(409);
    await node.post('/sandbox/accounts', { number, banned: false });
    expect((await scan()).status).toBe(201);
  });

  it('replaced 440 › once, and thrice › connecting and open each time, never close', async () => {
    await world.pair(node, 'replaced');
    const opens = () => world.heard('replaced', 'connection.update', ({ state }) => state === 'open').length;
    await fault({ replaced: 440, instance: 'replaced' });
    await until('it is open again', () => opens() === 2);
    await fault({ replaced: 440, instance: 'replaced', count: 3 });
    await until('three times more', () => opens() === 5);
    expect(world.heard('replaced', 'connection.update', ({ state }) => state === 'close')).toEqual([]);
  });

  it('unreachable › for a while › closed, then open again by itself', async () => {
    await world.pair(node, 'cut-off');
    await fault({ unreachable: true, instance: 'cut-off' });
    await until('it is closed', async () => (await node.state('cut-off')) === 'close');
    await node.delete('/sandbox/faults');
    await until('it is open again', async () => (await node.state('cut-off')) === 'open');
  });

  it('wrongNumberScan › on the next code › another number is paired', async () => {
    const scanning = await world.node('node-scan', { SANDBOX_SCAN_MS: '50' });
    await fault({ wrongNumberScan: '628999000111' }, scanning);
    for (const instance of ['wrong', 'right']) {
      const number = '628111000222';
      const webhook = { enabled: true, url: `${world.receiver.url}/${instance}`, events: [] };
      await scanning.post('/instance/create', {
        instanceName: instance,
        integration: 'WHATSAPP-BAILEYS',
        qrcode: false,
        number,
        webhook,
      });
      await scanning.get(`/instance/connect/${instance}`);
    }
    const open = (instance: string) =>
      world.hear(instance, 'connection.update', ({ state }) => state === 'open');
    expect((await open('wrong')).wuid).toBe('628999000111@s.whatsapp.net');
    expect((await open('right')).wuid).toBe('628111000222@s.whatsapp.net');
    await scanning.kill();
  });

  it('die › at once, and in the middle of a send › the process is gone; with after the message was sent', async () => {
    const mortal = await world.node('node-mortal');
    await fault({ die: true }, mortal);
    await until('it is dead', () => !mortal.isAlive());
    await mortal.start();
    await world.pair(mortal, 'm');
    await fault({ die: true, after: true, ...SEND }, mortal);
    await expect(mortal.text('m', someNumber(), 'last-words')).rejects.toThrow();
    await until('it is dead again', () => !mortal.isAlive());
    expect(await taken('last-words')).toHaveLength(1);
  });
});
