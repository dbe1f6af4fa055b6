import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import pg from 'pg';
import { temporaryFolder } from '../../dev/src/folders.js';
import { freePort } from '../../dev/src/ports.js';
import { startPostgres } from '../../dev/src/postgres.js';
import { startRedis } from '../../dev/src/redis.js';
import { until } from '../../dev/src/wait.js';
import { migrate } from '../src/migrate.js';
import { sha256 } from '../src/utils/crypto.js';

/**
 * What nodes post, taken durably with its effect, its event and its Delivery, against the floor of `floor.ts` (one insert
 * of the raw body), in alternation in one run. Deliveries are made, not posted.
 * `npx tsx backend/bench/inbound.ts [rounds] [seconds] [connections]`: 100 phones of 25 users, a webhook each, one process
 * each.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const [rounds = 5, seconds = 4, connections = 50] = process.argv.slice(2).map(Number);
const USERS = 25;
const PHONES = 100;
const BEARER = 'bench-bearer';

const folder = temporaryFolder('bench-inbound');
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

const client = new pg.Client({ connectionString: login.href });
await client.connect();
await client.query(`
  select set_config('app.user_ids', (select array_agg(u)::text from generate_series(1, ${USERS}) u), false);
  insert into users (id, username, email, password_hash, api_key, jwt_secret)
    select u, 'u' || u, 'u' || u || '@example.com', 'x', int8send(u), 'x' from generate_series(1, ${USERS}) u;
  insert into phone_numbers (id, user_id, phone_number, device_name, token)
    select p, p % ${USERS} + 1, '+62' || (8100000000 + p), 'bench', int8send(p) from generate_series(1, ${PHONES}) p;
  insert into webhooks (user_id, phone_id, url, secret)
    select p % ${USERS} + 1, p, 'https://example.com/', 'x' from generate_series(1, ${PHONES}) p;
  insert into nodes (name, url) values ('nowhere', 'http://127.0.0.1:9');
  insert into placements (id, user_id, phone_id, generation, node_id, secret_hash, made_at, opened_at)
    select 'plc_' || p, p % ${USERS} + 1, p, 1, (select id from nodes), '\\x${sha256(BEARER).toString('hex')}', now(), now()
      from generate_series(1, ${PHONES}) p;`);

async function start(
  file: string,
  env: Record<string, string>,
  port: number,
): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, ['--import', 'tsx', file], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'], ...env },
  });
  const url = `http://127.0.0.1:${port}`;
  await until(`${file} answers`, async () => (await fetch(url).catch(() => null)) !== null);
  return { url, child };
}
const [port, inboundPort, floorPort] = [await freePort(), await freePort(), await freePort()];
const subject = await start(
  'backend/src/server.ts',
  {
    ...database,
    NODE_ENV: 'test',
    ROLE: 'api',
    PORT: String(port),
    INBOUND_PORT: String(inboundPort),
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(redis.port),
    JWT_SECRET: 'bench-secret-0123456789-0123456789-0123456789',
    EVOLUTION_API_KEY: 'bench-secret-0123456789',
  },
  inboundPort,
);
const floor = await start(
  'backend/bench/floor.ts',
  { FLOOR_DATABASE_URL: postgres.gateway.url, PORT: String(floorPort) },
  floorPort,
);

let names = 0;
const message = (phone: number, id: string) =>
  JSON.stringify({
    event: 'messages.upsert',
    instance: `plc_${phone}`,
    data: {
      key: {
        remoteJid: `55119${String(names % 2000).padStart(8, '0')}@s.whatsapp.net`,
        fromMe: false,
        id,
        participant: '',
      },
      pushName: 'Customer',
      status: 'DELIVERY_ACK',
      message: { conversation: `hello ${id}` },
      messageType: 'conversation',
      messageTimestamp: Math.floor(Date.now() / 1000),
      source: 'ios',
    },
    date_time: new Date().toISOString(),
    sender: '+620000',
  });

async function measure(url: string): Promise<number> {
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        setupRequest: (request: autocannon.Request) => {
          names += 1;
          const phone = (names % PHONES) + 1;
          return {
            ...request,
            path: `/inbound/plc_${phone}`,
            headers: { 'content-type': 'application/json', authorization: `Bearer ${BEARER}` },
            body: message(phone, `B${names}`),
          };
        },
      },
    ],
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} refused, ${result.errors} errors`);
  return result.requests.average;
}

const ratios: number[] = [];
await measure(floor.url);
await measure(subject.url);
await client.query('analyze');
for (let round = 1; round <= rounds; round += 1) {
  const [low, high] = [await measure(floor.url), await measure(subject.url)];
  ratios.push(high / low);
  console.log(
    `round ${round}: floor ${low.toFixed(0)}/s, taken ${high.toFixed(0)}/s, ratio ${(high / low).toFixed(2)}`,
  );
}
const median = [...ratios].sort((a, b) => a - b)[Math.floor(ratios.length / 2)]!;
const { rows } = await client.query(
  'select (select count(*) from messages) as messages, (select count(*) from events) as events, (select count(*) from deliveries) as deliveries',
);
console.log(
  `inbound: median ratio ${median.toFixed(2)} of ${rounds} rounds of ${seconds} s (${connections} connections, ${PHONES} phones of ${USERS} users, ${cpus().length} cores, Node ${process.version}); stored ${JSON.stringify(rows[0])}`,
);

await client.end();
subject.child.kill();
floor.child.kill();
await redis.stop();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
