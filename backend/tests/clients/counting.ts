import type { Store } from 'express-rate-limit';
import { createLimitStores } from '../../src/clients/limit-store.js';
import { createLogger } from '../../src/config/logger.js';
import { createRedis } from '../../src/config/redis.js';
import { hostPortList } from '../../src/config/settings.js';
import { until } from '../support/until.js';

const logger = createLogger({ level: 'error', silent: true });
const MINUTE = 60_000;
let closing: (() => void)[] = [];

/** Ends what `processOf` made. */
export function closeAll(): void {
  closing.forEach((close) => close());
  closing = [];
}

/** What one process of the gateway counts with: a connection and stores of its own. */
export async function processOf(at: { port: number } | { nodes: string }, connected = true) {
  const redis = createRedis(
    {
      host: '127.0.0.1',
      port: 'port' in at ? at.port : 0,
      password: '',
      clusterNodes: 'nodes' in at ? hostPortList(at.nodes) : [],
    },
    logger,
  );
  const stores = createLimitStores(redis);
  closing.push(() => {
    stores.close();
    redis.disconnect();
  });
  if (connected) await until('connected', () => redis.status === 'ready');
  return {
    redis,
    limit: (name: string, windowMs = MINUTE): Store => {
      const store = stores.store(name);
      void store.init?.({ windowMs } as any);
      return store;
    },
  };
}

export const hit = async (store: Store, key: string, times = 1) => {
  for (let i = 1; i < times; i += 1) await store.increment(key);
  return store.increment(key);
};
export const total = async (store: Store, key: string) => (await store.get!(key))?.totalHits ?? 0;
/** A decrement makes a process ask what the others have told, without changing the sum. */
export const look = async (store: Store, key: string) => {
  await store.increment(key);
  await store.decrement(key);
};
/** Waits until this process knows that a key was hit so often in all. */
export const agrees = (store: Store, key: string, expected: number) =>
  until(`${key} is ${expected}`, async () => {
    await look(store, key);
    const seen = await total(store, key);
    if (seen !== expected) throw new Error(`${seen}`);
    return true;
  });
