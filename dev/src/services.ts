import { request } from 'node:http';
import { mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from './cause.js';
import { startNginx, type NginxOptions } from './nginx.js';
import { startPostgres, type Postgres, type PostgresOptions } from './postgres.js';
import { ready, run, type Command, type Running } from './process.js';
import { startRedis } from './redis.js';
import { root } from './settings.js';
import type { Service } from './supervisor.js';

const KEEP_LOG = 20 * 1024 * 1024;

/** `DATA_DIR/logs/<name>.log`; a large one of an earlier start becomes `.old`. */
export function logFile(dataDir: string, name: string): string {
  const file = join(dataDir, 'logs', `${name}.log`);
  mkdirSync(join(dataDir, 'logs'), { recursive: true });
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > KEEP_LOG) renameSync(file, `${file}.old`);
  return file;
}

/** The status of a GET, or 0 when there is no answer within two seconds. */
export function status(url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve) => {
    const asked = request(url, { headers, agent: false, timeout: 2000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.once('error', () => resolve(0));
    asked.once('timeout', () => asked.destroy());
    asked.end();
  });
}

/** TypeScript entry, run by Node through tsx from the root of the checkout. */
export interface Program {
  name: string;
  entry: string;
  env: Record<string, string>;
  dataDir: string;
  watch?: boolean;
  onLine?: (line: string) => void;
}

function command(program: Program): Command {
  const { name, entry, env, dataDir, watch, onLine } = program;
  const file = join(root, entry);
  const how = watch
    ? [join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs'), 'watch', '--clear-screen=false', file]
    : ['--import', 'tsx', file];
  return {
    name,
    file: process.execPath,
    // The last argument means nothing to the program: an orphan is recognised by it.
    args: [...how, `--started-for=${dataDir}/`],
    logFile: logFile(dataDir, name),
    patienceMs: 35_000,
    readyMs: 60_000,
    options: { cwd: root, env: { ...process.env, ...env } },
    ...(onLine ? { onLine } : {}),
  };
}

/** A program that is kept running; `isReady` is polled after each start. */
export function programService(program: Program, tier: number, isReady: () => Promise<boolean>): Service {
  return {
    name: program.name,
    tier,
    start: async (spawned) => {
      const how = command(program);
      const running = await run(how);
      spawned(running);
      await ready(how, running, isReady);
      return running;
    },
  };
}

/**
 * Runs a program that ends by itself, such as the migrations.
 * @throws Error with why, and the end of its output, unless it exits with 0
 */
export async function runToEnd(program: Program, spawned: (running: Running) => void): Promise<void> {
  const lines: string[] = [];
  const how = { ...command(program), onLine: (line: string) => void lines.push(line) };
  const running = await run(how);
  spawned(running);
  const end = await running.exited;
  if (end !== 'exit 0') throw new Error(failure(`${program.name} failed (${end})`, lines, how.logFile));
}

export interface PostgresService extends Service {
  start(spawned: (running: Running) => void): Promise<Postgres>;
}

export const postgresService = (options: PostgresOptions): PostgresService => ({
  name: 'PostgreSQL',
  tier: 3,
  start: () => startPostgres(options),
});

/** `redis` is the gateway's, which may lose everything; `redis-nodes` keeps the nodes' session keys on disk. */
export function redisService(name: 'redis' | 'redis-nodes', dataDir: string, port: number): Service {
  const options = { dir: join(dataDir, name), port, appendonly: name === 'redis-nodes' };
  return { name, tier: 3, start: () => startRedis({ ...options, logFile: logFile(dataDir, name) }) };
}

export const nginxService = (options: NginxOptions): Service => ({
  name: 'nginx',
  tier: 1,
  start: () => startNginx(options),
});
