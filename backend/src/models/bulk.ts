import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';

export interface Bulk {
  id: number;
  userId: number;
  name: string | null;
  /** Drafts in the call, the refused ones included. */
  total: number;
  refused: number;
  /** Messages by status, as last told. */
  progress: Record<string, number>;
  cancelledAt: Date | null;
  finishedAt: Date | null;
  createdAt: Date;
}

export interface BulkCount {
  counts: Record<string, number>;
  /** Whose messages it has, where that is one phone. */
  phoneId: number | null;
}

const columns = raw(`id, user_id as "userId", name, total, refused, progress, cancelled_at as "cancelledAt",
  finished_at as "finishedAt", created_at as "createdAt"`);

export const bulkModel = (db: Db) => ({
  async create(bulk: { userId: number; name: string | null; total: number }): Promise<Bulk> {
    const [row] = await db.query<Bulk>(sql`
      insert into bulks (user_id, name, total, refused) values (${bulk.userId}, ${bulk.name}, ${bulk.total}, 0)
      returning ${columns}`);
    return row!;
  },

  async find(id: number): Promise<Bulk | null> {
    const [row] = await db.query<Bulk>(sql`select ${columns} from bulks where id = ${id}`);
    return row ?? null;
  },

  async setRefused(id: number, refused: number): Promise<void> {
    await db.query(sql`update bulks set refused = ${refused} where id = ${id}`);
  },

  async setCancelled(id: number): Promise<void> {
    await db.query(sql`update bulks set cancelled_at = coalesce(cancelled_at, now()) where id = ${id}`);
  },

  /** Returns false when another process told the same meanwhile. */
  async setProgress(
    id: number,
    to: { before: Record<string, number>; now: Record<string, number>; isFinished: boolean },
  ): Promise<boolean> {
    const rows = await db.query(sql`
      update bulks set progress = ${JSON.stringify(to.now)}::jsonb, finished_at = case when ${to.isFinished} then now() end
       where id = ${id} and finished_at is null and progress = ${JSON.stringify(to.before)}::jsonb returning 1`);
    return rows.length > 0;
  },

  async count(id: number): Promise<BulkCount> {
    const rows = await db.query<{ status: string; count: number; first: number; last: number }>(sql`
      select status, count(*)::integer as count, min(phone_number_id) as first, max(phone_number_id) as last
        from messages where bulk_id = ${id} group by status order by status`);
    const [first, last] = [Math.min(...rows.map((r) => r.first)), Math.max(...rows.map((r) => r.last))];
    return {
      counts: Object.fromEntries(rows.map(({ status, count }) => [status, count])),
      phoneId: rows.length > 0 && first === last ? first : null,
    };
  },

  /** Ids of its messages that wait, in order. */
  async listWaiting(id: number, limit: number): Promise<number[]> {
    const rows = await db.query<{ id: number }>(sql`
      select id from messages where bulk_id = ${id} and status in ('scheduled', 'queued') order by id limit ${limit}`);
    return rows.map((row) => row.id);
  },

  /** Running bulks whose progress is due to be told, whoever's; each again after `again` seconds. */
  claim: (limit: number, again: number) =>
    db.query<{ id: number; userId: number }>(sql`
      select id, user_id as "userId" from claim_bulks(${limit}, make_interval(secs => ${again}))`),
});
