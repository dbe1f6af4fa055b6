import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { until } from './until.js';
import { migrate } from '../../src/migrate.js';

const directory = fileURLToPath(new URL('../../../database/migrations/', import.meta.url));

export interface TestDatabase {
  env: { DB_HOST: string; DB_PORT: string; DB_NAME: string; DB_USER: string; DB_PASSWORD: string };
  /** As the owner of the tables: what a test looks at behind the gateway's back. Row-level security binds it too. */
  query<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
  /** The same, with the rows of all tenants in reach. */
  queryAll<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

/** The role given to tests may create databases and roles, and is no superuser. */
export function adminUrl(): URL {
  const url = process.env['TEST_DATABASE_URL'];
  if (!url) throw new Error('TEST_DATABASE_URL is not set: run the tests with `npm test`');
  return new URL(url);
}

const fingerprint = (): string => {
  const hash = createHash('sha256');
  for (const file of readdirSync(directory).sort()) hash.update(file).update(readFileSync(directory + file));
  return hash.digest('hex').slice(0, 12);
};

const envOf = (url: URL, name: string) => ({
  DB_HOST: url.hostname,
  DB_PORT: url.port,
  DB_NAME: name,
  DB_USER: decodeURIComponent(url.username),
  DB_PASSWORD: decodeURIComponent(url.password),
});

/** A migrated database, made once per run and cloned for each test file (a clone takes some 40 ms). */
async function template(admin: pg.Client, url: URL): Promise<string> {
  const name = `gateway_template_${fingerprint()}`;
  await admin.query('select pg_advisory_lock(727001)');
  try {
    const { rows } = await admin.query('select 1 from pg_database where datname = $1', [`${name}_ready`]);
    if (rows.length === 0) {
      await admin.query(`drop database if exists ${name}`);
      await admin.query(`create database ${name}`);
      const env = envOf(url, name);
      await migrate({ ...env, DB_PORT: Number(env.DB_PORT) });
      await admin.query(`alter database ${name} rename to ${name}_ready`);
    }
  } finally {
    await admin.query('select pg_advisory_unlock(727001)');
  }
  return `${name}_ready`;
}

/** A fresh database with the newest schema, for one test file. */
export async function createTestDatabase(
  options: {
    migrated?: boolean;
    /** Another server than that of all tests. */
    at?: URL;
  } = {},
): Promise<TestDatabase> {
  const url = options.at ?? adminUrl();
  const admin = new pg.Client({ connectionString: url.href });
  // A server that a test makes crash takes this connection with it.
  admin.on('error', () => undefined);
  await admin.connect();
  const name = `test_${randomBytes(6).toString('hex')}`;
  if (options.migrated === false) await admin.query(`create database ${name}`);
  else await cloneOf(admin, url, name);
  const env = envOf(url, name);
  const pool = new pg.Pool({
    host: env.DB_HOST,
    port: Number(env.DB_PORT),
    database: name,
    user: env.DB_USER,
    password: env.DB_PASSWORD,
    max: 4,
  });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    env,
    query: async (text, values) => (await pool.query(text, values)).rows,
    async queryAll(text, values) {
      const client = await pool.connect();
      try {
        await client.query(
          `begin; select set_config('app.user_ids', (select array_agg(distinct user_id) from credentials)::text, true)`,
        );
        return (await client.query(text, values)).rows;
      } finally {
        await client.query('commit').catch(() => undefined);
        client.release();
      }
    },
    async drop() {
      await pool.end();
      // An autovacuum at work in it is not ours to end; it ends by itself.
      await until('the database is dropped', () =>
        admin.query(`drop database if exists ${name} with (force)`).then(() => true),
      );
      await admin.end();
    },
  };
}

async function cloneOf(admin: pg.Client, url: URL, name: string): Promise<void> {
  const source = await template(admin, url);
  // Two clones of one template at the same moment get in each other's way.
  await admin.query('select pg_advisory_lock(727002)');
  try {
    await admin.query(`create database ${name} template ${source}`);
  } finally {
    await admin.query('select pg_advisory_unlock(727002)');
  }
}
