import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export type MailPurpose = 'confirm' | 'reset';

export const mailTokenModel = (db: Db) => ({
  /** How many of a purpose were made for a user within the last hour; whoever asks next waits until this transaction ends. */
  async countRecent(userId: number, purpose: MailPurpose): Promise<number> {
    await db.query(sql`select from users where id = ${userId} for no key update`);
    const [row] = await db.query<{ count: number }>(sql`
      select count(*) from mail_tokens
       where user_id = ${userId} and purpose = ${purpose} and created_at > now() - interval '1 hour'`);
    return row!.count;
  },

  /** `lifetime` in seconds. */
  async create(token: {
    id: string;
    userId: number;
    purpose: MailPurpose;
    email: string;
    hash: Buffer;
    lifetime: number;
  }): Promise<void> {
    await db.query(
      sql`delete from mail_tokens where user_id = ${token.userId} and expires_at < now() - interval '1 hour'`,
    );
    await db.query(sql`
      insert into mail_tokens (id, user_id, purpose, email, hash, expires_at)
      values (${token.id}, ${token.userId}, ${token.purpose}, ${token.email}, ${token.hash},
              now() + make_interval(secs => ${token.lifetime}))`);
  },

  /** One that lives, locked; null: there is none. `isNewest`: no other of its purpose was made for its user since. */
  async findForUpdate(
    id: string,
    purpose: MailPurpose,
  ): Promise<{ email: string; hash: Buffer; isNewest: boolean } | null> {
    const [row] = await db.query<{ email: string; hash: Buffer; isNewest: boolean }>(sql`
      select email, hash,
             not exists (select from mail_tokens n
                          where n.user_id = t.user_id and n.purpose = t.purpose and n.id > t.id) as "isNewest"
        from mail_tokens t where id = ${id} and purpose = ${purpose} and expires_at > now() for update`);
    return row ?? null;
  },

  /**
   * Ends those that would hand the account to somebody: links to set a password, or to another address than it has. They are kept
   * for an hour, as mails that were sent count whatever became of their links.
   */
  async endPending(userId: number): Promise<void> {
    await db.query(sql`
      update mail_tokens set expires_at = now() where user_id = ${userId} and expires_at > now()
         and (purpose = 'reset' or email <> (select email from users where id = ${userId}))`);
  },

  /** Ends all, or those of a purpose. */
  async endAll(userId: number, purpose: MailPurpose | null = null): Promise<void> {
    await db.query(sql`
      update mail_tokens set expires_at = now() where user_id = ${userId} and expires_at > now()
         and (${purpose}::text is null or purpose = ${purpose})`);
  },
});
