import { Cluster, Redis } from 'ioredis';
import type { Logger } from './logger.js';
import type { HostPort } from './settings.js';

export interface RedisOptions {
  host: string;
  port: number;
  password: string;
  /** Some masters of a Redis Cluster, from which the others are found; empty: one Redis at `host:port`. */
  clusterNodes: readonly HostPort[];
}

/** One Redis or a Redis Cluster: what uses it names one key a command, or keys of one hash tag. */
export type RedisClient = Redis | Cluster;

const COMMAND_TIMEOUT_MS = 1000;

/** Reconnects for ever, at most this long apart. */
const retry = (times: number): number => Math.min(100 * times, 2000);

const single = ({ host, port, password }: RedisOptions): Redis =>
  new Redis({
    host,
    port,
    ...(password ? { password } : {}),
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: retry,
  });

const cluster = ({ clusterNodes, password }: RedisOptions): Cluster =>
  new Cluster([...clusterNodes], {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: retry,
    // A master that went is forgotten; this is how it is found again when no command happens to be sent its way.
    slotsRefreshInterval: 2000,
    slotsRefreshTimeout: COMMAND_TIMEOUT_MS,
    // What cannot be done now is not wanted later: a few steps suffice for slots that moved.
    maxRedirections: 4,
    redisOptions: {
      ...(password ? { password } : {}),
      maxRetriesPerRequest: 0,
      commandTimeout: COMMAND_TIMEOUT_MS,
      connectTimeout: COMMAND_TIMEOUT_MS,
    },
  });

/**
 * A connection that never blocks a request: commands fail at once while Redis is away (nothing is queued), and it
 * keeps reconnecting for ever. Everything in Redis can be rebuilt, so callers treat a failure as "no hint".
 */
export function createRedis(options: RedisOptions, logger: Logger): RedisClient {
  const redis: RedisClient = options.clusterNodes.length > 0 ? cluster(options) : single(options);
  let away = false;
  redis.on('error', (error: Error) => {
    if (!away) logger.warn('redis away', { error: error.message });
    away = true;
  });
  redis.on('ready', () => {
    if (away) logger.info('redis back');
    away = false;
  });
  redis.connect().catch(() => undefined);
  return redis;
}

/** Rejects unless Redis answers; a Redis Cluster, unless somebody serves each of its slots. */
export async function pingRedis(redis: RedisClient): Promise<void> {
  if (!(redis instanceof Cluster)) return void (await redis.ping());
  const info = await redis.cluster('INFO');
  if (!String(info).includes('cluster_state:ok')) throw new Error('not every slot of the cluster is served');
}
