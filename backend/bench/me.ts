import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { temporaryFolder } from '../../dev/src/folders.js';
import { freePort } from '../../dev/src/ports.js';
import { startPostgres } from '../../dev/src/postgres.js';
import { startRedis } from '../../dev/src/redis.js';
import { until } from '../../dev/src/wait.js';
import { migrate } from '../src/migrate.js';
import { median } from './world.js';

/**
 * `GET /api/me` by key and by token, against one select with the same middleware (`floor-me.ts`), in alternation in one run;
 * then what sign-ins, as fast as they are served, do to it. `npx tsx backend/bench/me.ts [rounds] [seconds]`
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const [rounds = 5, seconds = 5] = process.argv.slice(2).map(Number);
const CONNECTIONS = 50;
const FEW = 4;

const folder = temporaryFolder('bench');
const postgres = await startPostgres({ dataDir: join(folder, 'postgres') });
const redis = await startRedis();
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
async function start(file: string, env: Record<string, string>): Promise<string> {
  const port = String(await freePort());
  const child = spawn(process.execPath, ['--import', 'tsx', file], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'], PORT: port, REDIS_PORT: String(redis.port), ...env },
  });
  children.push(child);
  const url = `http://127.0.0.1:${port}`;
  await until(`${file} answers`, async () => (await fetch(url).catch(() => null)) !== null);
  return url;
}
const subject = await start('backend/src/server.ts', {
  ...database,
  NODE_ENV: 'test',
  ROLE: 'api',
  REDIS_HOST: '127.0.0.1',
  INBOUND_PORT: String(await freePort()),
  JWT_SECRET: 'bench-secret-0123456789-0123456789-0123456789',
  EVOLUTION_API_KEY: 'bench-secret-0123456789',
  ...Object.fromEntries(
    ['IP', 'USER', 'AUTH', 'AUTH_IP', 'SEND'].map((name) => [`RATE_LIMIT_${name}`, '100000000']),
  ),
});
const floor = await start('backend/bench/floor-me.ts', { FLOOR_DATABASE_URL: postgres.gateway.url });

const account = { email: 'bench-0@example.com', password: 'bench-password' };
const post = async (path: string, body: unknown): Promise<any> =>
  (
    await fetch(`${subject}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  ).json();
const users: { apiKey: string; token: string }[] = [];
for (let n = 0; n < CONNECTIONS; n += 1)
  users.push(
    await post('/api/auth/register', { ...account, username: `bench-${n}`, email: `bench-${n}@example.com` }),
  );

type Headers = Record<string, string>;
/** Each connection asks as each of `callers` in turn. */
async function measure(url: string, callers: readonly Headers[], connections = CONNECTIONS) {
  const requests = callers.map((headers) => ({ headers }));
  const result = await autocannon({ url: `${url}/api/me`, connections, duration: seconds, requests });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} refused, ${result.errors} errors`);
  return { rate: result.requests.average, p99: result.latency.p99 };
}
const byKey = users.map(({ apiKey }): Headers => ({ 'x-api-key': apiKey }));
const byToken = users.map(({ token }): Headers => ({ authorization: `Bearer ${token}` }));
const alone = byToken.slice(0, 1);

/** Who asks: a single user, or as many as there are connections. */
const callers: Record<string, readonly Headers[]> = {
  'by key, one user': byKey.slice(0, 1),
  'by token, one user': alone,
  'by key, many users': byKey,
  'by token, many users': byToken,
};
const ratios = new Map(Object.keys(callers).map((name): [string, number[]] => [name, []]));
for (const asking of [byKey, byToken]) await measure(subject, asking);
await measure(floor, alone);
for (let round = 1; round <= rounds; round += 1) {
  const low = await measure(floor, alone);
  const said = [`floor ${low.rate.toFixed(0)}/s`];
  for (const [name, asking] of Object.entries(callers)) {
    const { rate } = await measure(subject, asking);
    ratios.get(name)!.push(rate / low.rate);
    said.push(`${name} ${rate.toFixed(0)}/s`);
  }
  console.log(`round ${round}: ${said.join(', ')}`);
}

const beside: number[] = [];
for (let round = 1; round <= rounds; round += 1) {
  const idle = await measure(subject, alone, FEW);
  let isOver = false;
  let logins = 0;
  const signingIn = Array.from({ length: FEW }, async () => {
    for (; !isOver; logins += 1) await post('/api/auth/login', account);
  });
  const busy = await measure(subject, alone, FEW);
  isOver = true;
  await Promise.all(signingIn);
  beside.push(busy.p99 / idle.p99);
  console.log(
    `round ${round}: p99 idle ${idle.p99} ms, beside ${(logins / seconds).toFixed(1)} sign-ins a second ${busy.p99} ms`,
  );
}
console.log(
  `me: ${[...ratios].map(([name, all]) => `${name} ${median(all).toFixed(2)}`).join(', ')} of the floor (${CONNECTIONS} connections); beside sign-ins p99 ${median(beside).toFixed(2)} of idle (${FEW} connections); medians of ${rounds} rounds of ${seconds} s, one process, ${cpus().length} cores, Node ${process.version}`,
);
children.forEach((child) => child.kill());
await redis.stop();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
