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

  /** Counts messages of today (UTC) unless that would be more than `limit`. How many they are then; null: too many. */
  async takeMessages(userId: number, count: number, limit: number): Promise<number | null> {
    const [row] = await db.query<{ messages: number }>(sql`
      insert into usage_days as u (user_id, day, messages)
      select ${userId}, (now() at time zone 'utc')::date, ${count} where ${count} <= ${limit}::bigint
      on conflict (user_id, day) do update set messages = u.messages + excluded.messages
        where u.messages + excluded.messages <= ${limit}::bigint
      returning messages`);
    return row?.messages ?? null;
  },

  async giveBackMessages(userId: number, count: number): Promise<void> {
    await db.query(sql`
      update usage_days set messages = greatest(0, messages - ${count})
       where user_id = ${userId} and day = (now() at time zone 'utc')::date`);
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
