import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../dev/src/folders.js';
import { newPhone, newUser } from '../tests/support/client.js';
import { adminUrl, createTestDatabase, type TestDatabase } from '../tests/support/database.js';
import { startFleet } from '../tests/support/fleet.js';
import { startNodes } from '../tests/support/nodes.js';
import { startTcpProxy } from '../tests/support/tcp-proxy.js';
import { startPostgresServer, type PostgresServer } from './postgres-server.js';
import { startRedisServer } from './redis-server.js';
import type { ChaosPhone } from './workload.js';

export interface StageOptions {
  api: number;
  workers: number;
  nodes?: number;
  users?: number;
  phones: number;
  /** A PostgreSQL of the gateway's own, which can be made to crash; else the one of all tests. */
  ownPostgres?: boolean;
  /** Whether its writes outlive the machine, and not only the server: slower, as in production. */
  fsync?: boolean;
  /** Whether PostgreSQL, Redis and the nodes are reached through proxies that can be cut. */
  proxied?: boolean;
  program?: 'source' | 'built';
  env?: Record<string, string>;
}

export type Stage = Awaited<ReturnType<typeof startStage>>;

/** Short times, so that what runs out does so within a test: a lease lasts SEND_TIMEOUT + LEASE_MARGIN. */
export const CHAOS_ENV = {
  SEND_TIMEOUT: '2',
  LEASE_MARGIN: '2',
  UNKNOWN_HOLD: '1',
  NODE_TIMEOUT: '2',
  DB_POOL_SIZE: '10',
  WEBHOOK_TIMEOUT: '5',
};

/**
 * Everything that can go wrong, in processes of its own: nginx, api and worker processes, PostgreSQL, Redis, sandbox
 * nodes. The nodes' own database and Redis are others, so that the network's ledger is there whatever happens.
 */
export async function startStage(options: StageOptions) {
  const folder = temporaryFolder('chaos');
  const ends: (() => Promise<unknown> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const ending = <T>(part: T, end: (part: T) => Promise<unknown> | void): T => {
    ends.unshift(() => end(part));
    return part;
  };
  const stop = async () => {
    for (const end of ends) await end();
  };
  try {
    const postgres: PostgresServer | null = options.ownPostgres
      ? ending(await startPostgresServer(join(folder, 'postgres'), options.fsync ?? false), (it) => it.stop())
      : null;
    const database: TestDatabase = ending(
      await createTestDatabase(postgres ? { at: new URL(postgres.adminUrl) } : {}),
      (it) => (postgres ? undefined : it.drop()),
    );
    const redis = ending(await startRedisServer(), (it) => it.stop());
    const nodes = ending(
      await startNodes(options.nodes ?? 2, { SANDBOX_WEBHOOK_RETRY_INITIAL_DELAY_MS: '500' }),
      (it) => it.stop(),
    );
    const proxy = async (port: number, host = '127.0.0.1') =>
      options.proxied ? ending(await startTcpProxy({ host, port }), (it) => it.stop()) : null;
    const proxies = {
      postgres: await proxy(Number(database.env.DB_PORT), database.env.DB_HOST),
      redis: await proxy(redis.port),
      nodes: await Promise.all(nodes.nodes.map(({ url }) => proxy(Number(new URL(url).port)))),
    };
    const nodeList = nodes.nodes.map(({ name, url }, i) => {
      const port = proxies.nodes[i]?.port;
      return `${name}=${port ? `http://127.0.0.1:${port}` : url}`;
    });
    const fleet = ending(
      await startFleet({
        api: options.api,
        workers: options.workers,
        database,
        program: options.program ?? 'source',
        env: {
          ...CHAOS_ENV,
          REDIS_HOST: '127.0.0.1',
          REDIS_PORT: String(proxies.redis?.port ?? redis.port),
          ...(proxies.postgres ? { DB_PORT: String(proxies.postgres.port) } : {}),
          EVOLUTION_NODES: nodeList.join(','),
          ...options.env,
        },
      }),
      (it) => it.stop(),
    );
    const phones = await makePhones(fleet.url, options.users ?? 2, options.phones);
    return { ...{ options, postgres, database, redis, nodes, proxies, fleet, phones }, url: fleet.url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Phones that are connected, spread over the users. */
async function makePhones(url: string, users: number, count: number): Promise<ChaosPhone[]> {
  const owners = await Promise.all(Array.from({ length: users }, () => newUser(url)));
  const made: ChaosPhone[] = [];
  // A few at a time: connecting takes a node two seconds, and patience is limited.
  for (let n = 0; n < count; n += 20) {
    const some = Array.from({ length: Math.min(20, count - n) }, async (_, i) => {
      const owner = owners[(n + i) % users]!;
      return { id: (await newPhone(owner)).id, apiKey: owner.apiKey };
    });
    made.push(...(await Promise.all(some)));
  }
  return made;
}

/** Ids of the phones that have a send in flight at this moment; none that is known when the database is away. */
export async function inFlight({ database }: Pick<Stage, 'database'>): Promise<number[]> {
  const rows = await database
    .queryAll<{ id: number }>(`select phone_number_id::float8 as id from messages where status = 'sending'`)
    .catch(() => []);
  return rows.map(({ id }) => id);
}

/** The PostgreSQL under test, as a superuser. */
export const superuserUrl = (stage: Pick<Stage, 'postgres'>): string =>
  stage.postgres?.superuserUrl ?? process.env['TEST_SUPERUSER_URL'] ?? adminUrl().href;
