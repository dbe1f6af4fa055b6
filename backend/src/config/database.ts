import { createLogger } from './logger.js';
import { createPostgres, type Postgres } from './postgres.js';
import type { DatabaseSettings } from './settings.js';

type Database = Omit<DatabaseSettings, 'NODE_ENV'>;

/** Which database an entry speaks of, in a line. */
export const nameOf = ({ DB_NAME, DB_HOST, DB_PORT, DB_USER }: Database): string =>
  `${DB_NAME} at ${DB_HOST}:${DB_PORT} as ${DB_USER}`;

/** What is behind an error. A connection that was refused on two addresses has a code, and no message. */
export function reasonOf(error: unknown): string {
  const { cause, message, code } = error as Error & { code?: string };
  if (cause !== undefined) return reasonOf(cause);
  // pg's own words are of SASL and SCRAM.
  if (message.includes('client password must be')) return 'it asks for a password: set DB_PASSWORD';
  return message || (code ?? 'unknown');
}

/**
 * One connection for what a command does, closed after it.
 * @throws Error in a line, when that database cannot be reached
 */
export async function withDatabase<T>(env: Database, work: (postgres: Postgres) => Promise<T>): Promise<T> {
  const postgres = createPostgres(
    {
      host: env.DB_HOST,
      port: env.DB_PORT,
      database: env.DB_NAME,
      user: env.DB_USER,
      password: env.DB_PASSWORD,
      poolSize: 1,
    },
    createLogger({ level: 'error' }),
  );
  try {
    await postgres.ping().catch((error: unknown) => {
      throw new Error(`${nameOf(env)}: ${reasonOf(error)}`, { cause: error });
    });
    return await work(postgres);
  } finally {
    await postgres.close();
  }
}
