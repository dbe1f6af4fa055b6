import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';

export interface Webhook {
  id: number;
  userId: number;
  /** null: it hears all the user's phones. */
  phoneId: number | null;
  url: string;
  /** Sealed, as are the next two. */
  secret: string;
  previousSecret: string | null;
  headers: string | null;
  previousUntil: Date | null;
  /** null: all. */
  events: string[] | null;
  isEnabled: boolean;
  /** One at a time, in the order of the ledger. */
  isOrdered: boolean;
  /** Made by its phone's `webhookUrl`, and kept equal to it. */
  isOfPhone: boolean;
  disabledReason: string | null;
  disabledAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

/** What an owner decides. */
export type WebhookFields = Pick<Webhook, 'url' | 'events' | 'headers' | 'isOrdered'>;

const columns =
  raw(`id, user_id as "userId", phone_id as "phoneId", url, secret, previous_secret as "previousSecret",
  headers, previous_until as "previousUntil", events, is_enabled as "isEnabled", is_ordered as "isOrdered",
  is_of_phone as "isOfPhone", disabled_reason as "disabledReason", disabled_at as "disabledAt",
  created_at as "createdAt", updated_at as "updatedAt"`);

export const webhookModel = (db: Db) => {
  const one = async (statement: ReturnType<typeof sql>): Promise<Webhook | null> =>
    (await db.query<Webhook>(statement))[0] ?? null;
  return {
    async create(
      webhook: WebhookFields & Pick<Webhook, 'userId' | 'phoneId' | 'secret' | 'isOfPhone'>,
    ): Promise<Webhook> {
      const { userId, phoneId, url, secret, headers, events, isOrdered, isOfPhone } = webhook;
      const made = await one(sql`
        insert into webhooks (user_id, phone_id, url, secret, headers, events, is_ordered, is_of_phone)
        values (${userId}, ${phoneId}, ${url}, ${secret}, ${headers}, ${events}::text[], ${isOrdered}, ${isOfPhone})
        returning ${columns}`);
      if (isOrdered) await db.query(sql`select order_webhook(${userId}, ${made!.id}, true)`);
      return made!;
    },

    find: (id: number) => one(sql`select ${columns} from webhooks where id = ${id}`),
    findForUpdate: (id: number) =>
      one(sql`select ${columns} from webhooks where id = ${id} for no key update`),
    findOfPhone: (phoneId: number) =>
      one(sql`select ${columns} from webhooks where phone_id = ${phoneId} and is_of_phone for no key update`),

    list: (page: { after: number; limit: number; offset: number; phoneId: number | undefined }) =>
      db.query<Webhook>(sql`
        select ${columns} from webhooks
         where id > ${page.after} and (${page.phoneId ?? null}::bigint is null or phone_id = ${page.phoneId ?? null})
         order by id limit ${page.limit} offset ${page.offset}`),

    /** Beside those that are their phones' own. */
    async count(): Promise<number> {
      const [row] = await db.query<{ n: number }>(
        sql`select count(*) as n from webhooks where not is_of_phone`,
      );
      return row!.n;
    },

    async update(webhook: Pick<Webhook, 'id' | 'userId'> & WebhookFields): Promise<Webhook> {
      const { id, userId, url, events, headers, isOrdered } = webhook;
      const now = await one(sql`
        update webhooks set url = ${url}, events = ${events}::text[], headers = ${headers}, is_ordered = ${isOrdered},
               updated_at = now()
         where id = ${id} returning ${columns}`);
      await db.query(sql`select order_webhook(${userId}, ${id}, ${isOrdered})`);
      return now!;
    },

    /** The one before signs as well until then. */
    rollSecret: (id: number, secret: string, previousUntil: Date) =>
      one(sql`
        update webhooks set previous_secret = secret, secret = ${secret}, previous_until = ${previousUntil}, updated_at = now()
         where id = ${id} returning ${columns}`),

    /** What is owed to it, and what will be, is held. */
    async disable(webhook: Pick<Webhook, 'id' | 'userId'>, reason: string): Promise<Webhook | null> {
      const now = await one(sql`
        update webhooks set is_enabled = false, disabled_reason = ${reason}, disabled_at = now(), updated_at = now()
         where id = ${webhook.id} and is_enabled returning ${columns}`);
      if (!now) return null;
      await db.query(sql`select unqueue_webhook(${webhook.userId}, ${webhook.id})`);
      await db.query(sql`
        update deliveries set state = 'held', next_at = null where webhook_id = ${webhook.id} and state = 'pending'`);
      return now;
    },

    /** What was held goes out, in the order of the ledger. */
    async enable(webhook: Pick<Webhook, 'id' | 'userId'>): Promise<Webhook | null> {
      const now = await one(sql`
        update webhooks set is_enabled = true, disabled_reason = null, disabled_at = null, updated_at = now()
         where id = ${webhook.id} and not is_enabled returning ${columns}`);
      if (!now) return null;
      await db.query(sql`
        with freed as (
          update deliveries set state = 'pending', next_at = now(), ended_at = null
           where webhook_id = ${webhook.id} and state = 'held' returning user_id, id, webhook_id, event_sequence)
        select queue_deliveries(array_agg(user_id), array_agg(id), array_agg(webhook_id), array_agg(event_sequence))
          from freed having count(*) > 0`);
      return now;
    },

    async removeOfPhone(phoneId: number): Promise<void> {
      await db.query(sql`delete from webhooks where phone_id = ${phoneId}`);
    },

    /** With those of their phones. */
    async removeAll(userId: number): Promise<void> {
      await db.query(sql`delete from webhooks where user_id = ${userId}`);
      await db.query(sql`update phone_numbers set webhook_url = null where user_id = ${userId}`);
    },

    async remove(id: number): Promise<void> {
      await db.query(sql`delete from webhooks where id = ${id}`);
    },
  };
};
