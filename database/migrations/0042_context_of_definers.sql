-- Functions that run as the owner of the tables believed whoever called them whose lane, check or queue it is. From now on that
-- has to be a user in context, or nothing happens, as where a policy hides a row; where rows of many users are put in at once,
-- it is refused as a policy would refuse it. What this leaves out works across tenants by nature, and sees ids and times alone:
-- claims and their leases, `find_credential`, `latest_audit` (for admins) and `list_unnoted` (what has to be put into chats).

create or replace function open_lane(p_user bigint, p_phone bigint, p_open boolean) returns void
  language sql security definer set search_path = public, pg_temp as $$
  insert into lanes as l (phone_id, user_id, is_open)
  select p_phone, p_user, p_open and coalesce((select is_active from users where id = p_user for share), true)
   where p_user = any (app_user_ids())
  on conflict (phone_id) do update
    set is_open = excluded.is_open,
        -- a phone that is back owes nobody the rest of a pause
        not_before = case when excluded.is_open and not l.is_open then '-infinity' else l.not_before end,
        ready_at = case when excluded.is_open and not l.is_open and l.ready_at is not null then now() else l.ready_at end,
        failures = case when excluded.is_open and not l.is_open then 0 else l.failures end
  where l.user_id = p_user
$$;

create or replace function pause_lane(p_user bigint, p_phone bigint, p_paused boolean) returns void
  language sql security definer set search_path = public, pg_temp as $$
  update lanes set is_paused = p_paused where phone_id = p_phone and user_id = p_user and p_user = any (app_user_ids())
$$;

create or replace function pace_lane(p_user bigint, p_phone bigint, p_sending jsonb) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update lanes
     set timezone = p_sending->>'timezone',
         quiet_from = (p_sending->'quietHours'->>'from')::time, quiet_to = (p_sending->'quietHours'->>'to')::time,
         gap = make_interval(secs => 60 / (p_sending->>'perMinute')::double precision),
         jitter = (p_sending->>'jitter')::real,
         recipient_gap = make_interval(secs => nullif((p_sending->>'recipientGap')::double precision, 0)),
         warm_up = (select array_agg(n::integer order by i)
                      from jsonb_array_elements_text(nullif(p_sending->'warmUp', 'null')->'perDay') with ordinality as e (n, i)),
         warm_up_from = (p_sending->'warmUp'->>'from')::date,
         not_before = case when failures = 0 then '-infinity' else not_before end,
         rest_until = '-infinity'
   where phone_id = p_phone and user_id = p_user and p_user = any (app_user_ids());
  if found then
    perform refresh_lane(p_phone);
  end if;
end
$$;

create or replace function clear_doubt(p_user bigint, p_phone bigint) returns void
  language sql security definer set search_path = public, pg_temp as $$
  update lanes set in_doubt = false where phone_id = p_phone and user_id = p_user and p_user = any (app_user_ids())
$$;

create or replace function lane_in_doubt(p_user bigint, p_phone bigint) returns boolean
  language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select 1 from lanes
                  where phone_id = p_phone and user_id = p_user and in_doubt and p_user = any (app_user_ids()))
$$;

-- Other functions' own: whoever may call those has been asked for the context by them.
revoke execute on function advance_chat(bigint, bigint, bigint, interval) from evolution_app;

create or replace function rejoin_lane(p_user bigint, p_phone bigint, p_chat bigint, p_lift boolean) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if (p_user = any (app_user_ids())) is not true then
    return;
  end if;
  insert into chat_heads as h (phone_id, chat_key, user_id) values (p_phone, p_chat, p_user)
  on conflict (phone_id, chat_key) do update
    set hold_until = case when p_lift then '-infinity' else h.hold_until end where h.user_id = p_user;
  perform advance_chat(p_user, p_phone, p_chat, null);
  perform refresh_lane(p_phone);
end
$$;

create or replace function finish_lane(p_user bigint, p_phone bigint, p_chat bigint, p_lease uuid, p_hold interval, p_pause interval,
                                       p_doubt boolean, p_left boolean) returns boolean
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  lane lanes;
  today date;
  used integer;
begin
  if (p_user = any (app_user_ids())) is not true then
    return false;
  end if;
  select * into lane from lanes where phone_id = p_phone and user_id = p_user;
  if p_chat is not null then
    perform advance_chat(p_user, p_phone, p_chat, greatest(p_hold, case when p_left then lane.recipient_gap end));
  end if;
  today := case when lane.warm_up is not null then (now() at time zone lane.timezone)::date end;
  used := case when not p_left then 0 when lane.day = today then lane.day_count + 1 else 1 end;
  update lanes
     set lease_id = null, leased_until = null, message_id = null,
         in_doubt = in_doubt or p_doubt,
         failures = case when p_pause is null then 0 else failures + 1 end,
         not_before = case when p_pause is not null then now() + p_pause
                           when p_left and gap is not null then now() + gap * (1 + jitter * (2 * random() - 1))
                           else not_before end,
         day = case when p_left then today else day end,
         day_count = case when p_left then used else day_count end,
         rest_until = case when p_left and used >= warm_up[today - warm_up_from + 1]
                           then (today + 1)::timestamp at time zone timezone else rest_until end
   where phone_id = p_phone and user_id = p_user and lease_id = p_lease;
  if not found then
    return false;
  end if;
  perform refresh_lane(p_phone);
  return true;
