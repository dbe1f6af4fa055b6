import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const golden = fileURLToPath(new URL('../../../database/schema.sql', import.meta.url));
const head = `-- The schema as the migrations make it, for reading. Made by \`npm run schema\`; change the migrations, not this.\n`;

/** Server binaries on the machine bring pg_dump; those of the embedded server do not. */
const dumper = (): string | null => {
  const bin = process.env['TEST_POSTGRES_BIN'] ?? '/usr/lib/postgresql/15/bin';
  return existsSync(join(bin, 'pg_dump')) ? join(bin, 'pg_dump') : null;
};

/** What differs between versions and runs of pg_dump, and says nothing of the schema. */
const plain = (dump: string): string =>
  head +
  dump
    .split('\n')
    .filter((line) => !/^(--|SET |SELECT pg_catalog|\\(un)?restrict)/.test(line))
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim() +
  '\n';

describe('database/schema.sql', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(async () => database?.drop());

  const withDump = dumper() ? it : it.skip;
  withDump('dumped from the migrations › compared › is what is committed', async () => {
    const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD } = database.env;
    const { stdout } = await promisify(execFile)(
      dumper()!,
      ['--schema-only', '--no-owner', '-h', DB_HOST, '-p', DB_PORT, '-U', DB_USER, DB_NAME],
      { env: { ...process.env, PGPASSWORD: DB_PASSWORD }, maxBuffer: 16 * 1024 * 1024 },
    );
    if (process.env['UPDATE_GOLDEN'] === 'schema') writeFileSync(golden, plain(stdout));
    expect(plain(stdout)).toBe(readFileSync(golden, 'utf8'));
  });
});
