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

const account = { email: 'bench@example.com', password: 'bench-password' };
const post = async (path: string, body: unknown): Promise<any> =>
  (
    await fetch(`${subject}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  ).json();
const { apiKey, token } = await post('/api/auth/register', { username: 'bench', ...account });

async function measure(url: string, headers: Record<string, string>, connections = CONNECTIONS) {
  const result = await autocannon({ url: `${url}/api/me`, connections, duration: seconds, headers });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} refused, ${result.errors} errors`);
  return { rate: result.requests.average, p99: result.latency.p99 };
}
const byKey = { 'x-api-key': apiKey as string };
const byToken = { authorization: `Bearer ${token as string}` };

const ratios: Record<'key' | 'token', number[]> = { key: [], token: [] };
for (const headers of [byKey, byToken]) await measure(subject, headers);
await measure(floor, byToken);
for (let round = 1; round <= rounds; round += 1) {
  const low = await measure(floor, byToken);
  const [key, jwt] = [await measure(subject, byKey), await measure(subject, byToken)];
  ratios.key.push(key.rate / low.rate);
  ratios.token.push(jwt.rate / low.rate);
  console.log(
    `round ${round}: floor ${low.rate.toFixed(0)}/s, by key ${key.rate.toFixed(0)}/s, by token ${jwt.rate.toFixed(0)}/s`,
  );
}

const beside: number[] = [];
for (let round = 1; round <= rounds; round += 1) {
  const idle = await measure(subject, byToken, FEW);
  let isOver = false;
  let logins = 0;
  const signingIn = Array.from({ length: FEW }, async () => {
    for (; !isOver; logins += 1) await post('/api/auth/login', account);
  });
  const busy = await measure(subject, byToken, FEW);
  isOver = true;
  await Promise.all(signingIn);
  beside.push(busy.p99 / idle.p99);
  console.log(
    `round ${round}: p99 idle ${idle.p99} ms, beside ${(logins / seconds).toFixed(1)} sign-ins a second ${busy.p99} ms`,
  );
}
console.log(
  `me: by key ${median(ratios.key).toFixed(2)}, by token ${median(ratios.token).toFixed(2)} of the floor (${CONNECTIONS} connections); beside sign-ins p99 ${median(beside).toFixed(2)} of idle (${FEW} connections); medians of ${rounds} rounds of ${seconds} s, one user, one process, ${cpus().length} cores, Node ${process.version}`,
);
children.forEach((child) => child.kill());
await redis.stop();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
