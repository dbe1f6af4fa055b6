import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTENING = '0A';
/** TIME_WAIT. */
const LINGERING = '06';

interface Entry {
  state: string;
  inode: string;
}

/** Sockets of this machine on a local TCP port, from Linux's own table; [] elsewhere. */
function socketsOn(port: number): Entry[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    read(file)
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[1]?.endsWith(`:${hex}`))
      .map((fields) => ({ state: fields[3] ?? '', inode: fields[9] ?? '' })),
  );
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The process that has a socket open, as far as we may look into it. */
function processOf(inode: string): string | null {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const pid = pids.find((one) => links(`/proc/${one}/fd`).includes(`socket:[${inode}]`));
  return pid === undefined ? null : `process ${pid} (${read(`/proc/${pid}/comm`).trim()})`;
}

function links(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => linkAt(`${folder}/${name}`));
  } catch {
    return [];
  }
}

function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/**
 * Who has a TCP port, where that can be told: `process 123 (node)`, or an outgoing connection, which may have taken any
 * port of the system's range for such and keeps it for a minute after its end: no SO_REUSEADDR of ours helps where the
 * connection had none. Null: it cannot be told.
 */
export function holderOf(port: number): string | null {
  const sockets = socketsOn(port);
  const listener = sockets.find(({ state }) => state === LISTENING);
  const open = listener ?? sockets.find(({ inode }) => inode !== '0');
  if (!open)
    return sockets.some(({ state }) => state === LINGERING)
      ? 'an outgoing connection that has ended, for up to a minute'
      : null;
  const who = processOf(open.inode) ?? 'a process of another user';
  return listener ? who : `an outgoing connection of ${who}`;
}
