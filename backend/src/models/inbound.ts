import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

/** What makes a fact the same as another of its phone. */
export interface FactName {
  userId: number;
  phoneId: number;
  key: string;
}

export const inboundModel = (db: Db) => ({
  /** Marks facts as taken, each named once. Returns those that are new: the others have had their effect before. */
  async take(facts: readonly FactName[]): Promise<Pick<FactName, 'phoneId' | 'key'>[]> {
    if (facts.length === 0) return [];
    return db.query(sql`
      insert into inbound_facts (phone_id, key, user_id)
      select * from unnest(${facts.map((f) => f.phoneId)}::bigint[], ${facts.map((f) => f.key)}::text[],
                           ${facts.map((f) => f.userId)}::bigint[]) as n (phone, key, usr)
       order by n.phone, n.key
      on conflict do nothing returning phone_id as "phoneId", key`);
  },

  async quarantine(item: {
    userId: number;
    phoneId: number;
    placementId: string;
    why: string;
    body: unknown;
  }): Promise<void> {
    await db.query(sql`
      insert into quarantine (user_id, phone_id, placement_id, why, body)
      values (${item.userId}, ${item.phoneId}, ${item.placementId}, ${item.why}, ${JSON.stringify(item.body).replaceAll('\\u0000', '')})`);
  },
});
