import { randomBytes } from 'node:crypto';
import pg from 'pg';

const adminUrl = (): URL => {
  const url = process.env['TEST_DATABASE_URL'];
  if (!url) throw new Error('TEST_DATABASE_URL is not set: run the tests with npm test');
  return new URL(url);
};

const asAdmin = async (statement: string): Promise<void> => {
  const client = new pg.Client(adminUrl().href);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
};

/** A database of its own for one test file. */
export const createDatabase = async () => {
  const name = `sandbox_${randomBytes(6).toString('hex')}`;
  await asAdmin(`create database ${name}`);
  const url = adminUrl();
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 2 });
  pool.on('error', () => undefined);
  return {
    url: url.href,
    port: Number(url.port || 5432),
    query: async (text: string, values: unknown[] = []): Promise<any[]> =>
      (await pool.query(text, values)).rows,
    drop: async (): Promise<void> => {
      await pool.end();
      await asAdmin(`drop database ${name} with (force)`);
    },
  };
};

export type TestDatabase = Awaited<ReturnType<typeof createDatabase>>;
