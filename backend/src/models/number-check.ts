import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export interface NumberCheck {
  number: string;
  isOnWhatsapp: boolean;
  checkedAt: Date;
}

/** Which numbers a user's phones were told to be on WhatsApp, by each phone. */
export const numberCheckModel = (db: Db) => ({
  /**
   * What is known of them by any phone in reach, the latest of each, and young enough: who is there stays for long, who is
   * not may come. Seconds.
   */
  list: (userId: number, numbers: readonly string[], young: { there: number; absent: number }) =>
    db.query<NumberCheck>(sql`
      select distinct on (number) number, is_on_whatsapp as "isOnWhatsapp", checked_at as "checkedAt" from number_checks
       where user_id = ${userId} and number = any (${[...numbers]}::text[])
         and checked_at > now() - make_interval(secs => case when is_on_whatsapp then ${young.there}::float8 else ${young.absent}::float8 end)
         and is_on_whatsapp is not null
       order by number, checked_at desc`),

  /** How many a phone has asked about in the last minute. Exact while the phone's row is locked. */
  async countLately(phoneId: number): Promise<number> {
    const [row] = await db.query<{ count: number }>(sql`
      select count(*)::int as count from number_checks where phone_id = ${phoneId} and checked_at > now() - interval '1 minute'`);
    return row!.count;
  },

  /** Notes that they are asked about now. */
  async begin(userId: number, phoneId: number, numbers: readonly string[]): Promise<void> {
    await db.query(sql`
      insert into number_checks (user_id, number, phone_id)
      select ${userId}, n, ${phoneId} from unnest(${[...numbers]}::text[]) as n order by n
      on conflict (user_id, number, phone_id) do update set is_on_whatsapp = null, checked_at = now()`);
  },

  async settle(userId: number, phoneId: number, found: ReadonlyMap<string, boolean>): Promise<void> {
    await db.query(sql`
      update number_checks c set is_on_whatsapp = f.is_there, checked_at = now()
        from unnest(${[...found.keys()]}::text[], ${[...found.values()]}::boolean[]) as f (number, is_there)
       where c.user_id = ${userId} and c.phone_id = ${phoneId} and c.number = f.number`);
  },
});
