import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { openFolder, writeSecret, type Uid } from './folders.js';
import { freePort, canListen } from './ports.js';
import { chooseServer, ensureCluster, serverEnv, type Server } from './postgres-server.js';
import { endProcess, isOurs, ready, run, type Command, type Running } from './process.js';
import { aptInstall, aptWorks } from './apt.js';
import { findPostgres } from './programs.js';

/** A role, the database it owns, and a `postgres://` URL with both. */
export interface Login {
  user: string;
  password: string;
  database: string;
  url: string;
}

export interface PostgresOptions {
  /** Holds the cluster and what is remembered (port, passwords); made when missing; not inside a closed folder. */
  dataDir: string;
  /** Taken if given, else the remembered one, else a free one. */
  port?: number;
  /** Extra `-c name=value` settings; `THROWAWAY` for tests. */
  settings?: Record<string, string>;
  logFile?: string;
  /** Names and password of the gateway's own role, where the user chose them. */
  gateway?: Partial<Omit<Login, 'url'>>;
}

export interface Postgres extends Running {
  host: '127.0.0.1';
  port: number;
  server: Server;
  /** For faults and look-ups of tests; the gateway never gets it. */
  superuser: Login;
  /** `evolution_user` and its database `evolution_api`: may create roles and databases, is no superuser. */
  gateway: Login;
  /** `evolution_nodes` and its database of the same name. */
  nodes: Login;
}

/** Settings for data nobody will miss: about three times as fast. */
export const THROWAWAY = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  max_connections: '400',
};

interface Memory {
  port?: number;
  superuser: string;
  gateway: string;
  nodes: string;
}

const password = (): string => randomBytes(18).toString('base64url');

function remember(dataDir: string): Memory {
  const file = join(dataDir, 'postgres.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Memory;
  const memory = { superuser: password(), gateway: password(), nodes: password() };
  writeSecret(file, JSON.stringify(memory));
  return memory;
}

/** A server whose launcher was killed still holds the cluster; a stale pid file may name someone else's process. */
async function endOrphan(dataDir: string): Promise<void> {
  const file = join(dataDir, 'cluster', 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  if (isOurs(pid, dataDir)) await endProcess(pid, 'SIGINT');
  rmSync(file, { force: true });
}

/** How a server over `dataDir/cluster` is run. */
export function serverCommand(
  options: Pick<PostgresOptions, 'dataDir' | 'logFile' | 'settings'>,
  port: number,
  start: { server: Server; owner: Partial<Uid> },
): Command {
  const { dataDir, logFile, settings = {} } = options;
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // A socket's path has at most 107 characters and its folder would need another owner: TCP is enough.
    unix_socket_directories: '',
    max_connections: '200',
    ...settings,
  };
  return {
    name: 'PostgreSQL',
    file: join(start.server.bin, 'postgres'),
    args: [
      '-D',
      join(dataDir, 'cluster'),
      ...Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    // SIGINT is the "fast" shutdown; SIGTERM would wait for every client to leave.
    signal: 'SIGINT',
    options: { ...start.owner, cwd: dataDir, env: serverEnv() },
    ...(logFile === undefined ? {} : { logFile }),
  };
}

/** One connection for `work`, closed after it. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function ensureLogin(client: pg.Client, login: Login, attributes: string): Promise<void> {
  const role = client.escapeIdentifier(login.user);
  const found = await client.query('select 1 from pg_roles where rolname = $1', [login.user]);
  const verb = found.rowCount ? 'alter' : 'create';
  await client.query(
    `${verb} role ${role} login ${attributes} password ${client.escapeLiteral(login.password)}`,
  );
  const databases = await client.query('select 1 from pg_database where datname = $1', [login.database]);
  if (databases.rowCount) return;
  await client.query(`create database ${client.escapeIdentifier(login.database)} owner ${role}`);
}

function withUrl(port: number, login: Omit<Login, 'url'>): Login {
  const [user, password, database] = [login.user, login.password, login.database].map(encodeURIComponent);
  return { ...login, url: `postgres://${user}:${password}@127.0.0.1:${port}/${database}` };
}

const logins = (options: PostgresOptions, memory: Memory, port: number) => ({
  superuser: withUrl(port, { user: 'postgres', password: memory.superuser, database: 'postgres' }),
  gateway: withUrl(port, {
    user: 'evolution_user',
    password: memory.gateway,
    database: 'evolution_api',
    ...options.gateway,
  }),
  nodes: withUrl(port, { user: 'evolution_nodes', password: memory.nodes, database: 'evolution_nodes' }),
});

async function choosePort(options: PostgresOptions, memory: Memory): Promise<number> {
  if (options.port !== undefined) return options.port;
  return memory.port !== undefined && (await canListen(memory.port)) ? memory.port : freePort();
}

/** Makes sure that some server is here, by apt where that works; does nothing when one is. */
export async function providePostgres(): Promise<void> {
  if (findPostgres().length > 0 || !aptWorks()) return;
  await aptInstall(['postgresql-15']).catch(() => undefined);
}

/**
 * Starts PostgreSQL on 127.0.0.1 over `dataDir` and resolves when it answers, with the two roles and databases in
 * place. An orphan over the same folder is stopped first; port and passwords stay the same from start to start.
 * @throws Error when there is no server to run, or it does not start (with the end of its log)
 */
export async function startPostgres(given: PostgresOptions): Promise<Postgres> {
  const options = { ...given, dataDir: openFolder(given.dataDir) };
  await providePostgres();
  await endOrphan(options.dataDir);
  const memory = remember(options.dataDir);
  const server = chooseServer(options.dataDir);
  const owner = await ensureCluster(server, options.dataDir, memory.superuser);
  const port = await choosePort(options, memory);
  const how = serverCommand(options, port, { server, owner });
  const running = await run(how);
  const all = logins(options, memory, port);
  await ready(how, running, () => withClient(all.superuser.url, (client) => client.query('select 1')));
  await withClient(all.superuser.url, async (client) => {
    await ensureLogin(client, all.gateway, 'createrole createdb nosuperuser');
    await ensureLogin(client, all.nodes, 'nosuperuser');
  });
  writeSecret(join(options.dataDir, 'postgres.json'), JSON.stringify({ ...memory, port }));
  return { ...running, ...all, host: '127.0.0.1', port, server };
}
