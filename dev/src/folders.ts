import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { endProcess, isAlive, isOurs } from './process.js';

/** A user without rights, as PostgreSQL refuses to run as root. */
export interface Uid {
  uid: number;
  gid: number;
}

/** Whom to run a server as: nobody in particular ({}) unless we are root, else `postgres` or `nobody`. */
export function unprivileged(): Partial<Uid> {
  if (process.getuid?.() !== 0) return {};
  const users = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8').split('\n') : [];
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  return { uid: 65_534, gid: 65_534 };
}

/** The owner of a folder, when we are root and so could be someone else. */
export function ownerOf(folder: string): Partial<Uid> {
  if (process.getuid?.() !== 0) return {};
  const { uid, gid } = statSync(folder);
  return uid === 0 ? unprivileged() : { uid, gid };
}

export function chownTo(path: string, { uid, gid }: Partial<Uid>): void {
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

/** The first folder above (and including) `folder` that other users may not pass through; null when all may. */
export function closedFolder(folder: string): string | null {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return at;
    if (at === dirname(at)) return null;
  }
}

/**
 * Makes a folder that an unprivileged server can pass through (its files keep their own modes).
 * @throws Error naming the folder above that is closed to others
 */
export function openFolder(folder: string): string {
  const path = resolve(folder);
  mkdirSync(path, { recursive: true });
  if (process.getuid?.() !== 0) return path;
  chmodSync(path, statSync(path).mode | 0o111);
  const closed = closedFolder(path);
  if (closed === null) return path;
  throw new Error(
    `${closed} is closed to other users, so PostgreSQL cannot reach ${path}: set DATA_DIR to a folder elsewhere`,
  );
}

/** Writes a file only its owner reads. */
export function writeSecret(file: string, text: string, owner: Partial<Uid> = {}): void {
  rmSync(file, { force: true });
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  chownTo(file, owner);
}

const PREFIX = 'evolution-gateway-';

/** A folder for throw-away servers, named after this process so that `sweepTemporary` knows whose it was. */
export const temporaryFolder = (what: string): string =>
  openFolder(mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-${what}-`)));

const pidIn = (file: string): number => {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || 0;
  } catch {
    return 0;
  }
};

const pidFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pid'))
    .map((name) => join(folder, name));

/** Ends the servers and removes the folders that a test run left behind when it was killed. */
export async function sweepTemporary(): Promise<void> {
  const mine = process.getuid?.();
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const owner = Number.parseInt(name.slice(PREFIX.length), 10);
    const folder = join(tmpdir(), name);
    if (!owner || isAlive(owner) || lstatSync(folder).uid !== mine) continue;
    const left = pidFiles(folder).map(pidIn);
    await Promise.all(left.filter((pid) => isOurs(pid, folder)).map((pid) => endProcess(pid, 'SIGKILL')));
    rmSync(folder, { recursive: true, force: true });
  }
}
