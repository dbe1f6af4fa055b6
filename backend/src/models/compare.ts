import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export interface Compare {
  phoneId: number;
  userId: number;
  leaseId: string;
  /** All that the node had by then is here. */
  comparedAt: Date;
  openedAt: Date;
}

/** When what nodes have stored is compared with what is here. Cross-tenant: ids and times only. */
export const compareModel = (db: Db) => ({
  /** The connection is open (again): what was missed meanwhile is looked for, once what waited for it has come. */
  async noteOpening(userId: number, phoneId: number): Promise<void> {
    await db.query(sql`select note_opening(${userId}, ${phoneId}, interval '5 seconds')`);
  },

  claim: (limit: number, leaseSeconds: number) =>
    db.query<Compare>(sql`
      select phone_id as "phoneId", user_id as "userId", lease_id as "leaseId", compared_at as "comparedAt",
             opened_at as "openedAt"
        from claim_compares(${limit}, make_interval(secs => ${leaseSeconds}))`),

  /** `comparedAt` null: not to the end. `again` in seconds; null: not before it is open again. */
  async finish(compare: Compare, comparedAt: Date | null, again: number | null): Promise<void> {
    await db.query(
      sql`select finish_compare(${compare.phoneId}, ${compare.leaseId}, ${comparedAt}, make_interval(secs => ${again}))`,
    );
  },

  /** What is here of messages, by WhatsApp's ids. */
  listKnown: (phoneId: number, whatsappIds: readonly string[]) =>
    db.query<{
      whatsappId: string;
      direction: 'in' | 'out';
      status: string;
      content: string | null;
      editedAt: Date | null;
      deletedAt: Date | null;
    }>(sql`
      select message_id as "whatsappId", direction, status, content, edited_at as "editedAt", deleted_at as "deletedAt"
        from messages where phone_number_id = ${phoneId} and message_id = any (${[...whatsappIds]}::text[])`),
});
export type Known = Awaited<ReturnType<ReturnType<typeof compareModel>['listKnown']>>[number];
