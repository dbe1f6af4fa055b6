-- Webhooks that their owners manage: filters, headers, two live secrets, order, and what is held while one is switched off.

alter table webhooks
  add column is_ordered       boolean     not null default false, -- one at a time, in the order of the ledger
  add column is_of_phone      boolean     not null default false, -- made by the phone's own webhookUrl
  add column headers          text,                               -- sealed JSON: they may hold credentials
  add column previous_secret  text,                               -- sealed; signs as well until then
  add column previous_until   timestamptz,
  add column disabled_reason  text,
  add column disabled_at      timestamptz,
  add column updated_at       timestamptz not null default now();
update webhooks set is_of_phone = true where phone_id is not null;
create unique index webhooks_of_phone on webhooks (phone_id) where is_of_phone;

-- Newest first, also of one state; and what was delivered last.
create index deliveries_newest on deliveries (user_id, webhook_id, event_sequence);
create index deliveries_held on deliveries (user_id, created_at) where state = 'held';

alter table webhook_lanes add column is_ordered boolean not null default false;

-- Whoever is switched off is owed all the same: what comes is held until it is switched on again.
create or replace function append_events(p_users bigint[], p_ids text[], p_types text[], p_phones bigint[],
                                         p_messages bigint[], p_data text[], p_at timestamptz) returns void
  language plpgsql set search_path = public, pg_temp as $$
declare
  nothing text;
begin
  insert into event_counters as c (user_id, last_sequence)
  select u, count(*) from unnest(p_users) as u group by u order by u
  on conflict (user_id) do update set last_sequence = c.last_sequence + excluded.last_sequence;

  with numbered as (
    select e.*, c.last_sequence - count(*) over (partition by e.usr)
                  + row_number() over (partition by e.usr order by e.n) as sequence
      from unnest(p_users, p_ids, p_types, p_phones, p_messages, p_data)
           with ordinality as e (usr, id, type, phone, message, data, n)
      join event_counters c on c.user_id = e.usr),
  appended as (
    insert into events (user_id, sequence, id, type, phone_id, message_id, created_at, body)
    select usr, sequence, id, type, phone, message, p_at,
           '{"id":"' || id || '","sequence":' || sequence || ',"event":"' || type || '","createdAt":"'
             || to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '","data":' || data || '}'
      from numbered order by usr, sequence
    returning user_id, sequence, type, phone_id),
  owed as (
    insert into deliveries (id, user_id, webhook_id, event_sequence, state, next_at)
    select 'dlv_' || replace(gen_random_uuid()::text, '-', ''), a.user_id, w.id, a.sequence,
           case when w.is_enabled then 'pending' else 'held' end, case when w.is_enabled then now() end
      from appended a
      join webhooks w on w.user_id = a.user_id and (w.phone_id is null or w.phone_id = a.phone_id)
                     and (w.events is null or a.type = any (w.events))
     where a.type <> 'phone.qr'                          -- a QR is a credential: sockets only
    returning id, user_id, webhook_id, event_sequence, state)
  select queue_deliveries(array_agg(user_id), array_agg(id), array_agg(webhook_id), array_agg(event_sequence))
    from owed where state = 'pending' having count(*) > 0 into nothing;
end
$$;

-- Posts that already run end by themselves; nothing new leaves.
create function unqueue_webhook(p_user bigint, p_webhook bigint) returns void
  language sql security definer set search_path = public, pg_temp as $$
  delete from delivery_queue where webhook_id = p_webhook and user_id = p_user
$$;

create function order_webhook(p_user bigint, p_webhook bigint, p_ordered boolean) returns void
  language sql security definer set search_path = public, pg_temp as $$
  insert into webhook_lanes as l (webhook_id, user_id, is_ordered) values (p_webhook, p_user, p_ordered)
  on conflict (webhook_id) do update set is_ordered = excluded.is_ordered,
    ready_at = case when exists (select 1 from delivery_queue q where q.webhook_id = p_webhook) then now() end
  where l.user_id = p_user
$$;

-- In order, a lane is ready when its first is: what comes after a delivery that waits for its next try waits with it.
create or replace function refresh_webhook_lane(p_webhook bigint) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  ordered boolean;
begin
  select is_ordered into ordered from webhook_lanes where webhook_id = p_webhook for update;
  if ordered then
    update webhook_lanes set ready_at = (
        select q.ready_at from delivery_queue q where q.webhook_id = p_webhook order by q.sequence limit 1)
     where webhook_id = p_webhook;
  else
    update webhook_lanes set ready_at = (
        select q.ready_at from delivery_queue q where q.webhook_id = p_webhook order by q.ready_at limit 1)
     where webhook_id = p_webhook;
  end if;
end
$$;
create index delivery_queue_order on delivery_queue (webhook_id, sequence);

create or replace function claim_deliveries(p_limit integer, p_per_webhook integer, p_per_user integer, p_lease interval)
  returns table (delivery_id text, webhook_id bigint, user_id bigint, lease_id uuid)
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  lane record;
  room integer;
  left_over integer := p_limit;
begin
  for lane in
    with due as (
      select l.webhook_id, l.user_id, l.ready_at,
             row_number() over (partition by l.user_id order by l.ready_at, l.webhook_id) as turn
        from webhook_lanes l where l.ready_at <= now()),
    ranked as (select * from due order by due.turn, due.ready_at limit p_limit * 2)
    select l.webhook_id as webhook, l.user_id as usr, l.is_ordered from webhook_lanes l join ranked r on r.webhook_id = l.webhook_id
     where l.ready_at <= now() order by r.turn, r.ready_at limit p_limit for update of l skip locked
  loop
    exit when left_over <= 0;
    room := least(left_over,
      case when lane.is_ordered then 1 else p_per_webhook end
        - (select count(*) from delivery_queue q
            where q.webhook_id = lane.webhook and q.lease_id is not null and q.ready_at > now()),
      p_per_user - (select count(*) from webhook_lanes l join delivery_queue q on q.webhook_id = l.webhook_id
                     where l.user_id = lane.usr and q.lease_id is not null and q.ready_at > now()));
    if room > 0 then
      return query
      with first as materialized (
        select q.delivery_id from delivery_queue q where q.webhook_id = lane.webhook order by q.sequence limit 1),
      picked as (
        select q.delivery_id from delivery_queue q
         where q.webhook_id = lane.webhook and q.ready_at <= now()
           and (not lane.is_ordered or q.delivery_id = (select f.delivery_id from first f))
         order by q.ready_at, q.sequence limit room for update skip locked)
      update delivery_queue q set lease_id = gen_random_uuid(), ready_at = now() + p_lease
        from picked where q.delivery_id = picked.delivery_id
      returning q.delivery_id, q.webhook_id, q.user_id, q.lease_id;
      get diagnostics room = row_count;
      left_over := left_over - room;
      perform refresh_webhook_lane(lane.webhook);
    else
      -- Full: it becomes due again when one of its deliveries ends, or its lease does.
      update webhook_lanes l set ready_at = now() + interval '1 second' where l.webhook_id = lane.webhook;
    end if;
  end loop;
end
$$;

revoke execute on all functions in schema public from public;
grant execute on function unqueue_webhook(bigint, bigint), order_webhook(bigint, bigint, boolean) to evolution_app;
