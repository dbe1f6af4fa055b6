import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';

export interface Export {
  id: number;
  userId: number;
  status: 'pending' | 'ready' | 'failed';
  done: number;
  total: number | null;
  storageKey: string | null;
  size: number | null;
  createdAt: Date;
  expiresAt: Date | null;
}

/** A table of an export: the columns it goes by, and those that are withheld, as they are secrets or ours. */
export interface ExportedTable {
  name: string;
  key: readonly string[];
  without: readonly string[];
  /** Of some rows, which `when` tells of `t`, these are withheld as well. */
  masked?: { columns: readonly string[]; when: string };
}

export interface ExportedRow {
  row: Record<string, unknown>;
  /** Where the next page begins. */
  place: Record<string, unknown>;
}

const columns = raw(`id, user_id as "userId", status, done, total, storage_key as "storageKey", size,
  created_at as "createdAt", expires_at as "expiresAt"`);

export const exportModel = (db: Db) => ({
  /** One at a time: null while there is one. */
  async create(userId: number): Promise<Export | null> {
    const [row] = await db.query<Export>(
      sql`insert into exports (user_id) values (${userId}) on conflict do nothing returning ${columns}`,
    );
    return row ?? null;
  },

  /** The latest. */
  async latest(): Promise<Export | null> {
    const [row] = await db.query<Export>(sql`select ${columns} from exports order by id desc limit 1`);
    return row ?? null;
  },

  async find(id: number): Promise<Export | null> {
    const [row] = await db.query<Export>(sql`select ${columns} from exports where id = ${id}`);
    return row ?? null;
  },

  async setProgress(id: number, done: number, total: number): Promise<void> {
    await db.query(sql`update exports set done = ${done}, total = ${total} where id = ${id}`);
  },

  /** False: it was taken away meanwhile, and nothing may be left of it. */
  async setReady(id: number, at: { storageKey: string; size: number; lifetime: number }): Promise<boolean> {
    const rows = await db.query(sql`
      update exports set status = 'ready', storage_key = ${at.storageKey}, size = ${at.size}, ended_at = now(),
             expires_at = now() + make_interval(secs => ${at.lifetime}) where id = ${id} returning 1`);
    return rows.length > 0;
  },

  /** Another can be begun. */
  async setFailed(id: number): Promise<void> {
    await db.query(
      sql`update exports set status = 'failed', ended_at = now() where id = ${id} and status = 'pending'`,
    );
  },

  /** Takes away what has expired, or all that are older than one. The keys of their files. */
  async remove(olderThan: number): Promise<string[]> {
    const rows = await db.query<{ key: string | null }>(sql`
      delete from exports where status <> 'pending' and (id < ${olderThan} or expires_at < now()) returning storage_key as key`);
    return rows.flatMap(({ key }) => (key ? [key] : []));
  },

  /** Takes away every one of them, also one on its way: the keys of their files, and whether there was such a one. */
  async removeAll(userId: number): Promise<{ files: string[]; wasPending: boolean }> {
    const rows = await db.query<{ key: string | null; status: Export['status'] }>(
      sql`delete from exports where user_id = ${userId} returning storage_key as key, status`,
    );
    return {
      files: rows.flatMap(({ key }) => (key ? [key] : [])),
      wasPending: rows.some(({ status }) => status === 'pending'),
    };
  },

  /** The next rows of a table of the user in context, as they are stored. */
  page(
    userId: number,
    table: ExportedTable,
    { after, limit }: { after: Record<string, unknown> | null; limit: number },
  ): Promise<ExportedRow[]> {
    // Said again, beside row-level security, so that an index that begins with it gives the order.
    const owner = raw(table.name === 'users' ? 't.id' : 't.user_id');
    const key = (alias: string) => raw(table.key.map((column) => `${alias}.${column}`).join(', '));
    const name = raw(table.name);
    const masked = table.masked
      ? sql`- case when ${raw(table.masked.when)} then ${[...table.masked.columns]}::text[] else '{}' end`
      : sql``;
    const place = raw(table.key.map((column) => `'${column}', t.${column}`).join(', '));
    const rest =
      after === null
        ? sql``
        : sql`and (${key('t')}) > (select ${key('r')} from jsonb_populate_record(null::${name}, ${JSON.stringify(after)}::jsonb) r)`;
    return db.query<ExportedRow>(sql`
      select to_jsonb(t) - ${[...table.without]}::text[] ${masked} as row, jsonb_build_object(${place}) as place
        from ${name} t where ${owner} = ${userId} ${rest} order by ${key('t')} limit ${limit}`);
  },

  /** Where the user's files are, by id. */
  files: (after: number, limit: number) =>
    db.query<{ id: number; storageKey: string; fileName: string | null; mimetype: string | null }>(sql`
      select id, storage_key as "storageKey", file_name as "fileName", mimetype from media
       where status = 'stored' and id > ${after} order by id limit ${limit}`),

  async countFiles(): Promise<number> {
    const [row] = await db.query<{ count: number }>(sql`select count(*) from media where status = 'stored'`);
    return row!.count;
  },
});
