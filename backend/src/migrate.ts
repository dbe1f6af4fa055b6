import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import { nameOf, reasonOf } from './config/database.js';
import { loadEnvFiles, readDatabaseEnv } from './config/env.js';
import type { DatabaseSettings } from './config/settings.js';

const directory = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'database', 'migrations');

type Database = Omit<DatabaseSettings, 'NODE_ENV'>;

/**
 * Brings the database to the newest migration, as its owner (not as the application's role). Several processes may
 * call it at once: one works, the others wait. Returns the names of what was applied.
 */
export async function migrate(
  database: Database,
  log: (message: string) => void = () => undefined,
): Promise<string[]> {
  const applied = await runner({
    databaseUrl: {
      host: database.DB_HOST,
      port: database.DB_PORT,
      database: database.DB_NAME,
      user: database.DB_USER,
      password: database.DB_PASSWORD,
    },
    dir: directory,
    direction: 'up',
    migrationsTable: 'migrations',
    checkOrder: true,
    advisoryLockMode: 'wait',
    log,
  });
  return applied.map((migration) => migration.name);
}

async function main(): Promise<void> {
  const database = readDatabaseEnv(undefined, loadEnvFiles());
  try {
    const applied = await migrate(database);
    process.stdout.write(applied.length > 0 ? `migrated: ${applied.join(', ')}\n` : 'nothing to migrate\n');
  } catch (error) {
    throw new Error(`${nameOf(database)}: ${reasonOf(error)}`, { cause: error });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  main().catch((error: unknown) => {
    process.stderr.write(`migration failed: ${(error as Error).message}\n`);
    process.exitCode = 1;
  });
