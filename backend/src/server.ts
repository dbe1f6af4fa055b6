import { createServer, type Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nameOf, reasonOf } from './config/database.js';
import { loadEnvFiles, readEnv, ConfigurationError, type Settings } from './config/env.js';
import { createLogger, type Logger } from './config/logger.js';
import { compose, type Composition } from './compose.js';
import { createSocket } from './socket.js';
import type { Trust } from './utils/network.js';

/** Where a LOG_FILE without a folder goes: backend/logs, from `src` and `dist` alike. */
const LOGS = join(dirname(fileURLToPath(import.meta.url)), '..', 'logs');

/** Express 5 hands listen errors to the callback, where they are easily missed; the server's own event is not. */
const listen = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', ({ message }) => reject(new ConfigurationError(`Ports: ${message}`)));
    server.listen(port, host, () => resolve());
  });

/** A second longer than nginx keeps connections that idle (nginx/upstreams.conf), so that it closes them first. */
const IDLE_GRACE_MS = 2000;

/**
 * Listens no more, and resolves when every request is answered, those included that still come on open connections: each
 * is told that its connection ends with it. What idles is left to the other side to close for a while, as a request on
 * its way on a connection that we close would be lost.
 */
const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.prependListener('request', (_req, res) => res.setHeader('connection', 'close'));
    let idle: NodeJS.Timeout;
    const grace = setTimeout(
      () => (idle = setInterval(() => server.closeIdleConnections(), 50)),
      IDLE_GRACE_MS,
    );
    // Not the close() of an HTTP server, which would close what idles at once.
    NetServer.prototype.close.call(server, () => {
      clearTimeout(grace);
      clearInterval(idle);
      resolve();
    });
  });

/** Stops taking work, ends what was taken, gives leases back (a lease ends with its send), then lets go of everything. */
async function stop(parts: {
  servers: Server[];
  sockets: { close(): Promise<void> };
  gateway: Composition;
  logger: Logger;
}): Promise<void> {
  const { servers, sockets, gateway, logger } = parts;
  logger.info('stopping');
  const drained = Promise.all(servers.map(closed));
  await sockets.close();
  await gateway.drain();
  await drained;
  await Promise.all(
    Object.values(gateway.workers)
      .flat()
      .map((worker) => worker.stop()),
  );
  await gateway.close();
  logger.info('stopped');
}

/** Fails now rather than at somebody's sign-in. */
async function checkSecret(gateway: Composition, env: Settings): Promise<void> {
  const isRight = await gateway.claimSealing().catch((error: unknown) => {
    throw new ConfigurationError(`Database (${nameOf(env)}): ${reasonOf(error)}`);
  });
  if (isRight) return;
  throw new ConfigurationError(
    'Configuration: "JWT_SECRET" is not the one this database\'s secrets are sealed under. Put the former one back, ' +
      'or give it as JWT_SECRET_PREVIOUS beside the new one. Where `npm start` made the data, the former one is in ' +
      'DATA_DIR/kept.json; with another DATA_DIR it starts afresh',
  );
}

async function main(): Promise<void> {
  const env = readEnv(undefined, loadEnvFiles());
  const logger = createLogger({
    level: env.LOG_LEVEL,
    ...(env.LOG_FILE ? { file: resolve(LOGS, env.LOG_FILE) } : {}),
  });
  const gateway = compose(env, logger);

  const http = createServer(gateway.app);
  const inbound = createServer(gateway.inboundApp);
  const servers = env.ROLE === 'worker' ? [] : [http, inbound];
  const sockets = createSocket({
    http,
    trust: gateway.app.get('trust proxy fn') as Trust,
    identify: gateway.identify,
    feed: gateway.feed,
    logger,
    corsOrigins: env.CORS_ORIGINS,
    settings: { perUser: env.SOCKETS_PER_USER, heartbeat: env.SOCKET_HEARTBEAT },
  });

  let stopping: Promise<void> | null = null;
  const end = (signal: string) => {
    logger.info('signal', { signal });
    stopping ??= stop({ servers, sockets, gateway, logger }).then(() => process.exit(0));
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.on('unhandledRejection', (error) => logger.error('unhandled rejection', { error }));

  await checkSecret(gateway, env);
  await gateway.ensureAdmin();
  if (servers.length > 0) {
    await listen(inbound, env.INBOUND_PORT, env.INBOUND_HOST);
    await listen(http, env.PORT, env.HOST);
  }
  if (env.ROLE !== 'api') {
    await gateway.syncNodes();
    await gateway.directNodes();
    Object.values(gateway.workers)
      .flat()
      .forEach((worker) => worker.start());
  }
  logger.info('listening', { role: env.ROLE, port: env.PORT, inboundPort: env.INBOUND_PORT });
}

main().catch((error: unknown) => {
  const logger = createLogger({ level: 'info' });
  if (error instanceof ConfigurationError) logger.error(error.message);
  else logger.error('not started', { error });
  process.exitCode = 1;
  setTimeout(() => process.exit(1), 500).unref();
});
