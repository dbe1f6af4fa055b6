import pg from 'pg';
import type { Log } from '../utils/log.js';

export type Database = Pick<pg.Pool, 'query' | 'connect'>;

const TIMESTAMP = 1114;
const BIGINT = 20;

/** Real nodes keep UTC in columns without a time zone; the driver would read them in the machine's own. */
const parserOf = (oid: number, format?: 'text' | 'binary'): ((value: string) => unknown) => {
  if (oid === TIMESTAMP) return (value) => new Date(`${value.replace(' ', 'T')}Z`);
  if (oid === BIGINT) return Number;
  return pg.types.getTypeParser(oid, format as 'text') as (value: string) => unknown;
};

export const clientConfig = (url: string): pg.ClientConfig => ({
  connectionString: url,
  options: '-c timezone=UTC',
  types: { getTypeParser: parserOf as typeof pg.types.getTypeParser },
});

/** A pool on the nodes' shared database; a lost server is logged and met again by the next query. */
export const openDatabase = (settings: { url: string; size: number; log: Log }): pg.Pool => {
  const pool = new pg.Pool({
    ...clientConfig(settings.url),
    max: settings.size,
    connectionTimeoutMillis: 5_000,
  });
  pool.on('error', (error) => settings.log('warn', 'database.lost', { error }));
  return pool;
};

/** Whether the statement certainly did not run, because no connection could be had. */
export const isUnreachable = (error: unknown): boolean => {
  const { code, message } = error as { code?: string; message?: string };
  return (
    code === 'ECONNREFUSED' ||
    code === '57P03' ||
    code === '3D000' ||
    /timeout exceeded when trying to connect|due to connection timeout|ECONNREFUSED/.test(message ?? '')
  );
};

/** Whether the failure is the database's absence, rather than a refusal of what was asked. */
export const isDatabaseDown = (error: unknown): boolean => {
  const { code, message } = error as { code?: string; message?: string };
  return (
    isUnreachable(error) ||
    /^(57P|08|53)/.test(code ?? '') ||
    /Connection terminated|ECONNRESET/.test(message ?? '')
  );
};

/** Whether the row names an instance that is gone. */
export const isForeignKey = (error: unknown): boolean => (error as { code?: string }).code === '23503';
