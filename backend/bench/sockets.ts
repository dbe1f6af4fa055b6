import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { io, type Socket } from 'socket.io-client';
import { temporaryFolder } from '../../dev/src/folders.js';
import { freePort } from '../../dev/src/ports.js';
import { startPostgres } from '../../dev/src/postgres.js';
import { startRedis } from '../../dev/src/redis.js';
import { until } from '../../dev/src/wait.js';
import { migrate } from '../src/migrate.js';
import { createApiKey } from '../src/utils/api-key.js';
import { sha256 } from '../src/utils/crypto.js';

/**
 * From a node's post to a user's socket, with many sockets against few, in alternation.
 * `npx tsx backend/bench/sockets.ts [many] [few] [events a second] [seconds] [rounds]`: as many users as sockets, one
 * process, the client beside it on the same machine.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const [many = 5000, few = 50, rate = 200, lasts = 10, rounds = 3] = process.argv.slice(2).map(Number);
const BEARER = 'bench-bearer';

const folder = temporaryFolder('bench-sockets');
const [postgres, redis] = await Promise.all([
  startPostgres({ dataDir: join(folder, 'postgres') }),
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

/** Users with a key and a placed phone each, written straight into the tables. */
async function fill(): Promise<string[]> {
  const client = new pg.Client({ connectionString: login.href });
  await client.connect();
  const keys = Array.from({ length: many }, createApiKey);
  const ids = keys.map((_, i) => i + 1);
  await client.query('begin');
  await client.query(`select set_config('app.user_ids', $1, true)`, [`{${ids.join(',')}}`]);
  const hashes = keys.map(({ hash }) => hash);
  await client.query(
    `insert into users (id, username, email, password_hash, api_key, jwt_secret)
     select u, 'u' || u, 'u' || u || '@example.com', 'x', h, 'x' from unnest($1::bigint[], $2::bytea[]) as n (u, h)`,
    [ids, hashes],
  );
  await client.query(
    `insert into api_keys (id, user_id, name, hash)
     select k, u, 'bench', h from unnest($1::text[], $2::bigint[], $3::bytea[]) as n (k, u, h)`,
    [keys.map(({ id }) => id), ids, hashes],
  );
  await client.query(
    `insert into phone_numbers (id, user_id, phone_number, device_name, token)
     select u, u, '+62' || (8100000000 + u), 'bench', int8send(u) from unnest($1::bigint[]) as n (u)`,
    [ids],
  );
  await client.query(`insert into nodes (name, url) values ('nowhere', 'http://127.0.0.1:9')`);
  await client.query(
    `insert into placements (id, user_id, phone_id, generation, node_id, secret_hash, made_at, opened_at)
     select 'plc_' || u, u, u, 1, (select id from nodes), $2, now(), now() from unnest($1::bigint[]) as n (u)`,
    [ids, sha256(BEARER)],
  );
  await client.query('commit');
  await client.query('analyze');
  await client.end();
  return keys.map(({ key }) => key);
}
const keys = await fill();

const [port, inboundPort] = [await freePort(), await freePort()];
const gateway = spawn(process.execPath, ['--import', 'tsx', 'backend/src/server.ts'], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
  env: {
    PATH: process.env['PATH'],
    ...database,
    NODE_ENV: 'test',
    ROLE: 'api',
    LOG_LEVEL: 'warn',
    PORT: String(port),
    INBOUND_PORT: String(inboundPort),
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(redis.port),
    EVOLUTION_API_KEY: 'bench-evolution-key-0123456789',
    JWT_SECRET: 'bench-secret-0123456789-0123456789-0123456789',
  },
});
const url = `http://127.0.0.1:${port}`;
await until('the gateway answers', async () => (await fetch(url).catch(() => null)) !== null, {
  timeoutMs: 30_000,
});

/** Resident memory of the gateway's process, bytes. */
const memory = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))![1]) * 1024;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const startedAt = new Map<string, number>();
const took: number[] = [];
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

function post(user: number, id: string): void {
  const message = {
    key: { remoteJid: '5511988887777@s.whatsapp.net', fromMe: false, id, participant: '' },
    pushName: 'Customer',
    message: { conversation: 'hello' },
    messageType: 'conversation',
    messageTimestamp: Math.floor(Date.now() / 1000),
  };
  const body = JSON.stringify({
    event: 'messages.upsert',
    data: message,
    date_time: new Date().toISOString(),
  });
  startedAt.set(id, performance.now());
  const request = http.request(`http://127.0.0.1:${inboundPort}/inbound/plc_${user}`, {
    method: 'POST',
    agent,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${BEARER}` },
  });
  request.on('response', (answer) => answer.resume());
  request.on('error', (error) => process.stderr.write(`${error.message}\n`));
  request.end(body);
}

const open: Socket[] = [];
/** Connects up to so many, some hundred at a time. */
async function connect(count: number): Promise<void> {
  while (open.length < count) {
    const some = keys.slice(open.length, Math.min(count, open.length + 100)).map((apiKey) => {
      const socket = io(url, {
        auth: { apiKey },
        transports: ['websocket'],
        forceNew: true,
        reconnection: false,
      });
      socket.on('message', ({ data }: { data: { whatsappId: string } }) => {
        const start = startedAt.get(data.whatsappId);
        if (start !== undefined) took.push(performance.now() - start);
      });
      return socket;
    });
    open.push(...some);
    await until('connected', () => some.every(({ connected }) => connected), { timeoutMs: 60_000 });
  }
}

let names = 0;
async function measure(count: number): Promise<{ p50: number; p99: number; missing: number }> {
  await wait(2000);
  startedAt.clear();
  took.length = 0;
  const total = rate * lasts;
  const start = performance.now();
  for (let i = 0; i < total; i += 1) {
    names += 1;
    post((i % count) + 1, `B${names}`);
    const ahead = start + ((i + 1) * 1000) / rate - performance.now();
    if (ahead > 1) await wait(ahead);
  }
  await until('all were heard', () => took.length >= total, { timeoutMs: 20_000 }).catch(() => undefined);
  const sorted = [...took].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? Number.NaN);
  return { p50: at(0.5), p99: at(0.99), missing: total - took.length };
}

for (let round = 1; round <= rounds; round += 1) {
  await connect(few);
  const small = await measure(few);
  const before = memory();
  await connect(many);
  await wait(5000);
  const each = (memory() - before) / (many - few) / 1024;
  const large = await measure(many);
  process.stdout.write(
    `round ${round}: ${few} sockets p50 ${small.p50} p99 ${small.p99} ms, ${many} sockets p50 ${large.p50} p99 ${large.p99} ms ` +
      `(allowed ${2 * small.p99 + 50}); ${each.toFixed(1)} kB a socket; missing ${small.missing + large.missing}\n`,
  );
  for (const socket of open.splice(few)) socket.close();
}
for (const socket of open) socket.close();
gateway.kill('SIGKILL');
await Promise.all([postgres.stop(), redis.stop()]);
rmSync(folder, { recursive: true, force: true });
process.exit(0);
