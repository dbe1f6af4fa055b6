import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import { networkSchema } from '../network/schema.js';

interface Recorded {
  tables: {
    table: string;
    columns: { column: string; type: string; nullable: boolean; default: string | null }[];
  }[];
  constraints: { table: string; name: string; def: string }[];
  indexes: { index: string; def: string }[];
}

const ENUMS: Record<string, string[]> = {
  InstanceConnectionStatus: ['open', 'close', 'connecting'],
  DeviceMessage: ['ios', 'android', 'web', 'unknown', 'desktop'],
};

/** Unique where the real nodes upsert; the index over keys is ours, or acks would scan all messages. */
const BESIDE = `
create unique index if not exists "Setting_instanceId_key" on "Setting" ("instanceId");
create unique index if not exists "Webhook_instanceId_key" on "Webhook" ("instanceId");
create unique index if not exists "Proxy_instanceId_key" on "Proxy" ("instanceId");
create unique index if not exists "IsOnWhatsapp_remoteJid_key" on "IsOnWhatsapp" ("remoteJid");
create index if not exists "sandbox_Message_key_id" on "Message" ((key->>'id'));
create index if not exists "sandbox_Instance_clientName" on "Instance" ("clientName");
`;

const readRecorded = async (): Promise<Recorded> =>
  JSON.parse(await readFile(new URL('../../recorded/database.json', import.meta.url), 'utf8')) as Recorded;

const typeName = (type: string): string => (type in ENUMS ? `"${type}"` : type);

const tableSql = ({ table, columns }: Recorded['tables'][number]): string =>
  `create table if not exists "${table}" (${columns
    .map(
      (c) =>
        `"${c.column}" ${typeName(c.type)}${c.nullable ? '' : ' not null'}${c.default ? ` default ${c.default}` : ''}`,
    )
    .join(', ')});`;

const unless = (condition: string, statement: string): string =>
  `do $do$ begin if not exists (${condition}) then ${statement}; end if; end $do$;`;

/** The recorded tables as statements. A key into a table that the recording leaves out cannot be made. */
const toSql = ({ tables, constraints, indexes }: Recorded): string => {
  const known = new Set(tables.map(({ table }) => table));
  return [
    ...Object.entries(ENUMS).map(([name, values]) =>
      unless(
        `select from pg_type where typname = '${name}'`,
        `create type "${name}" as enum (${values.map((v) => `'${v}'`).join(', ')})`,
      ),
    ),
    ...tables.map(tableSql),
    ...constraints
      .filter(({ def }) => known.has(/REFERENCES "(\w+)"/.exec(def)?.[1] ?? 'Instance'))
      .map(({ table, name, def }) =>
        unless(
          `select from pg_constraint where conname = '${name}' and conrelid = to_regclass('${table}')`,
          `alter table ${table} add constraint "${name}" ${def}`,
        ),
      ),
    ...indexes
      .filter(({ index }) => !index.endsWith('_pkey'))
      .map(({ def }) => `${def.replace(/INDEX (?=")/, 'INDEX IF NOT EXISTS ').replace('public.', '')};`),
    BESIDE,
  ].join('\n');
};

/** What an earlier start left, so that a node that comes back takes no lock on tables in use. */
const versionOf = async (client: pg.PoolClient): Promise<unknown> => {
  const { rows } = await client.query<{ version: string | null }>(
    `select obj_description(to_regnamespace('whatsapp'), 'pg_namespace') as version`,
  );
  return rows[0]?.version;
};

/**
 * Makes what is missing: the nodes' tables as recorded (`recorded/database.json`), and the simulated network's in the
 * schema `whatsapp`. Nodes that start at once wait for each other.
 */
export const migrate = async (pool: pg.Pool): Promise<void> => {
  const statements = `${toSql(await readRecorded())}\n${networkSchema}`;
  const version = createHash('sha256').update(statements).digest('hex');
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(`select pg_advisory_xact_lock(hashtext('sandbox schema'))`);
    if ((await versionOf(client)) !== version) {
      await client.query(statements);
      await client.query(`comment on schema whatsapp is '${version}'`);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
};
