import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export interface Job {
  id: number;
  userId: number;
  kind: 'export' | 'erase' | 'remove';
  /** The export, or the erasure. */
  about: number | null;
  leaseId: string;
  /** How often it was begun, this time as well. */
  tries: number;
}

/** What a user asked for that takes its time. Claims see ids and kinds only. */
export const jobModel = (db: Db) => ({
  async add(userId: number, kind: Job['kind'], about: number | null): Promise<void> {
    await db.query(sql`select add_job(${userId}, ${kind}, ${about})`);
  },

  /** Cross-tenant. */
  claim: (kinds: readonly Job['kind'][], limit: number, leaseSeconds: number) =>
    db.query<Job>(sql`
      select id, user_id as "userId", kind, about, lease_id as "leaseId", tries
        from claim_jobs(${limit}, make_interval(secs => ${leaseSeconds}), ${[...kinds]}::text[])`),

  /** False: somebody else has it by now. */
  async renew({ id, leaseId }: Job, leaseSeconds: number): Promise<boolean> {
    const [row] = await db.query<{ held: boolean }>(
      sql`select renew_job(${id}, ${leaseId}, make_interval(secs => ${leaseSeconds})) as held`,
    );
    return row!.held;
  },

  /** `again`: seconds after which it is to be done again; null: it is done. */
  async finish({ id, leaseId }: Job, again: number | null): Promise<void> {
    await db.query(sql`
      select finish_job(${id}, ${leaseId}, case when ${again}::float8 is null then null else make_interval(secs => ${again}) end)`);
  },
});
