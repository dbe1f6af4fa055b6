import { rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { openFolder, temporaryFolder } from './folders.js';
import { freePort } from './ports.js';
import { startRedis, type Redis } from './redis.js';
import { until } from './wait.js';

const SLOTS = 16_384;

export interface RedisMaster {
  readonly port: number;
  /** SIGKILL; its slots are served by nobody until it is started again. */
  kill(): Promise<void>;
  /** On the same port and folder, so that the others know it again. */
  start(): Promise<void>;
}

export interface RedisCluster {
  masters: RedisMaster[];
  /** `host:port,host:port`, as REDIS_CLUSTER_NODES wants it. */
  nodes: string;
  /** FLUSHALL on every master that answers. */
  flushAll(): Promise<void>;
  /** Resolves when every master says that all slots are served. */
  whole(): Promise<void>;
  stop(): Promise<void>;
}

/** Sends inline commands, one a line, and gives back all that is answered until the server closes (QUIT is added). */
function ask(port: number, ...commands: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = createConnection({ port, host: '127.0.0.1', timeout: 2000 }, () =>
      socket.write([...commands, 'QUIT', ''].join('\r\n')),
    );
    socket.on('data', (data) => (text += data.toString()));
    socket.once('end', () => {
      socket.destroy();
      resolve(text);
    });
    socket.once('timeout', () => socket.destroy(new Error(`Redis on ${port} does not answer`)));
    socket.once('error', reject);
  });
}

async function order(port: number, ...commands: string[]): Promise<void> {
  const answer = await ask(port, ...commands);
  if (/^-/m.test(answer)) throw new Error(`Redis on ${port}: ${answer.trim()}`);
}

const isWhole = async (port: number, count: number): Promise<boolean> => {
  const info = await ask(port, 'CLUSTER INFO');
  return (
    info.includes('cluster_state:ok') &&
    info.includes(`cluster_slots_ok:${SLOTS}\r`) &&
    info.includes(`cluster_known_nodes:${count}\r`)
  );
};

/** One master that can be killed and started again; not joined to the others yet. */
async function startMaster(dir: string): Promise<RedisMaster & { busPort: number; stop(): Promise<void> }> {
  const [port, busPort] = [await freePort(), await freePort()];
  // The bus has a port of its own: the default (+10000) may be anybody's.
  const args = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)];
  args.push('--cluster-node-timeout', '1000', '--cluster-config-file', join(dir, 'nodes.conf'));
  let server: Redis;
  const start = async () => {
    server = await startRedis({ dir, port, args });
  };
  await start();
  return { port, busPort, start, kill: () => server.kill(), stop: () => server.stop() };
}

/** Gives every master its share of the slots, and makes them known to each other. */
async function acquaint(masters: readonly { port: number; busPort: number }[]): Promise<void> {
  const share = Math.ceil(SLOTS / masters.length);
  for (const [i, { port }] of masters.entries()) {
    const last = Math.min((i + 1) * share, SLOTS) - 1;
    await order(port, `CLUSTER ADDSLOTSRANGE ${i * share} ${last}`, `CLUSTER SET-CONFIG-EPOCH ${i + 1}`);
  }
  const [first, ...others] = masters;
  await order(first!.port, ...others.map((other) => `CLUSTER MEET 127.0.0.1 ${other.port} ${other.busPort}`));
}

/**
 * Starts a Redis Cluster of masters without replicas on 127.0.0.1 (Redis 7 or later), and resolves when all slots are
 * served.
 * @throws Error saying what to install, or what a server answered
 */
export async function startRedisCluster(count = 3): Promise<RedisCluster> {
  const folder = temporaryFolder('redis-cluster');
  const masters: Awaited<ReturnType<typeof startMaster>>[] = [];
  const stop = async () => {
    await Promise.all(masters.map((master) => master.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  const whole = async () => {
    await until('every master to serve', async () =>
      (await Promise.all(masters.map(({ port }) => isWhole(port, count)))).every(Boolean),
    );
  };
  try {
    for (let i = 0; i < count; i += 1) masters.push(await startMaster(openFolder(join(folder, String(i)))));
    await acquaint(masters);
    await whole();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    masters,
    nodes: masters.map(({ port }) => `127.0.0.1:${port}`).join(','),
    flushAll: async () => void (await Promise.allSettled(masters.map(({ port }) => ask(port, 'FLUSHALL')))),
    whole,
    stop,
  };
}
