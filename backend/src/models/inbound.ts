import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export const inboundModel = (db: Db) => ({
  /** Marks a fact as taken. False: it was taken before, and has had its effect. */
  async take(userId: number, phoneId: number, key: string): Promise<boolean> {
    const rows = await db.query(sql`
      insert into inbound_facts (phone_id, key, user_id) values (${phoneId}, ${key}, ${userId})
      on conflict do nothing returning 1`);
    return rows.length > 0;
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
