import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { environmentBeside } from '../src/command.js';
import { temporaryFolder } from '../src/folders.js';
import { takeLock } from '../src/lock.js';
import { freePort } from '../src/ports.js';
import { readSettings } from '../src/settings.js';

let folder: string;
let launchers: { end(): Promise<void> }[];

beforeEach(() => {
  folder = temporaryFolder('command');
  mkdirSync(join(folder, 'backend'));
  launchers = [];
});

afterEach(async () => {
  await Promise.all(launchers.map(({ end }) => end()));
  rmSync(folder, { recursive: true, force: true });
});

const SHARED = { DB_HOST: '127.0.0.1', DB_PORT: '5', DB_PASSWORD: 'generated' };

/** What looks like an `npm start` that has come this far. */
async function launcher(shared?: Record<string, string>): Promise<void> {
  const lock = await takeLock(folder, () => undefined);
  if (shared) lock.share(shared);
  // The lock is this process's own, which is no launcher.
  const child = spawn(process.execPath, ['-e', 'console.log(); setInterval(() => 0, 1e6)', 'start.mjs']);
  await once(child.stdout, 'data');
  writeFileSync(join(folder, 'launcher.json'), JSON.stringify({ pid: child.pid }));
  launchers.push({
    end: async () => {
      child.kill();
      await once(child, 'exit');
    },
  });
}

const env = (given: Record<string, string> = {}) =>
  environmentBeside(readSettings({ DATA_DIR: folder, ...given }, folder));
const envFile = (text: string) => writeFileSync(join(folder, '.env'), text);

describe('a command on the gateway’s data', () => {
  it('regression › beside npm start, told DATA_DIR alone › has what its gateway runs with, which nobody else reads', async () => {
    await launcher(SHARED);
    expect(await env()).toEqual(SHARED);
    // A password alone is that of the role which npm start makes.
    expect(await env({ DB_PASSWORD: 'mine' })).toEqual(SHARED);
    expect(statSync(join(folder, 'gateway.json')).mode & 0o777).toBe(0o600);
  });

  it('regression › a copied .env, where nothing answers › does not hide the npm start that took its place', async () => {
    const port = await freePort();
    envFile(`DB_HOST=localhost\nDB_PORT=${port}\nDB_PASSWORD=x\n`);
    await expect(env()).rejects.toThrow(
      `nothing answers at localhost:${port}, which .env names, and no \`npm start\` runs with DATA_DIR=${folder}`,
    );
    await launcher(SHARED);
    expect(await env()).toEqual(SHARED);
  });

  it('a database that is named › is meant, also beside npm start', async () => {
    await launcher(SHARED);
    expect(await env({ DB_HOST: '127.0.0.1', DB_PORT: '1' })).toEqual({});
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    envFile(`DB_HOST=127.0.0.1\nDB_PORT=${(server.address() as AddressInfo).port}\n`);
    expect(await env()).toEqual({});
    server.close();
  });

  it('nothing runs › a line says what to do; what a killed one left is not taken for it', async () => {
    const none = `no \`npm start\` runs with DATA_DIR=${folder}: start it first, or name a database of yours`;
    await expect(env()).rejects.toThrow(none);
    await launcher(SHARED);
    await launchers.pop()!.end();
    await expect(env()).rejects.toThrow(none);
    expect(await env({ DB_PASSWORD: 'of the server at the default port' })).toEqual({});
  });

  it('npm start is on its way › says so, whatever an earlier one left', async () => {
    await launcher(SHARED);
    await launchers.pop()!.end();
    await launcher();
    await expect(env()).rejects.toThrow('has not come far enough');
  });
});
