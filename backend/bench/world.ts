import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { temporaryFolder } from '../../dev/src/folders.js';
import { freePort } from '../../dev/src/ports.js';
import { startPostgres } from '../../dev/src/postgres.js';
import { startRedis } from '../../dev/src/redis.js';
import { until } from '../../dev/src/wait.js';
import { evolutionClient } from '../src/clients/evolution.client.js';
import { migrate } from '../src/migrate.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const NODE_KEY = 'bench-evolution-key-0123456789';
/** What the gateway has in flight at most. */
export const AT_ONCE = 64;

/** Works through items, so many at once. */
export async function atOnce<T>(
  items: readonly T[],
  work: (item: T, i: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const one = async () => {
    for (let i = next++; i < items.length; i = next++) await work(items[i]!, i);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

export const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
export const p99 = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)]!;

/** Bytes that a process holds in memory. */
export const rssOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;

/** To contacts who are offline: one echo a message, no acks, on both ways alike. */
export const recipient = (n: number) => `+62899${String(n % 10_000).padStart(4, '0')}0001`;

/** Sandbox nodes (two, unless told) and one gateway process with all workers; so many phones, four a user, all connected. */
export async function startWorld(
  phones: number,
  more: { nodes?: number; nodeEnv?: Record<string, string>; gatewayEnv?: Record<string, string> } = {},
) {
  const folder = temporaryFolder('bench');
  const [postgres, redis, nodesRedis] = await Promise.all([
    startPostgres({ dataDir: join(folder, 'postgres') }),
    startRedis(),
    startRedis(),
  ]);
  const login = new URL(postgres.gateway.url);
  const database = {
    DB_HOST: login.hostname,
    DB_PORT: login.port,
    DB_NAME: login.pathname.slice(1),
    DB_USER: login.username,
    DB_PASSWORD: decodeURIComponent(login.password),
  };
  await migrate({ ...database, DB_PORT: Number(login.port) });

  const children: ChildProcess[] = [];
  const start = async (file: string, env: Record<string, string>, url: string): Promise<number> => {
    const child = spawn(process.execPath, ['--import', 'tsx', file], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { PATH: process.env['PATH'], ...env },
    });
    children.push(child);
    await until(`${file} answers`, async () => (await fetch(url).catch(() => null)) !== null, {
      timeoutMs: 30_000,
    });
    return child.pid!;
  };

  const nodes: string[] = [];
  for (let i = 1; i <= (more.nodes ?? 2); i += 1) {
    const port = String(await freePort());
    const env = {
      SANDBOX_PORT: port,
      SANDBOX_NAME: `node-${i}`,
      SANDBOX_DATABASE_URL: postgres.nodes.url,
      SANDBOX_REDIS_URL: nodesRedis.url,
      SANDBOX_API_KEY: NODE_KEY,
      SANDBOX_SCAN_MS: '1',
      ...more.nodeEnv,
    };
    nodes.push(`http://127.0.0.1:${port}`);
    await start('sandbox/src/server.ts', env, nodes.at(-1)!);
  }
  const [port, inboundPort] = [String(await freePort()), String(await freePort())];
  const gateway = `http://127.0.0.1:${port}`;
  const gatewayPid = await start(
    'backend/src/server.ts',
    {
      ...database,
      NODE_ENV: 'test',
      PORT: port,
      INBOUND_PORT: inboundPort,
      INBOUND_URL: `http://127.0.0.1:${inboundPort}`,
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(redis.port),
      EVOLUTION_NODES: nodes.map((url, i) => `node-${i + 1}=${url}`).join(','),
      EVOLUTION_API_KEY: NODE_KEY,
      JWT_SECRET: 'bench-secret-0123456789-0123456789-0123456789',
      BCRYPT_COST: '4',
      ...Object.fromEntries(
        ['IP', 'USER', 'AUTH', 'AUTH_IP', 'SEND'].map((name) => [`RATE_LIMIT_${name}`, '100000000']),
      ),
      ...more.gatewayEnv,
    },
    gateway,
  );
  const idleBytes = rssOf(gatewayPid);

  const api = async (method: string, path: string, apiKey = '', body?: unknown): Promise<any> => {
    const answer = await fetch(`${gateway}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(apiKey ? { 'x-api-key': apiKey } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  let names = 0;
  const newUser = async () => {
    names += 1;
    const { apiKey } = await api('POST', '/api/auth/register', '', {
      username: `bench_${names}`,
      email: `b${names}@example.com`,
      password: 'bench-password',
    });
    return apiKey as string;
  };
  let numbers = 0;
  const newPhone = async (apiKey: string): Promise<number> => {
    numbers += 1;
    const phoneNumber = `+62812${String(numbers).padStart(7, '0')}`;
    return (await api('POST', '/api/phones', apiKey, { phoneNumber })).id as number;
  };

  const users: string[] = [];
  while (users.length < Math.ceil(phones / 4)) users.push(await newUser());
  const senders: { apiKey: string; phoneId: number }[] = [];
  for (let i = 0; i < phones; i += 1) {
    const apiKey = users[i % users.length]!;
    senders.push({ apiKey, phoneId: await newPhone(apiKey) });
  }
  const db = new pg.Client({
    connectionString: postgres.superuser.url.replace(/\/[^/]*$/, `/${database.DB_NAME}`),
  });
  await db.connect();
  const connected = () =>
    until(
      'all phones are connected',
      async () =>
        (await db.query(`select 1 from phone_numbers where status <> 'connected' limit 1`)).rowCount === 0,
      { timeoutMs: 1_800_000, everyMs: 200 },
    );
  await connected();
  const { rows: placements } = await db.query<{ phone_id: string; id: string; url: string }>(
    'select p.phone_id, p.id, n.url from placements p join nodes n on n.id = p.node_id where p.ended_at is null order by 1',
  );
  const evolution = evolutionClient({
    keyOf: async () => NODE_KEY,
    timeout: 30,
    inboundUrl: '',
    metrics: { username: '', password: '' },
  });

  return {
    gatewayPid,
    /** Of the gateway's process before it had a phone. */
    idleBytes,
    api,
    newUser,
    newPhone,
    connected,
    senders,
    placements,
    evolution,
    db,
    nodes,
    nodeKey: NODE_KEY,
    /** The database of the nodes, with the ledger of what the simulated network received. */
    nodesUrl: postgres.nodes.url,
    /** How many messages are so. */
    count: async (where: string): Promise<number> =>
      Number((await db.query(`select count(*) from messages where ${where}`)).rows[0].count),
    async stop() {
      await db.end();
      evolution.close();
      children.forEach((child) => child.kill('SIGKILL'));
      await Promise.all([redis.stop(), nodesRedis.stop(), postgres.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
