import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
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
