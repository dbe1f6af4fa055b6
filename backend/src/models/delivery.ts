import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';

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
  /** Sealed, as `previousSecret` is, which signs as well for a while. */
  headers: string | null;
  previousSecret: string | null;
  isOrdered: boolean;
  sequence: number;
  event: string;
  phoneId: number | null;
  createdAt: Date;
  endedAt: Date | null;
  nextAt: Date | null;
  webhookId: number;
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

const columns = raw(`d.id, d.state, d.attempts, w.url, w.secret, w.headers, w.is_enabled as "isEnabled",
  case when w.previous_until > now() then w.previous_secret end as "previousSecret", w.is_ordered as "isOrdered",
  e.id as "eventId", e.body, e.type as event, e.phone_id as "phoneId", d.event_sequence as sequence,
  d.created_at as "createdAt", d.ended_at as "endedAt", d.next_at as "nextAt", d.webhook_id as "webhookId"`);
const from = raw(`from deliveries d join webhooks w on w.id = d.webhook_id
  join events e on e.user_id = d.user_id and e.sequence = d.event_sequence`);

export const deliveryModel = (db: Db) => ({
  /** Claims due deliveries within the bounds per webhook and per user. Cross-tenant: ids only. `lease` in seconds. */
  claim: (bounds: { limit: number; perWebhook: number; perUser: number; lease: number }) =>
    db.query<ClaimedDelivery>(sql`
      select delivery_id as id, webhook_id as "webhookId", user_id as "userId", lease_id as "leaseId"
        from claim_deliveries(${bounds.limit}, ${bounds.perWebhook}, ${bounds.perUser}, make_interval(secs => ${bounds.lease}))`),

  find: async (id: string): Promise<Delivery | null> =>
    (await db.query<Delivery>(sql`select ${columns} ${from} where d.id = ${id}`))[0] ?? null,

  /** Newest first. */
  list: (page: { webhookId: number; state: string | undefined; before: number | undefined; limit: number }) =>
    db.query<Delivery>(sql`
      select ${columns} ${from}
       where d.webhook_id = ${page.webhookId} and (${page.state ?? null}::text is null or d.state = ${page.state ?? null})
         and d.event_sequence < ${page.before ?? Number.MAX_SAFE_INTEGER}
       order by d.event_sequence desc limit ${page.limit}`),

  listAttempts: (deliveryId: string) =>
    db.query<Attempt>(sql`
      select number, at, duration_ms as "durationMs", status_code as "statusCode", error_class as "errorClass", detail, answer
        from attempts where delivery_id = ${deliveryId} order by at, id`),

  /** Goes out again, with the same id and bytes; while its webhook is switched off it is held. */
  async reopen(id: string): Promise<void> {
    await db.query(sql`
      with again as (
        update deliveries d set state = case when w.is_enabled then 'pending' else 'held' end, attempts = 0, ended_at = null,
               next_at = case when w.is_enabled then now() end
          from webhooks w where w.id = d.webhook_id and d.id = ${id} and d.state not in ('pending', 'held')
        returning d.user_id, d.id, d.webhook_id, d.event_sequence, d.state)
      select queue_deliveries(array_agg(user_id), array_agg(id), array_agg(webhook_id), array_agg(event_sequence))
        from again where state = 'pending' having count(*) > 0`);
  },

  /**
   * The next part of a replay: what the webhook hears of the events after `after` and up to `until`, also what it was never
   * owed; or, `undelivered`, only what it was owed in vain. Ended deliveries are reopened. Returns how many go out again,
   * and the last sequence that was looked at (null: there is nothing more).
   */
  async replay(
    webhookId: number,
    range: { after: number; since: Date | null; until: Date | null; undelivered: boolean; limit: number },
  ): Promise<{ reopened: number; last: number | null }> {
    const [row] = await db.query<{ reopened: number; last: number | null }>(sql`
      with heard as materialized (
        select e.user_id, e.sequence, w.id as webhook_id, w.is_enabled, d.state
          from webhooks w
          join events e on e.user_id = w.user_id and (w.phone_id is null or w.phone_id = e.phone_id)
                       and (w.events is null or e.type = any (w.events)) and e.type <> 'phone.qr'
          left join deliveries d on d.webhook_id = w.id and d.event_sequence = e.sequence
         where w.id = ${webhookId} and e.sequence > ${range.after}
           and (${range.since}::timestamptz is null or e.created_at >= ${range.since})
           and (${range.until}::timestamptz is null or e.created_at < ${range.until})
           and (not ${range.undelivered} or d.state in ('exhausted', 'expired'))
         order by e.sequence limit ${range.limit}),
      again as (
        insert into deliveries as d (id, user_id, webhook_id, event_sequence, state, next_at)
        select 'dlv_' || replace(gen_random_uuid()::text, '-', ''), h.user_id, h.webhook_id, h.sequence,
               case when h.is_enabled then 'pending' else 'held' end, case when h.is_enabled then now() end
          from heard h where h.state is null or h.state not in ('pending', 'held')
        on conflict (webhook_id, event_sequence) do update
          set state = excluded.state, next_at = excluded.next_at, attempts = 0, ended_at = null
          where d.state not in ('pending', 'held')
        returning d.user_id, d.id, d.webhook_id, d.event_sequence, d.state),
      queued as (
        select queue_deliveries(array_agg(user_id), array_agg(id), array_agg(webhook_id), array_agg(event_sequence))
          from again where state = 'pending' having count(*) > 0)
      select (select count(*) from again) as reopened, (select max(sequence) from heard) as last,
             (select count(*) from queued) as parts`);
    return row!;
  },

  /** Whether anything was delivered to this webhook since a moment. */
  async isReached(webhookId: number, since: Date): Promise<boolean> {
    const rows = await db.query(sql`
      select 1 from deliveries where webhook_id = ${webhookId} and state = 'delivered' and ended_at >= ${since} limit 1`);
    return rows.length > 0;
  },

  /** Of the users in reach: what was held since before a moment has expired. Returns how many, at most `limit`. */
  async expireHeld(before: Date, limit: number): Promise<number> {
    const rows = await db.query(sql`
      update deliveries set state = 'expired', ended_at = now() where id in (
        select id from deliveries where user_id = any (app_user_ids()) and state = 'held' and created_at < ${before}
         order by created_at limit ${limit} for update skip locked)
      returning 1`);
    return rows.length;
  },

  /** By id, each with what it is to post; without those that are gone. */
  listById: (ids: readonly string[]) =>
    db.query<Delivery>(sql`
      select x.* from unnest(${[...ids]}::text[]) as n (name)
       cross join lateral (select ${columns} ${from} where d.id = n.name limit 1) x`),

  /** Ends them, or puts them back until their retry. Returns those whose lease held: what became of the others is not ours. */
  async finish(claims: readonly { claim: ClaimedDelivery; retryAt: Date | null }[]): Promise<Set<string>> {
    const rows = await db.query<{ id: string }>(sql`
      select finish_deliveries(${claims.map(({ claim }) => claim.userId)}::bigint[], ${claims.map(({ claim }) => claim.id)}::text[],
        ${claims.map(({ claim }) => claim.leaseId)}::uuid[], ${claims.map(({ retryAt }) => retryAt)}::timestamptz[]) as id`);
    return new Set(rows.map(({ id }) => id));
  },

  async settle(
    all: readonly { id: string; state: Delivery['state']; attempts: number; nextAt: Date | null }[],
  ): Promise<void> {
    if (all.length === 0) return;
    await db.query(sql`
      update deliveries d set state = n.state, attempts = n.attempts, next_at = n.next_at,
             ended_at = case when n.state in ('pending', 'held') then null else now() end
        from unnest(${all.map((one) => one.id)}::text[], ${all.map((one) => one.state)}::text[],
                    ${all.map((one) => one.attempts)}::integer[], ${all.map((one) => one.nextAt)}::timestamptz[])
             as n (id, state, attempts, next_at)
       where d.id = n.id`);
  },

  /** What is answered to an event that was erased meanwhile is not kept: receivers may say what they were told. */
  async note(attempts: readonly (Attempt & { userId: number; deliveryId: string })[]): Promise<void> {
    await db.query(sql`
      insert into attempts (user_id, delivery_id, number, at, duration_ms, status_code, error_class, detail, answer)
      select n.user_id, n.delivery_id, n.number, n.at, n.duration_ms, n.status_code, n.error_class,
             case when e.type is distinct from 'event.erased' then n.detail end,
             case when e.type is distinct from 'event.erased' then n.answer end
        from unnest(${attempts.map((a) => a.userId)}::bigint[], ${attempts.map((a) => a.deliveryId)}::text[],
        ${attempts.map((a) => a.number)}::integer[], ${attempts.map((a) => a.at)}::timestamptz[],
        ${attempts.map((a) => a.durationMs)}::integer[], ${attempts.map((a) => a.statusCode)}::integer[],
        ${attempts.map((a) => a.errorClass)}::text[], ${attempts.map((a) => a.detail)}::text[],
        ${attempts.map((a) => a.answer)}::text[])
             with ordinality as n (user_id, delivery_id, number, at, duration_ms, status_code, error_class, detail, answer, nth)
        left join lateral (
          select v.type from deliveries d join events v on v.user_id = d.user_id and v.sequence = d.event_sequence
           where d.id = n.delivery_id and d.user_id = n.user_id offset 0) e on true
       order by n.nth`);
  },
});
