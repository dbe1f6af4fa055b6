import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { freePort } from '../../dev/src/ports.js';
import type { Postgres } from '../../dev/src/postgres.js';
import { until } from '../../dev/src/wait.js';
import { migrate } from '../src/migrate.js';
import { fill } from './history-fill.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A gateway over a database of its own, with one user who has that many messages. */
export async function startSubject(of: {
  name: string;
  rows: number;
  postgres: Postgres;
  redisPort: number;
}) {
  const { name, rows, postgres } = of;
  const owner = new URL(postgres.gateway.url);
  const admin = new pg.Client({ connectionString: postgres.gateway.url });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const env = {
    DB_HOST: owner.hostname,
    DB_PORT: owner.port,
    DB_NAME: name,
    DB_USER: owner.username,
    DB_PASSWORD: decodeURIComponent(owner.password),
  };
  await migrate({ ...env, DB_PORT: Number(env.DB_PORT) });
  const port = String(await freePort());
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', 'backend/src/server.ts'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      PORT: port,
      ...env,
      NODE_ENV: 'test',
      ROLE: 'api',
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(of.redisPort),
      INBOUND_PORT: String(await freePort()),
      JWT_SECRET: 'bench-secret-0123456789-0123456789-0123456789',
      EVOLUTION_API_KEY: 'bench-secret-0123456789',
      BCRYPT_COST: '4',
      LOG_LEVEL: 'error',
      RATE_LIMIT_IP: '1000000000',
      RATE_LIMIT_USER: '1000000000',
      RATE_LIMIT_SEND: '1000000000',
      RATE_LIMIT_AUTH_IP: '1000000000',
    },
  });
  const url = `http://127.0.0.1:${port}`;
  await until(`${name} answers`, async () => (await fetch(url).catch(() => null)) !== null);
  const registered = await fetch(`${url}/api/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'bench', email: 'bench@example.com', password: 'Bench-pass-1' }),
  });
  const { user, apiKey } = (await registered.json()) as { user: { id: number }; apiKey: string };
  const began = Date.now();
  await fill(postgres.superuser.url.replace(/[^/]+$/, name), user.id, rows);
  console.log(`${name}: ${rows} messages filled in ${Math.round((Date.now() - began) / 1000)} s`);
  const get = async (path: string) => {
    const answer = await fetch(`${url}${path}`, { headers: { 'x-api-key': apiKey } });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { data: { id: number }[]; nextCursor: string | null };
  };
  const [phone] = (await get('/api/phones?limit=1')).data;
  return { name, url, apiKey, env, child, get, phoneId: phone!.id, userId: user.id };
}
export type Subject = Awaited<ReturnType<typeof startSubject>>;
