import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { freePort } from '../src/ports.js';
import { delay, until } from '../src/wait.js';
import { ask, closeDoors, door, expectProblem, nowhere, upstream } from './support/door.js';

closeDoors();

/** A process that listens but was stopped (SIGSTOP), with its queue filled: further connections hang unaccepted. */
async function frozenServer(): Promise<{ address: string; end: () => void }> {
  const port = await freePort();
  const script = `require('net').createServer().listen({ port: ${port}, host: '127.0.0.1', backlog: 1 }, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.kill('SIGSTOP');
  const fill: Socket[] = [];
  const connects = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      fill.push(socket);
      void delay(300).then(() => resolve(false));
    });
  await until('the queue to be full', async () => !(await connects()));
  const end = () => {
    for (const socket of fill) socket.destroy();
    child.kill('SIGKILL');
  };
  return { address: `127.0.0.1:${port}`, end };
}

describe('two gateways', () => {
  it('one refuses connections › every POST goes to the other, once', async () => {
    const alive = await upstream();
    const { front } = await door({ gateway: [await nowhere(), alive.address] });
    for (let n = 0; n < 10; n += 1)
      expect((await ask(front, '/api/messages/send', { method: 'POST', body: `{"n":${n}}` })).status).toBe(
        200,
      );
    expect(alive.seen).toHaveLength(10);
  });

  it('one dies with a POST in its hands › the caller gets 502 and the other never sees it', async () => {
    const dies = () => upstream((req) => req.socket.destroy());
    const both = [await dies(), await dies()];
    const { front } = await door({ gateway: both.map(({ address }) => address) });
    const answer = await ask(front, '/api/messages/send', { method: 'POST', body: '{"text":"once"}' });
    expectProblem(answer, 502, 'bad_gateway');
    expect(both.flatMap(({ seen }) => seen)).toHaveLength(1);
  });

  it('one dies with a PATCH in its hands › it is not sent again either', async () => {
    const dies = () => upstream((req) => req.socket.destroy());
    const both = [await dies(), await dies()];
    const { front } = await door({ gateway: both.map(({ address }) => address) });
    expect((await ask(front, '/api/phones/1', { method: 'PATCH', body: '{}' })).status).toBe(502);
    expect(both.flatMap(({ seen }) => seen)).toHaveLength(1);
  });

  it('one dies with a GET in its hands › the other answers it', async () => {
    const [dies, alive] = [await upstream((req) => req.socket.destroy()), await upstream()];
    const { front } = await door({ gateway: [dies.address, alive.address] });
    for (let n = 0; n < 4; n += 1) expect((await ask(front, '/api/phones')).status).toBe(200);
    expect(dies.seen.length).toBeGreaterThan(0);
    expect(alive.seen).toHaveLength(4);
  });

  it('nginx is reloaded while a POST is under way › it is answered and was sent once', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow = await upstream(
      (req, res) => void (req.method === 'POST' ? gate : Promise.resolve()).then(() => res.end('done')),
    );
    const other = await upstream();
    const { front, nginx } = await door({ gateway: [slow.address] });
    const answer = ask(front, '/api/messages/send', { method: 'POST', body: '{}' });
    await until('the POST to arrive', () => slow.seen.length === 1);
    nginx.reload({ gateway: [other.address] });
    await until(
      'the new configuration',
      async () => (await ask(front, '/api/x')).text === other.address.split(':')[1],
    );
    release();
    expect(await answer).toMatchObject({ status: 200, text: 'done' });
    expect(slow.seen.filter(({ method }) => method === 'POST')).toHaveLength(1);
    expect(other.seen.filter(({ method }) => method === 'POST')).toHaveLength(0);
  });
});

describe('the internal listener', () => {
  it('calls that belong to no number › are spread over the pool', async () => {
    const two = [await upstream(), await upstream()];
    const { internal } = await door({ nodes: two.map(({ address }) => address) });
    for (let n = 0; n < 10; n += 1) await ask(internal, '/');
    expect(two.map(({ seen }) => seen.length)).toEqual([5, 5]);
  });

  it('one node slow › the fewest connections decide', async () => {
    const [slow, quick] = [await upstream(() => undefined), await upstream()];
    const { internal } = await door({ nodes: [slow.address, quick.address] });
    const pending: Promise<unknown>[] = [];
    while (slow.seen.length === 0) {
      pending.push(ask(internal, '/').catch(() => undefined));
      await until('the call to arrive', () => slow.seen.length + quick.seen.length === pending.length);
    }
    for (let n = 0; n < 6; n += 1) expect((await ask(internal, '/')).status).toBe(200);
    expect(slow.seen).toHaveLength(1);
    await slow.close();
    await Promise.all(pending);
  });

  it('one node killed › the other answers everything', async () => {
    const [first, second] = [await upstream(), await upstream()];
    const { internal } = await door({ nodes: [first.address, second.address] });
    await first.close();
    for (let n = 0; n < 20; n += 1) expect((await ask(internal, '/')).status).toBe(200);
    expect(second.seen).toHaveLength(20);
  });

  it('one node frozen, its queue full › the other answers after the connect timeout', async () => {
    const [frozen, alive] = [await frozenServer(), await upstream()];
    const { internal } = await door({ nodes: [frozen.address, alive.address] });
    const before = Date.now();
    for (let n = 0; n < 4; n += 1) expect((await ask(internal, '/')).status).toBe(200);
    expect(Date.now() - before).toBeGreaterThan(1900);
    expect(Date.now() - before).toBeLessThan(15_000);
    frozen.end();
  });

  it('what a node tells the gateway › goes to its inbound listener, not to its public one', async () => {
    const [gateway, inbound] = [await upstream(), await upstream()];
    const { internal } = await door({ gateway: [gateway.address], inbound: [inbound.address] });
    const answer = await ask(internal, '/inbound/plc_1', {
      method: 'POST',
      body: '{}',
      headers: { authorization: 'Bearer secret' },
    });
    expect(answer.status).toBe(200);
    expect(inbound.seen[0]).toMatchObject({
      url: '/inbound/plc_1',
      headers: { authorization: 'Bearer secret' },
    });
    expect(gateway.seen).toEqual([]);
  });
});
