import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export interface SecondFactor {
  /** Sealed. */
  secret: string | null;
  isEnabled: boolean;
}

export const secondFactorModel = (db: Db) => ({
  async find(userId: number): Promise<SecondFactor> {
    const [row] = await db.query<SecondFactor>(sql`
      select totp_secret as secret, totp_enabled_at is not null as "isEnabled" from users where id = ${userId}`);
    return row ?? { secret: null, isEnabled: false };
  },

  /** Set up anew, and not in force. */
  async setSecret(userId: number, secret: string | null): Promise<void> {
    await db.query(sql`
      update users set totp_secret = ${secret}, totp_enabled_at = null, totp_step = 0, updated_at = now() where id = ${userId}`);
    await db.query(sql`delete from recovery_codes where user_id = ${userId}`);
  },

  async enable(userId: number, recoveryHashes: readonly Buffer[]): Promise<void> {
    await db.query(sql`update users set totp_enabled_at = now(), updated_at = now() where id = ${userId}`);
    await db.query(sql`
      insert into recovery_codes (user_id, hash) select ${userId}, h from unnest(${[...recoveryHashes]}::bytea[]) h`);
  },

  /** Whether the code of this step had not been used. Then those that were tried before count no more. */
  async useStep(userId: number, step: number): Promise<boolean> {
    const rows = await db.query(sql`
      update users set totp_step = ${step}, totp_tries = 0 where id = ${userId} and totp_step < ${step} returning 1`);
    return rows.length > 0;
  },

  /** How many codes were tried in a window of so many seconds, with this one, and how many seconds are left of it; 0: none is in force. */
  async countTry(userId: number, window: number): Promise<{ tries: number; left: number }> {
    const isOver = sql`(totp_tries = 0 or totp_tried_since < now() - make_interval(secs => ${window}))`;
    const [row] = await db.query<{ tries: number; left: number }>(sql`
      update users set totp_tries = case when ${isOver} then 1 else totp_tries + 1 end,
             totp_tried_since = case when ${isOver} then now() else totp_tried_since end
       where id = ${userId} and totp_enabled_at is not null
      returning totp_tries as tries, ${window} - extract(epoch from now() - totp_tried_since)::float8 as left`);
    return row ?? { tries: 0, left: 0 };
  },

  /** Whether there was such a code, and it had not been used. */
  async useRecovery(userId: number, hash: Buffer): Promise<boolean> {
    const rows = await db.query(sql`
      update recovery_codes set used_at = now() where user_id = ${userId} and hash = ${hash} and used_at is null returning 1`);
    return rows.length > 0;
  },
});
