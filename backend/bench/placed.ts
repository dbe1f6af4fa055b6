import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { temporaryFolder } from '../../dev/src/folders.js';
import { freePort } from '../../dev/src/ports.js';
import { startPostgres } from '../../dev/src/postgres.js';
import { startRedis } from '../../dev/src/redis.js';
import { until } from '../../dev/src/wait.js';
import { migrate } from '../src/migrate.js';
import { createApiKey } from '../src/utils/api-key.js';
import { sealer, sha256, webhookSecret } from '../src/utils/crypto.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const BEARER = 'bench-bearer';
const JWT_SECRET = 'bench-secret-0123456789-0123456789-0123456789';

export const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A program beside the gateway; `url` is asked until it answers. */
export async function startProgram(
  args: string[],
  env: Record<string, string>,
  url: string,
): Promise<ChildProcess> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'], ...env },
  });
  await until(`${args.at(-1)} answers`, async () => (await fetch(url).catch(() => null)) !== null, {
    timeoutMs: 30_000,
  });
  return child;
}

/**
 * One gateway process, and users with phones that are placed as if a node had them, written straight into the tables: for
 * what nodes post, and what goes out because of it. User `u` has the phones whose number modulo `users` is `u - 1`.
 */
export async function startPlaced(size: { users: number; phones: number }, env: Record<string, string> = {}) {
  const folder = temporaryFolder('bench-placed');
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
  const db = new pg.Client({ connectionString: login.href });
  await db.connect();
  const ids = Array.from({ length: size.users }, (_, i) => i + 1);
  const keys = ids.map(createApiKey);
  const hashes = keys.map(({ hash }) => hash);
  await db.query(`select set_config('app.user_ids', $1, false)`, [`{${ids.join(',')}}`]);
  await db.query(
    `insert into users (id, username, email, password_hash, api_key, jwt_secret)
     select u, 'u' || u, 'u' || u || '@example.com', 'x', h, 'x' from unnest($1::bigint[], $2::bytea[]) as n (u, h)`,
    [ids, hashes],
  );
  await db.query(
    `insert into api_keys (id, user_id, name, hash)
     select k, u, 'bench', h from unnest($1::text[], $2::bigint[], $3::bytea[]) as n (k, u, h)`,
    [keys.map(({ id }) => id), ids, hashes],
  );
  await db.query(
    `insert into phone_numbers (id, user_id, phone_number, device_name, token, status)
     select p, p % $1 + 1, '+62' || (8100000000 + p), 'bench', int8send(p), 'connected' from generate_series(1, $2::bigint) p`,
    [size.users, size.phones],
  );
  await db.query(`insert into nodes (name, url, is_enabled) values ('nowhere', 'http://127.0.0.1:9', false)`);
  await db.query(
    `insert into placements (id, user_id, phone_id, generation, node_id, secret_hash, made_at, opened_at)
     select 'plc_' || p, p % $1 + 1, p, 1, (select id from nodes), $3, null, now() from generate_series(1, $2::bigint) p`,
    [size.users, size.phones, sha256(BEARER)],
  );

  const [port, inboundPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const gateway = await startProgram(
    ['--import', 'tsx', 'backend/src/server.ts'],
    {
      ...database,
      NODE_ENV: 'test',
      PORT: String(port),
      INBOUND_PORT: String(inboundPort),
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(redis.port),
      JWT_SECRET,
      EVOLUTION_API_KEY: 'bench-secret-0123456789',
      ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8',
      ...env,
    },
    url,
  );
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

  return {
    url,
    inboundUrl: `http://127.0.0.1:${inboundPort}`,
    databaseUrl: postgres.gateway.url,
    /** Every user in reach. */
    db,
    keys: keys.map(({ key }) => key),
    bearer: BEARER,
    /** Webhooks of a user's phone or, without one, of all its phones. Returns their ids. */
    async addWebhooks(hooks: { userId: number; phoneId: number | null; url: string }[]): Promise<number[]> {
      const { seal } = sealer(JWT_SECRET);
      const { rows } = await db.query<{ id: string }>(
        `insert into webhooks (user_id, phone_id, url, secret)
         select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) returning id`,
        [
          hooks.map((hook) => hook.userId),
          hooks.map((hook) => hook.phoneId),
          hooks.map((hook) => hook.url),
          hooks.map((hook) => seal(webhookSecret(), `webhook:${hook.userId}`)),
        ],
      );
      return rows.map(({ id }) => Number(id));
    },
    /** A node posts a message of a phone; resolves when it is taken. */
    say: (phone: number, id: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const request = http.request(`http://127.0.0.1:${inboundPort}/inbound/plc_${phone}`, {
          method: 'POST',
          agent,
          headers: { 'content-type': 'application/json', authorization: `Bearer ${BEARER}` },
        });
        request.on('response', (answer) => {
          answer.resume();
          if (answer.statusCode === 200) resolve();
          else reject(new Error(`posted: ${answer.statusCode}`));
        });
        request.on('error', reject);
        request.end(postOf(phone, id));
      }),
    async stop() {
      await db.end();
      gateway.kill('SIGKILL');
      await Promise.all([postgres.stop(), redis.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a node posts of a message that came to a phone. */
export const postOf = (phone: number, id: string): string =>
  JSON.stringify({
    event: 'messages.upsert',
    instance: `plc_${phone}`,
    data: {
      key: { remoteJid: '5511988887777@s.whatsapp.net', fromMe: false, id, participant: '' },
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