end
$$;

create or replace function enqueue(p_users bigint[], p_phones bigint[], p_chats bigint[], p_messages bigint[], p_dues timestamptz[],
                                   p_sequences bigint[], p_priorities smallint[], p_expiries timestamptz[], p_waits boolean[])
  returns void language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if (p_users <@ app_user_ids()) is not true then
    raise insufficient_privilege using message = 'enqueue() for a user who is not in context';
  end if;
  insert into chat_heads as h (phone_id, chat_key, user_id, message_id, due_at, sequence, priority, expires_at, ready_at)
  select distinct on (n.phone, n.chat) n.phone, n.chat, n.usr, n.message, n.due, n.seq, n.prio, n.expiry,
         case when n.waits then 'infinity' else n.due end
    from unnest(p_phones, p_chats, p_users, p_messages, p_dues, p_sequences, p_priorities, p_expiries, p_waits)
         as n (phone, chat, usr, message, due, seq, prio, expiry, waits)
   order by n.phone, n.chat, n.due, n.seq
  on conflict (phone_id, chat_key) do update
    set message_id = excluded.message_id, due_at = excluded.due_at, sequence = excluded.sequence,
        priority = excluded.priority, expires_at = excluded.expires_at,
        ready_at = greatest(excluded.ready_at, h.hold_until)
  where h.user_id = excluded.user_id
    and (h.message_id is null or (excluded.due_at, excluded.sequence) < (h.due_at, h.sequence));

  insert into lanes as l (phone_id, user_id, ready_at, priority)
  select n.phone, min(n.usr), min(n.due), min(n.prio)
    from unnest(p_phones, p_users, p_dues, p_priorities, p_waits) as n (phone, usr, due, prio, waits)
   where not n.waits
   group by n.phone order by n.phone
  on conflict (phone_id) do update
    set ready_at = least(coalesce(l.ready_at, 'infinity'), greatest(excluded.ready_at, l.not_before)),
        priority = case when l.ready_at is null then excluded.priority else least(l.priority, excluded.priority) end
  where l.user_id = excluded.user_id;
end
$$;

-- For `claim_sends`, which brings the users of what it claimed into context.
create or replace function note_turns(p_users bigint[]) returns void
  language sql security definer set search_path = public, pg_temp as $$
  insert into turns (user_id, served_at)
  select u, clock_timestamp() from unnest(p_users) as u where p_users <@ app_user_ids() group by u order by u
  on conflict (user_id) do update set served_at = excluded.served_at
$$;

create or replace function ask_check(p_user bigint, p_phone bigint, p_at timestamptz) returns void
  language sql security definer set search_path = public, pg_temp as $$
  insert into phone_checks as c (phone_id, user_id, check_at) select p_phone, p_user, p_at where p_user = any (app_user_ids())
  on conflict (phone_id) do update
    set check_at = least(coalesce(c.check_at, 'infinity'), excluded.check_at)
  where c.user_id = p_user
$$;

create or replace function place_check(p_user bigint, p_phone bigint, p_node bigint) returns void
  language sql security definer set search_path = public, pg_temp as $$
  update phone_checks set node_id = p_node where phone_id = p_phone and user_id = p_user and p_user = any (app_user_ids())
$$;

create or replace function note_opening(p_user bigint, p_phone bigint, p_after interval) returns void
  language sql security definer set search_path = public, pg_temp as $$
  insert into phone_compares as c (phone_id, user_id, compared_at, opened_at, compare_at)
  select p_phone, p_user, now(), now(), now() + p_after where p_user = any (app_user_ids())
  on conflict (phone_id) do update
    set opened_at = now(), compare_at = least(coalesce(c.compare_at, 'infinity'), excluded.compare_at)
  where c.user_id = p_user
$$;

create or replace function take_number(p_user bigint, p_phone bigint) returns boolean
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  hash bytea;
begin
  if (p_user = any (app_user_ids())) is not true then
    return false;
  end if;
  select sha256(convert_to(phone_number, 'UTF8')) into hash from phone_numbers where id = p_phone and user_id = p_user;
  insert into paired_numbers (number_hash, user_id, phone_id) values (hash, p_user, p_phone) on conflict do nothing;
  return exists (select from paired_numbers where number_hash = hash and phone_id = p_phone);
end
$$;

-- Whether anybody else has it is the one thing that a user may ask of others, and only as themselves.
create or replace function is_number_taken(p_user bigint, p_number text) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from paired_numbers where number_hash = sha256(convert_to(p_number, 'UTF8')) and user_id <> p_user
                          and p_user = any (app_user_ids())) $$;

