import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import { loadEnvFile, readEnv, type Settings } from './config/env.js';
import { createLogger } from './config/logger.js';

const directory = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'database', 'migrations');

type Database = Pick<Settings, 'DB_HOST' | 'DB_PORT' | 'DB_NAME' | 'DB_USER' | 'DB_PASSWORD'>;

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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  loadEnvFile();
  const logger = createLogger({ level: 'info' });
  try {
    const applied = await migrate(readEnv());
    logger.info('migrated', { applied });
  } catch (error) {
    logger.error('migration failed', { error });
    process.exitCode = 1;
  }
}
