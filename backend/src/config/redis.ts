import { Redis } from 'ioredis';
import type { Logger } from './logger.js';

export interface RedisOptions {
  host: string;
  port: number;
  password: string;
}

/**
 * A connection that never blocks a request: commands fail at once while Redis is away (nothing is queued), and it
 * keeps reconnecting for ever. Everything in Redis can be rebuilt, so callers treat a failure as "no hint".
 */
export function createRedis(options: RedisOptions, logger: Logger): Redis {
  const redis = new Redis({
    host: options.host,
    port: options.port,
    ...(options.password ? { password: options.password } : {}),
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 1000,
    retryStrategy: (times) => Math.min(100 * times, 2000),
  });
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
