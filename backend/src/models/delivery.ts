import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export interface ClaimedDelivery {
  id: string;
  webhookId: number;
  userId: number;
  leaseId: string;
}

export interface Delivery {
  id: string;
  state: 'pending' | 'held' | 'delivered' | 'exhausted' | 'expired' | 'removed';
  attempts: number;
  url: string;
  /** Sealed. */
  secret: string;
  isEnabled: boolean;
  eventId: string;
  body: string;
}

export interface Attempt {
  number: number;
  at: Date;
  durationMs: number;
  statusCode: number | null;
  errorClass: string | null;
  detail: string | null;
  answer: string | null;
}

export const deliveryModel = (db: Db) => ({
  /** Claims due deliveries within the bounds per webhook and per user. Cross-tenant: ids only. `lease` in seconds. */
  claim: (bounds: { limit: number; perWebhook: number; perUser: number; lease: number }) =>
    db.query<ClaimedDelivery>(sql`
      select delivery_id as id, webhook_id as "webhookId", user_id as "userId", lease_id as "leaseId"
        from claim_deliveries(${bounds.limit}, ${bounds.perWebhook}, ${bounds.perUser}, make_interval(secs => ${bounds.lease}))`),

  async find(id: string): Promise<Delivery | null> {
    const [row] = await db.query<Delivery>(sql`
      select d.id, d.state, d.attempts, w.url, w.secret, w.is_enabled as "isEnabled", e.id as "eventId", e.body
        from deliveries d join webhooks w on w.id = d.webhook_id
        join events e on e.user_id = d.user_id and e.sequence = d.event_sequence
       where d.id = ${id}`);
    return row ?? null;
  },

  /** False: the lease is another's by now, and so is the decision. */
  async finish(claim: ClaimedDelivery, retryAt: Date | null): Promise<boolean> {
    const [row] = await db.query<{ done: boolean }>(sql`
      select finish_delivery(${claim.userId}, ${claim.id}, ${claim.leaseId}, ${retryAt}) as done`);
    return row?.done ?? false;
  },

  async settle(
    id: string,
    to: { state: Delivery['state']; attempts: number; nextAt: Date | null },
  ): Promise<void> {
    await db.query(sql`
      update deliveries set state = ${to.state}, attempts = ${to.attempts}, next_at = ${to.nextAt},
             ended_at = case when ${to.state} in ('pending', 'held') then null else now() end
       where id = ${id}`);
  },

  async note(userId: number, deliveryId: string, attempt: Attempt): Promise<void> {
    await db.query(sql`
      insert into attempts (user_id, delivery_id, number, at, duration_ms, status_code, error_class, detail, answer)
      values (${userId}, ${deliveryId}, ${attempt.number}, ${attempt.at}, ${attempt.durationMs}, ${attempt.statusCode},
              ${attempt.errorClass}, ${attempt.detail}, ${attempt.answer})`);
  },
});
