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

/**
 * Accepting messages, full middleware, against the floor of `floor.ts`, in alternation in one run.
 * `npx tsx backend/bench/accept.ts [rounds] [seconds]`: 50 connections, 100 users × 4 phones, one process each.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const [rounds = 5, seconds = 5] = process.argv.slice(2).map(Number);
const USERS = 100;
const PHONES = 4;
const CONNECTIONS = 50;

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

const start = async (
  file: string,
  env: Record<string, string>,
): Promise<{ url: string; child: ChildProcess }> => {
  const port = String(await freePort());
  const child = spawn(process.execPath, [...(file.includes('server')?['--cpu-prof','--cpu-prof-dir=/tmp/lead/prof']:[]), '--import', 'tsx', file], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'], PORT: port, ...env },
  });
  const url = `http://127.0.0.1:${port}`;
  await until(`${file} answers`, async () => (await fetch(url).catch(() => null)) !== null);
  return { url, child };
};
const subject = await start('backend/src/server.ts', {
  ...database,
  NODE_ENV: 'test',
  ROLE: 'api',
  REDIS_HOST: '127.0.0.1',
  REDIS_PORT: String(redis.port),
  INBOUND_PORT: String(await freePort()),
  JWT_SECRET: 'bench-secret-0123456789-0123456789-0123456789',
  EVOLUTION_API_KEY: 'bench-secret-0123456789',
  BCRYPT_COST: '4',
  ...Object.fromEntries(
    ['IP', 'USER', 'AUTH', 'AUTH_IP', 'SEND'].map((name) => [`RATE_LIMIT_${name}`, '100000000']),
  ),
});
const floor = await start('backend/bench/floor.ts', { FLOOR_DATABASE_URL: postgres.gateway.url });

const post = async (path: string, body: unknown, apiKey?: string): Promise<any> => {
  const headers = { 'content-type': 'application/json', ...(apiKey ? { 'x-api-key': apiKey } : {}) };
  return (
    await fetch(`${subject.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  ).json();
};
const senders: { apiKey: string; phoneId: number }[] = [];
for (let u = 0; u < USERS; u += 1) {
  const { apiKey } = await post('/api/auth/register', {
    username: `bench_${u}`,
    email: `b${u}@example.com`,
    password: 'bench-password',
  });
  for (let p = 0; p < PHONES; p += 1) {
    const phone = await post(
      '/api/phones',
      { phoneNumber: `+62812${String(u * PHONES + p).padStart(7, '0')}` },
      apiKey,
    );
    senders.push({ apiKey, phoneId: phone.id });
  }
}

const measure = async (url: string): Promise<number> => {
  let n = 0;
  const result = await autocannon({
    url: `${url}/api/messages/send`,
    connections: CONNECTIONS,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        setupRequest: (request: autocannon.Request) => {
          const { apiKey, phoneId } = senders[(n += 1) % senders.length]!;
          return {
            ...request,
            headers: {
              'content-type': 'application/json',
              'x-api-key': apiKey,
              'idempotency-key': `bench-${url.slice(-5)}-${Date.now()}-${n}`,
            },
            body: JSON.stringify({
              phoneId,
              to: `+62898${String(n % 1_000_000).padStart(7, '0')}`,
              message: 'Hello World!',
              type: 'text',
            }),
          };
        },
      },
    ],
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} refused, ${result.errors} errors`);
  return result.requests.average;
};

await measure(subject.url);
import { readFileSync, readdirSync } from 'node:fs';
const cpu = (pid: number) => { const f = readFileSync(`/proc/${pid}/stat`,'utf8').split(') ')[1]!.split(' '); return Number(f[11])+Number(f[12]); };
const pgs = () => readdirSync('/proc').filter((x)=>/^\d+$/.test(x)).filter((x)=>{try{return readFileSync(`/proc/${x}/cmdline`,'utf8').includes('postgres: evolution_user')}catch{return false}}).map(Number);
const c0 = cpu(subject.child.pid!), me0 = process.cpuUsage(), p0 = pgs().reduce((a,b)=>a+cpu(b),0);
const rate = await measure(subject.url);
const c1 = cpu(subject.child.pid!), me1 = process.cpuUsage(me0), p1 = pgs().reduce((a,b)=>a+cpu(b),0);
console.log(`accept ${rate}/s; per request us: node ${(c1-c0)*10000/(rate*seconds)}, postgres ${(p1-p0)*10000/(rate*seconds)}, client ${(me1.user+me1.system)/(rate*seconds)}`);
subject.child.kill('SIGINT'); await new Promise((r)=>setTimeout(r,3000));
subject.child.kill();
floor.child.kill();
await redis.stop();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
