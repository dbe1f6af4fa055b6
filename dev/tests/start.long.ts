import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { until } from '../src/wait.js';
import {
  children,
  endLaunched,
  healthy,
  launch,
  paste,
  processesOf,
  start,
  surroundings,
  untilAnswered,
  untilReady,
} from './support/launch.js';

endLaunched();

describe('npm start', () => {
  it('its secrets › are made once, stay, and nobody else reads them', async () => {
    const one = await start();
    const file = join(one.dataDir, 'kept.json');
    const before = JSON.parse(readFileSync(file, 'utf8'));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(one.dataDir, 'postgres', 'postgres.json')).mode & 0o777).toBe(0o600);
    one.child.kill('SIGTERM');
    expect(await one.ended).toBe(0);
    const again = await untilReady(launch(one.env));
    const after = JSON.parse(readFileSync(file, 'utf8'));
    expect(after).toEqual(before);
    expect(before.JWT_SECRET.length).toBeGreaterThan(32);
    expect(again.output()).not.toContain(before.JWT_SECRET);
  });

  it('--watch › the gateway runs under a watcher, and ends with the rest', async () => {
    const one = await untilReady(
      launch(await surroundings(), [process.execPath, 'dev/start.mjs', '--watch']),
    );
    await until('health', healthy(one), { everyMs: 100 });
    one.child.kill('SIGTERM');
    expect(await one.ended).toBe(0);
    expect(processesOf(one.dataDir)).toEqual([]);
  });
});

describe('a child that dies', () => {
  it.each(['backend', 'nginx', 'node-1', 'redis', 'redis-nodes', 'PostgreSQL'])(
    '%s › is started again after RESPAWN_AFTER, and messages flow',
    async (name) => {
      const one = await start();
      const pid = children(one)[name] ?? 0;
      process.kill(pid, 'SIGKILL');
      await until('the line that says so', () =>
        one.output().includes(`${name} ended (signal SIGKILL); starting it again in 1 s`),
      );
      await until('its return', () => one.output().includes(`${name} runs again`), { timeoutMs: 120_000 });
      expect(children(one)[name]).not.toBe(pid);
      await until('health', healthy(one), { timeoutMs: 120_000, everyMs: 100 });
      await untilAnswered(one, paste(one));
    },
  );
});