create or replace function queue_media(p_user bigint, p_media bigint) returns void
  language sql security definer set search_path = public, pg_temp as $$
  insert into media_queue (media_id, user_id) select p_media, p_user where p_user = any (app_user_ids()) on conflict do nothing
$$;

create or replace function finish_media(p_user bigint, p_media bigint, p_lease uuid, p_retry_at timestamptz) returns boolean
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if (p_user = any (app_user_ids())) is not true then
    return false;
  end if;
  if p_retry_at is null then
    delete from media_queue where media_id = p_media and user_id = p_user and lease_id = p_lease;
  else
    update media_queue set ready_at = p_retry_at, lease_id = null
     where media_id = p_media and user_id = p_user and lease_id = p_lease;
  end if;
  return found;
end
$$;

create or replace function order_webhook(p_user bigint, p_webhook bigint, p_ordered boolean) returns void
  language sql security definer set search_path = public, pg_temp as $$
  insert into webhook_lanes as l (webhook_id, user_id, is_ordered)
  select p_webhook, p_user, p_ordered where p_user = any (app_user_ids())
  on conflict (webhook_id) do update set is_ordered = excluded.is_ordered,
    ready_at = case when exists (select 1 from delivery_queue q where q.webhook_id = p_webhook) then now() end
  where l.user_id = p_user
$$;

create or replace function unqueue_webhook(p_user bigint, p_webhook bigint) returns void
  language sql security definer set search_path = public, pg_temp as $$
  delete from delivery_queue where webhook_id = p_webhook and user_id = p_user and p_user = any (app_user_ids())
$$;

create or replace function queue_deliveries(p_users bigint[], p_deliveries text[], p_webhooks bigint[], p_sequences bigint[])
  returns void language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if (p_users <@ app_user_ids()) is not true then
    raise insufficient_privilege using message = 'queue_deliveries() for a user who is not in context';
  end if;
  insert into delivery_queue (delivery_id, webhook_id, user_id, sequence, ready_at)
  select d, w, u, s, now() from unnest(p_users, p_deliveries, p_webhooks, p_sequences) as q (u, d, w, s);
  insert into webhook_lanes as l (webhook_id, user_id, ready_at)
  select q.w, q.u, now() from unnest(p_users, p_webhooks) as q (u, w) group by q.u, q.w order by q.w
  on conflict (webhook_id) do update set ready_at = least(coalesce(l.ready_at, 'infinity'), excluded.ready_at)
  where l.user_id = excluded.user_id;
end
$$;

create or replace function finish_deliveries(p_users bigint[], p_ids text[], p_leases uuid[], p_retry_at timestamptz[])
  returns setof text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  item record;
  hook bigint;
  hooks bigint[] := '{}';
begin
  if (p_users <@ app_user_ids()) is not true then
    return;
  end if;
  for item in
    select * from unnest(p_users, p_ids, p_leases, p_retry_at) as a (usr, id, lease, retry_at) order by a.id
  loop
    if item.retry_at is null then
      delete from delivery_queue q where q.delivery_id = item.id and q.user_id = item.usr and q.lease_id = item.lease
        returning q.webhook_id into hook;
    else
      update delivery_queue q set ready_at = item.retry_at, lease_id = null
       where q.delivery_id = item.id and q.user_id = item.usr and q.lease_id = item.lease returning q.webhook_id into hook;
    end if;
    if hook is not null then
      hooks := hooks || hook;
      return next item.id;
    end if;
  end loop;
  for hook in select distinct h from unnest(hooks) as h order by h loop
    perform refresh_webhook_lane(hook);
  end loop;
end
$$;

-- And what is queued for a user is of that user: a phone, a webhook or a file of another cannot be named with them.
alter table lanes drop constraint lanes_phone_id_fkey,
  add foreign key (user_id, phone_id) references phone_numbers (user_id, id) on delete cascade;
alter table chat_heads drop constraint chat_heads_phone_id_fkey,
  add foreign key (user_id, phone_id) references phone_numbers (user_id, id) on delete cascade;
alter table phone_checks drop constraint phone_checks_phone_id_fkey,
  add foreign key (user_id, phone_id) references phone_numbers (user_id, id) on delete cascade;
alter table phone_compares drop constraint phone_compares_phone_id_fkey,
  add foreign key (user_id, phone_id) references phone_numbers (user_id, id) on delete cascade;
alter table webhook_lanes drop constraint webhook_lanes_webhook_id_fkey,
  add foreign key (user_id, webhook_id) references webhooks (user_id, id) on delete cascade;
alter table delivery_queue drop constraint delivery_queue_delivery_id_fkey, drop constraint delivery_queue_webhook_id_fkey,
  add foreign key (user_id, delivery_id) references deliveries (user_id, id) on delete cascade,
  add foreign key (user_id, webhook_id) references webhooks (user_id, id) on delete cascade;
alter table media_queue drop constraint media_queue_media_id_fkey,
  add foreign key (user_id, media_id) references media (user_id, id) on delete cascade;
