import type { Server as HttpServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import type { Logger } from './config/logger.js';
import type { Feed } from './services/feed.js';
import type { Identify, Identity, Presented } from './services/identify.js';
import { clientAddress, isFromThere, type Trust } from './utils/network.js';

/** How often connected sockets' credentials are looked at again. Revocation acts within it, and the look itself. */
const RECHECK_MS = 750;
/** Sockets whose credentials are looked at in one go: each row is held against the ids of all of them. */
const AT_ONCE = 100;
/** Packets that wait for a client to read. Beyond them its ledger is not read on until it has: memory is bounded. */
const WAITING = 64;

/** What a client has to say goodbye when its connection is ended. */
const GOODBYE_MS = 1000;

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** `lastSequence` of the handshake: a whole number, or null when the client starts now. */
const sequence = (value: unknown): number | null => {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null;
};

const presentedBy = ({ handshake }: Socket): Presented => ({
  bearer: text(handshake.auth['token']),
  apiKey: text(handshake.auth['apiKey']),
});
const identityOf = (socket: Socket) => (socket.data as { identity: Identity }).identity;
const addressOf = (socket: Socket) => (socket.data as { address?: string }).address;
const mayRead = (identity: Identity | null, address: string | undefined): identity is Identity =>
  identity !== null &&
  (identity.scopes === 'all' || identity.scopes.includes('events:read')) &&
  isFromThere(address, identity.allowedIps);

const isInReach = ({ phoneIds }: Identity, phoneId: number | null): boolean =>
  phoneIds === null || (phoneId !== null && phoneIds.includes(phoneId));

interface SocketDeps {
  http: HttpServer;
  /** Which proxies are believed. */
  trust: Trust;
  identify: Identify;
  feed: Feed;
  logger: Logger;
  corsOrigins: string[];
  /** `perUser`: sockets of one user in this process. `heartbeat`: seconds between pings, and for each answer. */
  settings: { perUser: number; heartbeat: number };
}

/**
 * The live feed over Socket.IO. A client says who it is (`auth: {token}` or `{apiKey}`) and where it was
 * (`lastSequence`); what it hears is chosen here, and it hears nothing but its own user's ledger. Each event comes
 * under its own name with the envelope of the ledger; `resync` says that what was missed is no longer kept.
 */
export function createSocket(deps: SocketDeps) {
  const { identify, feed, logger, settings } = deps;
  const io = new Server(deps.http, {
    serveClient: false,
    maxHttpBufferSize: 64 * 1024,
    pingInterval: settings.heartbeat * 1000,
    pingTimeout: settings.heartbeat * 1000,
    cors: deps.corsOrigins.length > 0 ? { origin: deps.corsOrigins } : { origin: false },
  });
  const counts = createCounts(settings.perUser);

  io.engine.on('connection', (connection: Connection) => {
    // The first request of each connection is several kilobytes that nobody needs once it is answered.
    connection.request = null;
    connection.on('close', () => endLater(connection));
  });

  io.use((socket, next) => {
    identify(presentedBy(socket)).then(
      (identity) => {
        const { address: remote, headers } = socket.handshake;
        const address = clientAddress({ remote, forwarded: headers['x-forwarded-for'] }, deps.trust);
        if (!mayRead(identity, address)) return next(new Error('unauthenticated'));
        if (counts.isFull(identity.userId)) return next(new Error('too_many_sockets'));
        socket.data = { identity, address };
        next();
      },
      // A refusal would be final for the client; a connection that closes is one it makes again by itself.
      () => socket.conn.close(),
    );
  });

  io.on('connection', (socket) => {
    const { userId } = identityOf(socket);
    counts.add(userId);
    let leave = () => undefined as void;
    socket.on('disconnect', () => {
      counts.remove(userId);
      leave();
    });
    const isReady = watchReading(socket, () => feed.nudge(userId));
    feed
      .join(
        {
          userId,
          isReady,
          deliver: (entry) => {
            if (isInReach(identityOf(socket), entry.phoneId)) socket.emit(entry.type, JSON.parse(entry.body));
          },
          resync: (last) => void socket.emit('resync', { lastSequence: last }),
        },
        sequence(socket.handshake.auth['lastSequence']),
      )
      .then((left) => {
        if (socket.connected) leave = left;
        else left();
      })
      .catch((error: unknown) => {
        logger.warn('socket not joined', { userId, error });
        socket.conn.close();
      });
  });

  const stopChecking = keepChecking(io, identify);
  return {
    /** Not io.close(), which would end the HTTP server under the requests that are on their way. */
    close: async () => {
      await stopChecking();
      io.disconnectSockets(true);
      io.engine.close();
    },
  };
}

interface Connection {
  request: unknown;
  transport: { socket?: { terminate?(): void } };
  on(event: 'close', listener: () => void): void;
}

/** A client that is gone does not say goodbye: waiting for it would keep its memory, and the end of the process. */
function endLater({ transport }: Connection): void {
  setTimeout(() => transport.socket?.terminate?.(), GOODBYE_MS).unref();
}

/** Tells whether a client keeps up with what is handed to its connection, and `again` when it does so again. */
function watchReading({ conn }: Socket, again: () => void): () => boolean {
  let waiting = 0;
  conn.on('packetCreate', () => {
    waiting += 1;
  });
  // All that waited was taken by the connection.
  conn.on('drain', () => {
    const wasHeld = waiting >= WAITING;
    waiting = 0;
    if (wasHeld) again();
  });
  return () => waiting < WAITING;
}

function createCounts(most: number) {
  const counts = new Map<number, number>();
  const of = (userId: number) => counts.get(userId) ?? 0;
  return {
    isFull: (userId: number): boolean => of(userId) >= most,
    add: (userId: number): void => void counts.set(userId, of(userId) + 1),
    remove(userId: number): void {
      if (of(userId) <= 1) counts.delete(userId);
      else counts.set(userId, of(userId) - 1);
    },
  };
}

/** Disconnects whose credential has ended, and learns what each may still hear. Returns how to stop. */
function keepChecking(io: Server, identify: Identify): () => Promise<void> {
  let round: Promise<void> | null = null;

  async function check(sockets: readonly Socket[]): Promise<void> {
    await identify.prime(
      sockets.map((socket) => ({ presented: presentedBy(socket), identity: identityOf(socket) })),
    );
    const identities = await Promise.all(sockets.map((socket) => identify(presentedBy(socket))));
    sockets.forEach((socket, i) => {
      const identity = identities[i] ?? null;
      if (!mayRead(identity, addressOf(socket))) socket.disconnect(true);
      // A key may have been limited to fewer phones.
      else socket.data = { ...socket.data, identity };
    });
  }
  async function checkAll(): Promise<void> {
    const all = [...io.sockets.sockets.values()];
    for (let from = 0; from < all.length; from += AT_ONCE) await check(all.slice(from, from + AT_ONCE));
  }
  const timer = setInterval(() => {
    round ??= checkAll()
      // The database is away: nobody can have been revoked in it.
      .catch(() => undefined)
      .finally(() => {
        round = null;
      });
  }, RECHECK_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await round;
  };
}
