import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cpus } from 'node:os';
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

/**
 * Messages on their way out, against the same client posting straight to the same nodes, webhooks on, in alternation.
 * `npx tsx backend/bench/send.ts [phones] [messages] [rounds] [queued]`: two sandbox nodes, one gateway process.
 *  - drained: accepted → at the node, with everything accepted before the first leaves;
 *  - single: one user's message while another user has `queued` messages waiting, against the same while idle.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const [phones = 200, messages = 2000, rounds = 5, queued = 20_000] = process.argv.slice(2).map(Number);
const NODE_KEY = 'bench-evolution-key-0123456789';
const AT_ONCE = 64;
const PROBES = 60;

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
const start = async (file: string, env: Record<string, string>, url: string): Promise<void> => {
  const child = spawn(process.execPath, ['--import', 'tsx', file], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'], ...env },
  });
  children.push(child);
  await until(`${file} answers`, async () => (await fetch(url).catch(() => null)) !== null, {
    timeoutMs: 30_000,
  });
};

const nodes: string[] = [];
for (let i = 1; i <= 2; i += 1) {
  const port = String(await freePort());
  const env = {
    SANDBOX_PORT: port,
    SANDBOX_NAME: `node-${i}`,
    SANDBOX_DATABASE_URL: postgres.nodes.url,
    SANDBOX_REDIS_URL: nodesRedis.url,
    SANDBOX_API_KEY: NODE_KEY,
    SANDBOX_SCAN_MS: '1',
  };
  nodes.push(`http://127.0.0.1:${port}`);
  await start('sandbox/src/server.ts', env, nodes.at(-1)!);
}
const [port, inboundPort] = [String(await freePort()), String(await freePort())];
const gateway = `http://127.0.0.1:${port}`;
await start(
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
  },
  gateway,
);

const api = async (method: string, path: string, apiKey = '', body?: unknown): Promise<any> => {
  const answer = await fetch(`${gateway}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(apiKey ? { 'x-api-key': apiKey } : {}) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};
const atOnce = async <T>(
  items: readonly T[],
  work: (item: T, i: number) => Promise<unknown>,
): Promise<void> => {
  let next = 0;
  const one = async () => {
    for (let i = next++; i < items.length; i = next++) await work(items[i]!, i);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
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

const users = await Promise.all(Array.from({ length: Math.ceil(phones / 4) }, newUser));
const senders: { apiKey: string; phoneId: number }[] = [];
for (let i = 0; i < phones; i += 1) {
  const apiKey = users[i % users.length]!;
  senders.push({ apiKey, phoneId: await newPhone(apiKey) });
}
const db = new pg.Client({
  connectionString: postgres.superuser.url.replace(/\/[^/]*$/, `/${database.DB_NAME}`),
});
await db.connect();
const count = async (where: string): Promise<number> =>
  Number((await db.query(`select count(*) from messages where ${where}`)).rows[0].count);
await until(
  'all phones are connected',
  async () =>
    (await db.query(`select 1 from phone_numbers where status <> 'connected' limit 1`)).rowCount === 0,
  { timeoutMs: 120_000, everyMs: 200 },
);
const { rows: placements } = await db.query<{ phone_id: string; id: string; url: string }>(
  'select p.phone_id, p.id, n.url from placements p join nodes n on n.id = p.node_id where p.ended_at is null',
);

/** To contacts who are offline: one echo a message, no acks, on both ways alike. */
const recipient = (n: number) => `+62899${String(n % 10_000).padStart(4, '0')}0001`;
const evolution = evolutionClient({ apiKey: NODE_KEY, timeout: 30, inboundUrl: '' });

/** Messages a second, posted straight to the nodes: one in flight a phone, as many at once as the gateway has. */
async function direct(): Promise<number> {
  const began = performance.now();
  const each = Math.ceil(messages / placements.length);
  await atOnce(placements, async ({ id, url }) => {
    for (let i = 0; i < each; i += 1) {
      const answer = await evolution.send(
        { nodeUrl: url, placementId: id },
        { type: 'text', chat: recipient(i), content: 'direct', payload: null, media: null },
        30,
      );
      if (answer.kind !== 'accepted') throw new Error(JSON.stringify(answer));
    }
  });
  return (each * placements.length) / ((performance.now() - began) / 1000);
}

