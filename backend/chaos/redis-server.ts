import { rmSync } from 'node:fs';
import { Redis as Client } from 'ioredis';
import { temporaryFolder } from '../../dev/src/folders.js';
import { startRedis, type Redis } from '../../dev/src/redis.js';
import { until } from '../../dev/src/wait.js';

export type RedisServer = Awaited<ReturnType<typeof startRedisServer>>;

/** The gateway's Redis, which may be lost at any moment. */
export async function startRedisServer() {
  const dir = temporaryFolder('chaos-redis');
  let running: Redis | null = await startRedis({ dir });
  const { port } = running;
  const client = new Client({ host: '127.0.0.1', port, enableOfflineQueue: false, maxRetriesPerRequest: 0 });
  client.on('error', () => undefined);
  await new Promise((resolve) => client.once('ready', resolve));
  /** After it was away, the client comes back a little later than it does. */
  const ready = () => until('Redis is heard', () => client.status === 'ready');
  const signal = (what: NodeJS.Signals) => running && process.kill(running.pid, what);

  return {
    port,
    /** Without an answer where Redis is away: there is nothing to flush then. */
    flush: () => client.flushall().then(Boolean, () => false),
    async kill(): Promise<void> {
      await running?.kill();
      running = null;
    },
    async start(): Promise<void> {
      running ??= await startRedis({ dir, port });
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    /** Every command that may need memory is refused, as `noeviction` says. */
    async fill(): Promise<void> {
      await ready();
      await client.config('SET', 'maxmemory', '1mb');
      await client.set('filler', 'x'.repeat(2_000_000)).catch(() => undefined);
    },
    async empty(): Promise<void> {
      await ready();
      await client.config('SET', 'maxmemory', '0');
    },
    async stop(): Promise<void> {
      signal('SIGCONT');
      client.disconnect();
      await running?.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
