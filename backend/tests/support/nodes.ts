import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../dev/src/ports.js';
import { startRedis, type Redis } from '../../../dev/src/redis.js';
import { adminUrl, createTestDatabase } from './database.js';
import { until } from './until.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
export const NODE_KEY = 'test-evolution-key-0123456789abcdef';

export interface TestNode {
  name: string;
  url: string;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** A signal that does not end it: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void;
  start(): Promise<void>;
}

/** Real sandbox nodes in processes of their own, joined to one simulated network. */
export async function startNodes(count = 2, env: Record<string, string> = {}) {
  const database = await createTestDatabase({ migrated: false });
  const redis: Redis = await startRedis();
  const url = adminUrl();
  url.pathname = `/${database.env.DB_NAME}`;
  const nodes: TestNode[] = [];
  for (let i = 1; i <= count; i += 1) {
    nodes.push(
      await createNode(`node-${i}`, { SANDBOX_DATABASE_URL: url.href, SANDBOX_REDIS_URL: redis.url, ...env }),
    );
  }
  await Promise.all(nodes.map((node) => node.start()));
  const first = () => nodes[0]!.url;
  const call = async (path: string, init?: { method?: string; body?: unknown }, at = first()) => {
    const answer = await fetch(`${at}${path}`, {
      method: init?.method ?? 'GET',
      headers: { apikey: NODE_KEY, 'content-type': 'application/json' },
      ...(init?.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    });
    return (await answer.json()) as any;
  };
  return {
    nodes,
    database,
    list: () => nodes.map((node) => `${node.name}=${node.url}`).join(','),
    call,
    /** What a gateway is told of what they share, so that phones can move. */
    store: { EVOLUTION_DATABASE_URL: url.href, EVOLUTION_REDIS_URL: redis.url },
    /** What the simulated network really received, in order. */
    ledger: async (at = first()): Promise<any[]> => {
      const answer = await call('/sandbox/ledger?limit=10000', {}, at);
      return Array.isArray(answer)
        ? answer
        : (answer.messages ?? answer.entries ?? answer.ledger ?? answer.data);
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.kill('SIGKILL')));
      await redis.stop();
      await database.drop();
    },
  };
}
export type TestNodes = Awaited<ReturnType<typeof startNodes>>;

async function createNode(name: string, env: Record<string, string>): Promise<TestNode> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | null = null;
  return {
    name,
    url,
    async start() {
      child = spawn(process.execPath, ['--import', 'tsx', 'sandbox/src/server.ts'], {
        cwd: root,
        stdio: ['ignore', 'ignore', 'pipe'],
        env: {
          PATH: process.env['PATH'],
          SANDBOX_PORT: String(port),
          SANDBOX_NAME: name,
          SANDBOX_API_KEY: NODE_KEY,
          SANDBOX_SCAN_MS: '100',
          ...env,
        },
      });
      let errors = '';
      child.stderr!.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2000)));
      await until(
        `${name} answers (${errors})`,
        async () => {
          if (child?.exitCode != null) throw new Error(`${name} ended: ${errors}`);
          return (
            (await fetch(`${url}/instance/connectionState/nobody`, { headers: { apikey: NODE_KEY } }))
              .status === 404
          );
        },
        150_000,
      );
    },
    signal: (signal) => void child?.kill(signal),
    async kill(signal = 'SIGKILL') {
      const dying = child;
      child = null;
      if (!dying || dying.exitCode !== null) return;
      await new Promise((resolve) => {
        dying.once('exit', resolve);
        dying.kill(signal);
      });
    },
  };
}
