import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from '../../../dev/src/redis.js';
import { compose } from '../../src/compose.js';
import { readEnv } from '../../src/config/env.js';
import { createLogger } from '../../src/config/logger.js';
import { createSocket } from '../../src/socket.js';
import type { Trust } from '../../src/utils/network.js';
import { conforming } from './conformance.js';
import { createTestDatabase } from './database.js';
import { expectConformingEvents } from './events.js';
import { expectGenuineSignatures } from './signatures.js';
import { NODE_KEY } from './nodes.js';
import { watchModels } from './strange.js';
import { logFile, noteSecrets } from './secrets.js';

watchModels();

export const TEST_ENV = {
  NODE_ENV: 'test',
  JWT_SECRET: 'test-jwt-secret-0123456789abcdef0123456789',
  EVOLUTION_API_KEY: NODE_KEY,
  ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8',
  BCRYPT_COST: '4',
  RATE_LIMIT_IP: '100000',
  RATE_LIMIT_USER: '100000',
  RATE_LIMIT_AUTH: '100000',
  RATE_LIMIT_AUTH_IP: '100000',
  RATE_LIMIT_ACCOUNT: '100000',
  RATE_LIMIT_SEND: '100000',
  NODE_CHECK: '0.5',
  NODE_TIMEOUT: '3',
  SWEEP_MS: '200',
};

/**
 * The whole gateway in this process: real listeners on free ports, a database and a Redis of its own. All workers run
 * unless told which.
 */
export async function startGateway(
  options: {
    env?: Record<string, string>;
    workers?: (
      | 'messages'
      | 'deliveries'
      | 'nodes'
      | 'notes'
      | 'bulks'
      | 'media'
      | 'housekeeping'
      | 'jobs'
      | 'mediaKeep'
      | 'repair'
    )[];
  } = {},
) {
  const [database, redis] = await Promise.all([createTestDatabase(), startRedis()]);
  const folder = mkdtempSync(join(tmpdir(), 'gateway-media-'));
  const inboundServer = createServer((req, res) => parts.inbound(req, res));
  await new Promise<void>((resolve) => inboundServer.listen(0, '127.0.0.1', resolve));
  const inboundUrl = `http://127.0.0.1:${(inboundServer.address() as AddressInfo).port}`;

  const env = readEnv({
    ...TEST_ENV,
    ...database.env,
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(redis.port),
    INBOUND_URL: inboundUrl,
    MEDIA_DIR: folder,
    ...options.env,
  });
  const logger = createLogger({
    level: 'debug',
    silent: process.env['SHOW_LOGS'] === undefined,
    ...logFile(),
  });
  const gateway = compose(env, logger);
  // Every answer is held against its row of the API table.
  const http = createServer(conforming(gateway.app, gateway.endpoints));
  noteSecrets([env.JWT_SECRET, env.EVOLUTION_API_KEY, env.DB_PASSWORD]);
  const parts = { inbound: conforming(gateway.inboundApp, gateway.inboundEndpoints) };
  const sockets = createSocket({
    http,
    trust: gateway.app.get('trust proxy fn') as Trust,
    identify: gateway.identify,
    feed: gateway.feed,
    logger,
    corsOrigins: [],
    settings: { perUser: env.SOCKETS_PER_USER, heartbeat: env.SOCKET_HEARTBEAT },
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  await gateway.syncNodes();
  const workers = (
    options.workers ?? ['messages', 'deliveries', 'nodes', 'notes', 'bulks', 'media', 'jobs']
  ).flatMap((kind) => gateway.workers[kind]);
  workers.forEach((worker) => worker.start());

  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    inboundUrl,
    database,
    redis,
    env,
    /** Where it keeps files. */
    folder,
    gateway,
    async stop() {
      await sockets.close();
      inboundServer.closeAllConnections();
      http.closeAllConnections();
      await Promise.all([new Promise((r) => inboundServer.close(r)), new Promise((r) => http.close(r))]);
      await Promise.all(workers.map((worker) => worker.stop()));
      await gateway.close();
      logger.close();
      await redis.stop();
      await expectConformingEvents(database)
        .then(() => expectGenuineSignatures(database, env.JWT_SECRET))
        .finally(() => database.drop());
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
export type TestGateway = Awaited<ReturnType<typeof startGateway>>;
