import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

/** How much a user may have; what is left out is as the settings say, and 0 is as many as they like. */
export interface Quotas {
  phones?: number;
  messagesPerDay?: number;
  mediaBytes?: number;
}
/** Days that things are kept; what is left out is as the settings say, and nothing is kept longer than that. */
export interface KeptDays {
  messages?: number;
  media?: number;
  events?: number;
}

export const quotaModel = (db: Db) => ({
  async find(userId: number): Promise<{ quotas: Quotas; keptDays: KeptDays }> {
    const [row] = await db.query<{ quotas: Quotas; keptDays: KeptDays }>(
      sql`select quotas, kept_days as "keptDays" from users where id = ${userId}`,
    );
    return row ?? { quotas: {}, keptDays: {} };
  },

  /** Null takes one away; what is left out stays. */
  async setQuotas(userId: number, to: Record<string, number | null>): Promise<void> {
    await db.query(sql`
      update users set quotas = jsonb_strip_nulls(quotas || ${JSON.stringify(to)}::jsonb), updated_at = now() where id = ${userId}`);
  },

  async setKeptDays(userId: number, to: Record<string, number | null>): Promise<void> {
    await db.query(sql`
      update users set kept_days = jsonb_strip_nulls(kept_days || ${JSON.stringify(to)}::jsonb), updated_at = now() where id = ${userId}`);
  },

  /** What is used of each. */
  async usage(userId: number): Promise<Required<Quotas>> {
    const [row] = await db.query<Required<Quotas>>(sql`
      select (select count(*) from phone_numbers where user_id = ${userId}) as phones,
             coalesce((select messages from usage_days
                        where user_id = ${userId} and day = (now() at time zone 'utc')::date), 0) as "messagesPerDay",
             coalesce((select bytes from media_usage where user_id = ${userId}), 0) as "mediaBytes"`);
    return row!;
  },
});