/** Messages a second from the first that leaves until all have left; all were accepted before. */
async function drained(): Promise<number> {
  await db.query('update lanes set is_paused = true');
  const each = Math.ceil(messages / senders.length);
  await atOnce(senders, ({ apiKey, phoneId }) =>
    api('POST', '/api/messages/bulk', apiKey, {
      defaults: { phoneId, priority: 'normal' },
      messages: Array.from({ length: each }, (_, i) => ({
        to: recipient(i),
        message: 'through the gateway',
      })),
    }),
  );
  const began = performance.now();
  await db.query('update lanes set is_paused = false');
  await until('all have left', async () => (await count(`status in ('queued', 'sending')`)) === 0, {
    timeoutMs: 300_000,
    everyMs: 20,
  });
  const bad = await count(`status in ('failed', 'unknown', 'expired')`);
  if (bad > 0) throw new Error(`${bad} messages did not go out`);
  return (each * senders.length) / ((performance.now() - began) / 1000);
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const p99 = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)]!;

/** Milliseconds from the request to `sent`, one message after another. */
async function single(apiKey: string, phoneId: number): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < PROBES; i += 1) {
    const began = performance.now();
    const { id } = await api('POST', '/api/messages/send', apiKey, {
      phoneId,
      to: recipient(i),
      message: 'single',
    });
    await until('it has left', async () => (await count(`id = ${id} and status = 'sent'`)) === 1, {
      timeoutMs: 60_000,
      everyMs: 2,
    });
    took.push(performance.now() - began);
  }
  return took;
}

const ratios: number[] = [];
await direct();
for (let round = 1; round <= rounds; round += 1) {
  const [floor, subject] = [await direct(), await drained()];
  ratios.push(subject / floor);
  console.log(
    `round ${round}: direct ${floor.toFixed(0)}/s, drained ${subject.toFixed(0)}/s, ratio ${(subject / floor).toFixed(2)}`,
  );
}
console.log(
  `drained: median ratio ${median(ratios).toFixed(2)} of ${rounds} rounds (${phones} phones on 2 nodes, ${messages} messages, ${cpus().length} cores, Node ${process.version})`,
);

const [crowd, lone] = [await newUser(), await newUser()];
const [crowded, alone] = [await newPhone(crowd), await newPhone(lone)];
await until(
  'both are connected',
  async () => (
    await count('false'),
    (await db.query(`select 1 from phone_numbers where status <> 'connected' limit 1`)).rowCount === 0
  ),
  { timeoutMs: 60_000, everyMs: 100 },
);
const idle = await single(lone, alone);
for (let i = 0; i < queued; i += 1000) {
  await api('POST', '/api/messages/bulk', crowd, {
    defaults: { phoneId: crowded },
    messages: Array.from({ length: 1000 }, (_, k) => ({ to: recipient(i + k), message: 'one of very many' })),
  });
}
const atOnceBusy = await single(lone, alone);
await until(
  'all are noted',
  async () => (await db.query('select 1 from history_queue limit 1')).rowCount === 0,
  {
    timeoutMs: 300_000,
    everyMs: 500,
  },
);
const busy = await single(lone, alone);
const left = await count(`status in ('queued', 'sending')`);
console.log(
  `single: p50 ${median(idle).toFixed(0)} ms, p99 ${p99(idle).toFixed(0)} ms while idle; p50 ${median(busy).toFixed(0)}, p99 ${p99(busy).toFixed(0)} ms while another user has ${queued} queued (${left} still at the end; p50 ${median(atOnceBusy).toFixed(0)}, p99 ${p99(atOnceBusy).toFixed(0)} ms right after they were accepted, while they are being indexed); goal p99 ${(1.5 * p99(idle) + 50).toFixed(0)} ms`,
);

await db.end();
evolution.close();
children.forEach((child) => child.kill('SIGKILL'));
await Promise.all([redis.stop(), nodesRedis.stop(), postgres.stop()]);
rmSync(folder, { recursive: true, force: true });
