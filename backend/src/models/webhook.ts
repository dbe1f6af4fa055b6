import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export const webhookModel = (db: Db) => ({
  /** `secret` sealed; `phoneId` null hears all the user's phones. */
  async create(webhook: {
    userId: number;
    phoneId: number | null;
    url: string;
    secret: string;
  }): Promise<number> {
    const [row] = await db.query<{ id: number }>(sql`
      insert into webhooks (user_id, phone_id, url, secret)
      values (${webhook.userId}, ${webhook.phoneId}, ${webhook.url}, ${webhook.secret}) returning id`);
    return row!.id;
  },
});
