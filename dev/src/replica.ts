import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chownTo, openFolder, unprivileged } from './folders.js';
import { freePort } from './ports.js';
import { serverCommand, withClient, type Postgres } from './postgres.js';
import { serverEnv } from './postgres-server.js';
import { ready, run, type Running } from './process.js';
import { findProgram } from './programs.js';
import { until } from './wait.js';

export interface ReplicaOptions {
  /** An empty folder, which gets a copy of the primary's cluster. */
  dataDir: string;
  /** The primary's own; a replica refuses to allow fewer connections than its primary does. */
  settings?: Record<string, string>;
  logFile?: string;
}

export interface Replica {
  host: '127.0.0.1';
  port: number;
  /** As the primary's superuser. */
  query<Row>(text: string): Promise<Row[]>;
  /** Stops replaying: what the primary commits from here on is received, but not seen. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Makes it a primary of its own, for good. */
  promote(): Promise<void>;
  /** SIGSTOP or SIGCONT to every process of it: connections stay open, and nothing answers. */
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The program that copies a running cluster, of the server's own version; null where npm brought the server. */
export const findBaseBackup = (bin: string): string | null => findProgram(join(bin, 'pg_basebackup'));

async function copyCluster(primary: Postgres, dataDir: string): Promise<void> {
  const program = findBaseBackup(primary.server.bin);
  if (program === null) throw new Error(`no pg_basebackup in ${primary.server.bin}`);
  const cluster = join(dataDir, 'cluster');
  mkdirSync(cluster, { mode: 0o700 });
  chownTo(cluster, unprivileged());
  const { user, password } = primary.superuser;
  const connection = `host=127.0.0.1 port=${primary.port} user=${user}`;
  // -R writes how to follow the primary, password included.
  const args = ['-D', cluster, '-d', connection, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'];
  await promisify(execFile)(program, args, {
    ...unprivileged(),
    cwd: dataDir,
    env: { ...serverEnv(), PGPASSWORD: password },
  });
}

/** Each backend leads a session of its own, so that there is no group to signal. */
function signalAll(postmaster: number, signal: NodeJS.Signals): void {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
  const children = pairs.flatMap(([pid, parent]) => (pid && parent === postmaster ? [pid] : []));
  for (const pid of [postmaster, ...children]) process.kill(pid, signal);
}

/**
 * Starts a streaming replica of `primary` (made with `wal_level` replica, the default) on 127.0.0.1 and resolves when
 * it answers. @throws Error where pg_basebackup is missing, or with the end of its log
 */
export async function startReplica(primary: Postgres, given: ReplicaOptions): Promise<Replica> {
  const options = { ...given, dataDir: openFolder(given.dataDir) };
  await copyCluster(primary, options.dataDir);
  const port = await freePort();
  const url = primary.superuser.url.replace(`:${primary.port}/`, `:${port}/`);
  const query = <Row>(text: string) =>
    withClient(url, async (client) => (await client.query(text)).rows as Row[]);
  const how = serverCommand(options, port, { server: primary.server, owner: unprivileged() });
  let running: Running;
  const start = async () => {
    running = await run(how);
    await ready(how, running, () => query('select 1'));
  };
  await start();
  return {
    host: '127.0.0.1',
    port,
    query,
    async pause() {
      await query('select pg_wal_replay_pause()');
      await until('replay to pause', async () => {
        const [row] = await query<{ state: string }>('select pg_get_wal_replay_pause_state() as state');
        return row?.state === 'paused';
      });
    },
    resume: async () => void (await query('select pg_wal_replay_resume()')),
    promote: async () => void (await query('select pg_promote()')),
    freeze: () => signalAll(running.pid, 'SIGSTOP'),
    thaw: () => signalAll(running.pid, 'SIGCONT'),
    kill: () => running.kill(),
    start,
    stop: () => running.stop(),
  };
}
