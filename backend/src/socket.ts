import type { Server as HttpServer } from 'node:http';
import { Server } from 'socket.io';
import type { Logger } from './config/logger.js';
import type { Feed } from './services/feed.js';
import type { Identify, Identity } from './services/identify.js';

/** How often a connected socket's credential is looked at again. Revocation acts within it. */
const RECHECK_MS = 1000;

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** `lastSequence` of the handshake: a whole number, or null when the client starts now. */
const sequence = (value: unknown): number | null => {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null;
};

/**
 * The live feed over Socket.IO. A client says who it is (`auth: {token}` or `{apiKey}`) and where it was
 * (`lastSequence`); what it hears is chosen here, and it hears nothing but its own user's ledger. Each event comes
 * under its own name with the envelope of the ledger; `resync` says that what was missed is no longer kept.
 */
export function createSocket(deps: {
  http: HttpServer;
  identify: Identify;
  feed: Feed;
  logger: Logger;
  corsOrigins: string[];
}) {
  const { identify, feed, logger } = deps;
  const io = new Server(deps.http, {
    serveClient: false,
    maxHttpBufferSize: 64 * 1024,
    cors: deps.corsOrigins.length > 0 ? { origin: deps.corsOrigins } : { origin: false },
  });

  io.use((socket, next) => {
    const { token, apiKey } = socket.handshake.auth;
    identify({ bearer: text(token), apiKey: text(apiKey) }).then(
      (identity) => {
        const mayRead = identity && (identity.scopes === 'all' || identity.scopes.includes('events:read'));
        if (!mayRead) return next(new Error('unauthenticated'));
        socket.data.identity = identity;
        next();
      },
      // A refusal would be final for the client; a connection that closes is one it makes again by itself.
      () => socket.conn.close(),
    );
  });

  io.on('connection', (socket) => {
    const { userId } = socket.data.identity as Identity;
    const { token, apiKey, lastSequence } = socket.handshake.auth;
    let leave = () => undefined as void;

    const recheck = setInterval(() => {
      identify({ bearer: text(token), apiKey: text(apiKey) }).then(
        (identity) => {
          if (!identity) socket.disconnect(true);
        },
        // The database is away: nobody can have been revoked in it.
        () => undefined,
      );
    }, RECHECK_MS);
    recheck.unref();

    socket.on('disconnect', () => {
      clearInterval(recheck);
      leave();
    });
    feed
      .join(
        {
          userId,
          deliver: (entry) => void socket.emit(entry.type, JSON.parse(entry.body)),
          resync: (last) => void socket.emit('resync', { lastSequence: last }),
        },
        sequence(lastSequence),
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

  return { close: () => io.close() };
}
