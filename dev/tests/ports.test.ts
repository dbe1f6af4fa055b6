import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { holderOf } from '../src/holder.js';
import { canListen, freePort } from '../src/ports.js';
import { root } from '../src/settings.js';

const ASK = `
  import { freePort } from './dev/src/ports.ts';
  const ports = [];
  for (let i = 0; i < 300; i += 1) ports.push(await freePort());
  console.log(JSON.stringify(ports));
  await new Promise((resolve) => process.stdin.once('data', resolve).resume());
`;

describe('a free port', () => {
  it('asked for again before anything listens there › is another one each time', async () => {
    const ports = await Promise.all(Array.from({ length: 300 }, () => freePort()));
    expect(new Set(ports).size).toBe(300);
    const server = createServer().listen(ports[0], '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    expect(await canListen(ports[0]!)).toBe(false);
    server.close();
  });

  it('several in a row › are free, and none of them is given again', async () => {
    const first = await freePort(3);
    const others = await Promise.all(Array.from({ length: 100 }, () => freePort()));
    for (const port of [first, first + 1, first + 2]) {
      expect(await canListen(port)).toBe(true);
      expect(others).not.toContain(port);
    }
  });

  it('regression › two processes that ask at the same time › are never given the same one', async () => {
    const run = () => {
      const asking = promisify(execFile)(
        process.execPath,
        ['--import', 'tsx', '--input-type=module', '-e', ASK],
        {
          cwd: root,
        },
      );
      return asking;
    };
    const both = [run(), run()];
    // Neither ends, and so neither lets go, before both have their ports.
    const printed = both.map(
      ({ child }) =>
        new Promise<number[]>((resolve) => child.stdout!.once('data', (text) => resolve(JSON.parse(text)))),
    );
    const [one = [], other = []] = await Promise.all(printed);
    both.forEach(({ child }) => child.stdin!.end('\n'));
    await Promise.all(both);
    expect(new Set([...one, ...other]).size).toBe(600);
  });
});

describe('who has a port', () => {
  const connected = async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = createConnection({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
    await new Promise((resolve) => client.once('connect', resolve));
    return { server, client, port: client.localPort! };
  };

  it('regression › an outgoing connection on it › cannot be listened on, and is named as what it is', async () => {
    const { server, client, port } = await connected();
    expect(await canListen(port)).toBe(false);
    expect(holderOf(port)).toMatch(new RegExp(`^an outgoing connection of process ${process.pid} \\(.+\\)$`));
    client.destroy();
    server.close();
  });

  it('a connection that has ended, and lingers in TIME_WAIT › is named as what it is', async () => {
    const { server, client, port } = await connected();
    // Who closes first is the one that lingers.
    client.end();
    await new Promise((resolve) => client.once('close', resolve));
    expect(readFileSync('/proc/net/tcp', 'utf8')).toMatch(
      new RegExp(`0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+ 06 `),
    );
    expect([await canListen(port), holderOf(port)]).toEqual([
      false,
      'an outgoing connection that has ended, for up to a minute',
    ]);
    server.close();
  });

  it('a listener, and nobody › is named, and null', async () => {
    const { server, client } = await connected();
    const { port } = server.address() as AddressInfo;
    expect(holderOf(port)).toMatch(new RegExp(`^process ${process.pid} \\(`));
    client.destroy();
    server.close();
    expect(holderOf(await freePort())).toBeNull();
  });
});
