import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export interface Check {
  phoneId: number;
  userId: number;
  leaseId: string;
  /** How many looks in a row ended with "again". */
  tries: number;
}

/** When a phone is to be looked at again. Cross-tenant: ids and times only. */
export const checkModel = (db: Db) => ({
  /** Asks for a look at the latest after `seconds`. Inside the tenant's transaction, so that it commits with its cause. */
  async ask(userId: number, phoneId: number, seconds = 0): Promise<void> {
    await db.query(sql`select ask_check(${userId}, ${phoneId}, now() + make_interval(secs => ${seconds}))`);
  },

  /** Whose the phone is; null: there is none. */
  async ownerOf(phoneId: number): Promise<number | null> {
    const [row] = await db.query<{ owner: number | null }>(sql`select phone_owner(${phoneId}) as owner`);
    return row?.owner ?? null;
  },

  async askAllOfNode(nodeId: number): Promise<void> {
    await db.query(sql`select ask_checks_of_node(${nodeId})`);
  },

  claim: (limit: number, leaseSeconds: number) =>
    db.query<Check>(sql`
      select phone_id as "phoneId", user_id as "userId", lease_id as "leaseId", tries
        from claim_checks(${limit}, make_interval(secs => ${leaseSeconds}))`),

  /** Holds on to a claimed check for so long from now. */
  async renew(check: Check, leaseSeconds: number): Promise<void> {
    await db.query(
      sql`select renew_check(${check.phoneId}, ${check.leaseId}, make_interval(secs => ${leaseSeconds}))`,
    );
  },

  /** `again` in seconds; null: nothing more to do, unless somebody asked meanwhile. */
  async finish(check: Check, again: number | null): Promise<void> {
    await db.query(
      sql`select finish_check(${check.phoneId}, ${check.leaseId}, make_interval(secs => ${again}))`,
    );
  },
});
