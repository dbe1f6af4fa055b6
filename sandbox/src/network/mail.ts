import pg from 'pg';
import { clientConfig, type Database } from '../store/database.js';
import { createBatcher } from '../utils/batch.js';
import type { Log } from '../utils/log.js';
import type { Envelope } from './network.js';

/** The end of a line between a node and the network. */
export interface Socket {
  readonly id: string;
  /** The device's key. */
  readonly device: string;
  /** Handles one envelope; the next waits for it. If it throws, the envelope stays and is tried again. */
  deliver(envelope: Envelope): Promise<void>;
  /** The network ends the line: 440 another socket took the device, 401 unlinked, 403 banned. */
  kick(code: number): void;
}

interface Line {
  readonly socket: Socket;
  queue: Promise<void>;
}

interface Needs {
  readonly db: Database;
  readonly databaseUrl: string;
  readonly node: string;
  readonly pollMs: number;
  readonly log: Log;
}

const SELECT = `select e.id, e.device, null as node, extract(epoch from e.due)::float8 * 1000 as due, e.kind, e.payload
  from whatsapp.envelope e`;

/** How often an envelope is tried while, say, Redis is away; each poll is one try. */
const MAX_TRIES = 20;

/** Listens for the network's notices, on a connection of its own that is made again when lost. */
const listen = (needs: Needs, onNotice: (notice: Notice) => void, onReady: () => void) => {
  let client: pg.Client | undefined;
  let stopped = false;
  const start = async (): Promise<void> => {
    const mine = new pg.Client(clientConfig(needs.databaseUrl));
    const again = () => {
      if (client !== mine || stopped) return;
      client = undefined;
      setTimeout(() => void start(), 500);
    };
    client = mine;
    mine.on('notification', ({ payload }) => onNotice(JSON.parse(payload ?? '{}') as Notice));
    mine.on('error', (error) => needs.log('warn', 'network.lost', { error }));
    mine.on('end', again);
    try {
      await mine.connect();
      await mine.query('listen whatsapp');
      onReady();
    } catch (error) {
      needs.log('warn', 'network.unreachable', { error });
      await mine.end().catch(() => undefined);
      again();
    }
  };
  return {
    start,
    stop: async () => {
      stopped = true;
      await client?.end().catch(() => undefined);
    },
  };
};

interface Notice {
  node?: string;
  mail?: number[];
  kick?: string;
  code?: number;
}

/** Brings envelopes to this node's sockets when they are due, each socket's in order, and removes them once handled. */
export const createMail = (needs: Needs) => {
  const { db, node, log } = needs;
  const lines = new Map<string, Line>();
  const sockets = new Map<string, Socket>();
  const known = new Set<number>();
  const failed = new Map<number, number>();
  let timer: NodeJS.Timeout | undefined;

  const remove = createBatcher<number, void>(async (ids) => {
    await db.query('delete from whatsapp.envelope where id = any($1)', [ids]);
    return ids.map(() => undefined);
  }, 1_000);

  /** @returns whether the envelope is done with: handled, or failed too often to try again. */
  const settle = async (line: Line, envelope: Envelope): Promise<boolean> => {
    try {
      await line.socket.deliver(envelope);
    } catch (error) {
      const tries = (failed.get(envelope.id) ?? 0) + 1;
      log(tries < MAX_TRIES ? 'warn' : 'error', 'envelope.failed', { kind: envelope.kind, tries, error });
      failed.set(envelope.id, tries);
      return tries >= MAX_TRIES;
    }
    return true;
  };
  const handle = async (line: Line, envelope: Envelope): Promise<void> => {
    try {
      if (lines.get(envelope.device) !== line || !(await settle(line, envelope))) return;
      failed.delete(envelope.id);
      await remove(envelope.id);
    } catch (error) {
      log('warn', 'envelope.kept', { error });
    } finally {
      known.delete(envelope.id);
    }
  };
  const arrive = (envelope: Envelope): void => {
    const line = lines.get(envelope.device);
    if (!line) return void known.delete(envelope.id);
    line.queue = line.queue.then(() => handle(line, envelope));
  };
  /** Takes what concerns this node's sockets; the rest stays in its mailbox. */
  const schedule = (envelopes: readonly Envelope[]): void => {
    for (const envelope of envelopes) {
      if (!lines.has(envelope.device) || known.has(envelope.id)) continue;
      known.add(envelope.id);
      const wait = envelope.due - Date.now();
      if (wait <= 0) arrive(envelope);
      else setTimeout(() => arrive(envelope), wait);
    }
  };
  const fetchBy = async (condition: string, value: unknown): Promise<void> => {
    try {
      const { rows } = await db.query<Envelope>(`${SELECT} ${condition} order by e.id limit 5000`, [value]);
      schedule(rows);
    } catch (error) {
      log('warn', 'mail.unread', { error });
    }
  };
  const load = createBatcher<string, void>(async (devices) => {
    await fetchBy('where e.device = any($1)', devices);
    return devices.map(() => undefined);
  });
  const poll = (): Promise<void> =>
    fetchBy(
      `join whatsapp.device d on d.key = e.device where d.node = $1 and e.due < now() - interval '1 second'`,
      node,
    );
  /** After a gap in the notices: sockets may have been taken over meanwhile. */
  const check = async (): Promise<void> => {
    const { rows } = await db.query<{ key: string; socket: string | null; removed: number | null }>(
      'select key, socket, removed from whatsapp.device where key = any($1)',
      [[...lines.keys()]],
    );
    for (const { key, socket, removed } of rows) {
      const mine = lines.get(key)?.socket;
      if (mine && mine.id !== socket) mine.kick(removed ?? 440);
    }
    await poll();
  };
  const onNotice = ({ node: to, mail, kick, code }: Notice): void => {
    if (kick) sockets.get(kick)?.kick(code ?? 440);
    if (mail && to === node) void fetchBy('where e.id = any($1)', mail);
  };
  const listener = listen(needs, onNotice, () => {
    check().catch((error: unknown) => log('warn', 'network.unchecked', { error }));
  });

  return {
    schedule,
    /** Makes a socket known before it opens, so that no kick is missed. */
    expect: (socket: Socket): void => void sockets.set(socket.id, socket),
    /** Starts a socket's mail: what waited for the device first. */
    attach: (socket: Socket): Promise<void> => {
      lines.set(socket.device, { socket, queue: Promise.resolve() });
      return load(socket.device);
    },
    detach: (socket: Socket): void => {
      sockets.delete(socket.id);
      if (lines.get(socket.device)?.socket === socket) lines.delete(socket.device);
    },
    start: async (): Promise<void> => {
      await listener.start();
      timer = setInterval(() => void poll(), needs.pollMs);
    },
    stop: async (): Promise<void> => {
      clearInterval(timer);
      await listener.stop();
    },
  };
};

export type Mail = ReturnType<typeof createMail>;
