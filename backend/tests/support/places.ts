import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { TestGateway } from './gateway.js';
import type { TestNodes } from './nodes.js';

/** Where a text stands: `table`s of ours and of the nodes, the fields of their keys, and files. */
export async function placesOf(
  text: string,
  { gateway, nodes }: { gateway: TestGateway; nodes: TestNodes },
): Promise<string[]> {
  const places: string[] = [];
  const search = async (name: string, query: (sql: string) => Promise<any[]>) => {
    const tables = await query(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    for (const { name: table } of tables) {
      const rows = await query(`select 1 from "${table}" t where t::text like '%${text}%' limit 1`);
      if (rows.length > 0) places.push(`${name} ${table}`);
    }
  };
  await search('gateway', (sql) => gateway.database.queryAll(sql));
  const pool = new pg.Pool({ connectionString: nodes.store.EVOLUTION_DATABASE_URL, max: 1 });
  await search('nodes', async (sql) => (await pool.query(sql)).rows);
  await pool.end();
  const redis = new Redis(nodes.store.EVOLUTION_REDIS_URL);
  for (const key of await redis.keys('*'))
    if ((await redis.type(key)) === 'hash')
      for (const [field, value] of Object.entries(await redis.hgetall(key)))
        if (`${field} ${value}`.includes(text)) places.push(`redis ${field}`);
  redis.disconnect();
  const files = readdirSync(gateway.folder, { recursive: true, encoding: 'utf8' });
  for (const file of files.map((one) => join(gateway.folder, one)))
    if (statSync(file).isFile() && readFileSync(file).includes(text)) places.push('file');
  return places;
}
