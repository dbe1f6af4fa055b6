import { rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { aptInstall, aptWorks } from './apt.js';
import { openFolder, temporaryFolder } from './folders.js';
import { freePort } from './ports.js';
import { ready, run, type Command, type Running } from './process.js';
import { findRedis, installCommand } from './programs.js';

const HOW = installCommand({ debian: 'redis-server', brew: 'redis' });

export interface RedisOptions {
  /** Holds its files; a temporary one that goes with `stop` unless told. */
  dir?: string;
  /** A free one unless told. */
  port?: number;
  /** Keeps every write on disk (`appendonly yes`); nothing is kept unless told. */
  appendonly?: boolean;
  /** Further arguments, such as `['--maxmemory', '10mb']`. */
  args?: string[];
  logFile?: string;
}

export interface Redis extends Running {
  host: '127.0.0.1';
  port: number;
  url: string;
}

/** Is it this very process that answers, and no other server that had the port before? */
function isServing(port: number, pid: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1', timeout: 1000 }, () =>
      socket.write('INFO server\r\n'),
    );
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    let text = '';
    socket.on('data', (data) => {
      text += data.toString();
      // While it loads its file Redis answers -LOADING, without its process id.
      if (text.startsWith('-')) end(false)();
      if (text.includes(`process_id:${pid}\r`)) end(true)();
    });
    socket.once('error', end(false));
    socket.once('timeout', end(false));
    socket.once('close', end(false));
  });
}

function command(program: string, options: RedisOptions & { dir: string }, port: number): Command {
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    dir: options.dir,
    save: '',
    appendonly: options.appendonly ? 'yes' : 'no',
    'maxmemory-policy': 'noeviction',
    // Keeps the command line as given, by which an orphan is recognised as ours.
    'set-proc-title': 'no',
    pidfile: join(options.dir, 'redis.pid'),
  };
  return {
    name: 'Redis',
    file: program,
    args: [
      ...Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
      ...(options.args ?? []),
    ],
    options: { cwd: options.dir },
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
  };
}

/** Makes sure that some Redis server is here, by apt where that works; does nothing when one is. */
export async function provideRedis(): Promise<void> {
  if (findRedis() === null && aptWorks()) await aptInstall(['redis-server']);
}

/**
 * Starts a Redis (or Valkey) server on 127.0.0.1 and resolves when it serves.
 * @throws Error saying what to install, or with the end of its log
 */
export async function startRedis(given: RedisOptions = {}): Promise<Redis> {
  await provideRedis();
  const program = findRedis();
  if (program === null) throw new Error(`no Redis here: ${HOW} (or set REDIS_HOST to one that runs)`);
  const dir = given.dir === undefined ? temporaryFolder('redis') : openFolder(given.dir);
  const port = given.port ?? (await freePort());
  const how = command(program, { ...given, dir }, port);
  const running = await run(how);
  await ready(how, running, () => isServing(port, running.pid));
  const stop = async () => {
    await running.stop();
    if (given.dir === undefined) rmSync(dir, { recursive: true, force: true });
  };
  return { ...running, stop, host: '127.0.0.1', port, url: `redis://127.0.0.1:${port}` };
}
