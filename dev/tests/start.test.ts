import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { isAlive } from '../src/process.js';
import { until } from '../src/wait.js';
import {
  children,
  command,
  endLaunched,
  get,
  healthy,
  launch,
  lines,
  paste,
  processesOf,
  start,
  surroundings,
  taken,
  untilAnswered,
  untilReady,
} from './support/launch.js';

endLaunched();

describe('npm start', () => {
  it('on nothing › is ready, and its three lines send a message that is read and answered', async () => {
    const one = await start();
    expect(one.output()).toContain(`\nready http://localhost:${one.env['HTTP_PORT']}\n`);
    expect(lines(one)).toHaveLength(3);
    const port = Number(one.env['SANDBOX_PORT']);
    for (const [name, at] of [
      ['node-1', port],
      ['node-2', port + 1],
    ] as const)
      expect(one.output()).toContain(`${name}: http://127.0.0.1:${at}, process ${children(one)[name]}\n`);
    const sent = paste(one);
    expect(sent.message).toMatchObject({ status: 'queued', message: 'Hello' });
    await untilAnswered(one, sent);
    // Commands beside it work on its data, and are told where that is alone.
    const [, email = ''] = /"email":"([^"]+)"/.exec(lines(one)[0] ?? '') ?? [];
    expect(command(one.dataDir, 'admin', email)).toMatch(`0: ${email} is an admin\n`);
    expect(command(one.dataDir, 'reseal')).toMatch(/^0: 0 secrets sealed anew/);
    expect((await get(one, '/nothing')).body.code).toBe('not_found');
    expect((await get(one, '/health')).body.nodes.map(({ name }: any) => name)).toEqual(['node-1', 'node-2']);
  });

  it('SIGTERM › stops everything it started, and frees every port', async () => {
    const one = await start();
    expect(Object.keys(children(one)).sort()).toEqual(
      ['PostgreSQL', 'backend', 'nginx', 'node-1', 'node-2', 'redis', 'redis-nodes'].sort(),
    );
    const began = Date.now();
    one.child.kill('SIGTERM');
    expect(await one.ended).toBe(0);
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(processesOf(one.dataDir)).toEqual([]);
    expect(await taken(one.env)).toEqual([false, false, false, false]);
    expect(readdirSync(one.dataDir)).not.toContain('gateway.json');
    expect(command(one.dataDir, 'admin', 'a@example.com')).toBe(
      `1: no \`npm start\` runs with DATA_DIR=${one.dataDir}: start it first, or name a database of yours (DB_HOST, DB_PASSWORD)\n`,
    );
  });

  it('SIGINT during the start › stops what was started already', async () => {
    const one = launch(await surroundings());
    await until('a first child', () => Object.keys(children(one)).length > 0);
    one.child.kill('SIGINT');
    expect(await one.ended).toBe(0);
    expect(one.output()).not.toContain('\nready ');
    expect(processesOf(one.dataDir)).toEqual([]);
  });

  it('killed with SIGKILL › the next start ends what it left, and knows the same tokens', async () => {
    const one = await start();
    const { token } = paste(one);
    const before = children(one);
    one.child.kill('SIGKILL');
    await one.ended;
    expect(Object.values(before).every(isAlive)).toBe(true);
    const again = await untilReady(launch(one.env));
    expect(again.output()).toContain('stopped what an earlier start left running');
    expect(Object.values(before).some(isAlive)).toBe(false);
    const { status, body } = await get(again, '/api/messages', token);
    expect({ status, texts: body.data.map(({ message }: any) => message) }).toMatchObject({ status: 200 });
    expect(body.data.length).toBeGreaterThan(0);
  });

  it('npm above it killed with SIGKILL › it stops everything by itself, and a start right after works', async () => {
    const env = await surroundings();
    const one = await untilReady(launch(env, ['npm', 'start']));
    one.child.kill('SIGKILL');
    const again = await untilReady(launch(env));
    expect(again.output()).not.toContain('already running');
    expect(await healthy(again)()).toBe(true);
  });

  it('two side by side › both work; a second one over the same data says so and ends with 1', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    await Promise.all([one, other].map((each) => untilAnswered(each, paste(each))));
    const third = launch({ ...other.env, DATA_DIR: one.dataDir });
    expect(await third.ended).toBe(1);
    expect(third.output()).toMatch(/already running \(process \d+\) with this DATA_DIR/);
    expect(await healthy(one)()).toBe(true);
  });

  it('a port that is taken › one line names it and its variable, and nothing is left running', async () => {
    const env = await surroundings();
    const server = createServer().listen(Number(env['INTERNAL_PORT']), '127.0.0.1');
    const one = launch(env);
    expect(await one.ended).toBe(1);
    expect(one.output().trim().split('\n')).toHaveLength(1);
    expect(one.output()).toContain(`port ${env['INTERNAL_PORT']} is taken by process ${process.pid} (`);
    expect(one.output()).toContain('INTERNAL_PORT');
    expect(processesOf(one.dataDir)).toEqual([]);
    server.close();
  });

  it('regression › a setting that is wrong › why is the last line', async () => {
    const one = launch({ ...(await surroundings()), BCRYPT_COST: 'dear' });
    expect(await one.ended).toBe(1);
    expect(one.output().trim().split('\n').at(-1)).toMatch(
      /backend did not start: exit 1: Configuration .*"BCRYPT_COST" must be a number \(.*backend\.log\)$/,
    );
  });

  it('without nginx › says so, and the gateway itself listens on HTTP_PORT', async () => {
    const one = await start({ NGINX: 'none' });
    expect(one.output()).toContain(`the gateway itself listens on ${one.env['HTTP_PORT']}`);
    expect(children(one)).not.toHaveProperty('nginx');
    await untilAnswered(one, paste(one));
  });
});

describe('a child that dies', () => {
  it('all at once › all come back, and messages flow', async () => {
    const one = await start();
    for (const pid of Object.values(children(one))) process.kill(pid, 'SIGKILL');
    await until('all to be back', () => (one.output().match(/ runs again /g) ?? []).length >= 7, {
      timeoutMs: 120_000,
    });
    await until('health', healthy(one), { timeoutMs: 120_000, everyMs: 100 });
    await untilAnswered(one, paste(one));
  });

  it('with RESPAWN_AFTER=0 › stays down, and health names it', async () => {
    const one = await start({ RESPAWN_AFTER: '0', NODE_CHECK: '1' });
    process.kill(children(one)['node-2'] ?? 0, 'SIGKILL');
    await until('the line that says so', () =>
      one.output().includes('node-2 ended (signal SIGKILL); it stays down'),
    );
    await until('health to name it', async () => {
      const { body } = await get(one, '/health');
      return body.nodes.some(({ name, status }: any) => name === 'node-2' && status === 'down');
    });
    expect(one.output()).not.toContain('node-2 runs again');
  });
});
