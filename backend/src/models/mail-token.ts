import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export type MailPurpose = 'confirm' | 'reset';

export const mailTokenModel = (db: Db) => ({
  /** The newest of a purpose alone works. `lifetime` in seconds. */
  async create(token: {
    id: string;
    userId: number;
    purpose: MailPurpose;
    email: string;
    hash: Buffer;
    lifetime: number;
  }): Promise<void> {
    await db.query(
      sql`delete from mail_tokens where user_id = ${token.userId} and (purpose = ${token.purpose} or expires_at < now())`,
    );
    await db.query(sql`
      insert into mail_tokens (id, user_id, purpose, email, hash, expires_at)
      values (${token.id}, ${token.userId}, ${token.purpose}, ${token.email}, ${token.hash},
              now() + make_interval(secs => ${token.lifetime}))`);
  },

  /** One that lives, locked; null: there is none. */
  async findForUpdate(id: string, purpose: MailPurpose): Promise<{ email: string; hash: Buffer } | null> {
    const [row] = await db.query<{ email: string; hash: Buffer }>(sql`
      select email, hash from mail_tokens where id = ${id} and purpose = ${purpose} and expires_at > now() for update`);
    return row ?? null;
  },

  async remove(id: string): Promise<void> {
    await db.query(sql`delete from mail_tokens where id = ${id}`);
  },
});
