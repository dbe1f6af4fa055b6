-- What became of messages before they came; comparing with what nodes have stored; how far back the ledger goes.

-- Told with their message. Those whose message does not come are told by themselves after a while.
alter table parked_changes
  add column chat     text,
  add column from_me  boolean not null default false,
  add column since    timestamptz not null default now(),
  add column told_at  timestamptz;
create index parked_changes_untold on parked_changes (user_id, since) where told_at is null;

-- When what a node has stored of a phone is next compared with what is here: it tells of nothing twice, and forgets what
-- it could not tell when it ends. Ids and times only; no policy and no grant.
create table phone_compares (
  phone_id     bigint      primary key references phone_numbers on delete cascade,
  user_id      bigint      not null references users on delete cascade,
  compared_at  timestamptz not null,                    -- all that the node had by then is here
  opened_at    timestamptz not null,                    -- the connection; what waited for it takes a while to come
  compare_at   timestamptz,
  lease_id     uuid,
  leased_until timestamptz
);
create index phone_compares_due on phone_compares (compare_at) where compare_at is not null;

-- The connection of a phone is open (again). What it missed meanwhile is looked for after p_after.
create function note_opening(p_user bigint, p_phone bigint, p_after interval) returns void
  language sql security definer set search_path = public, pg_temp as $$
  insert into phone_compares as c (phone_id, user_id, compared_at, opened_at, compare_at)
  values (p_phone, p_user, now(), now(), now() + p_after)
  on conflict (phone_id) do update
    set opened_at = now(), compare_at = least(coalesce(c.compare_at, 'infinity'), excluded.compare_at)
  where c.user_id = p_user
$$;

-- Also when nobody told that it is open, and it was found out by asking.
create function note_connected() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform note_opening(new.user_id, new.id, interval '5 seconds');
  return null;
end
$$;
create trigger phones_connected after update of status on phone_numbers
  for each row when (new.status = 'connected' and old.status <> 'connected') execute function note_connected();

create function claim_compares(p_limit integer, p_lease interval)
  returns table (phone_id bigint, user_id bigint, lease_id uuid, compared_at timestamptz, opened_at timestamptz)
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  return query
  with due as (
    select c.phone_id from phone_compares c
     where c.compare_at <= now() and (c.leased_until is null or c.leased_until < now())
     order by c.compare_at limit p_limit
     for update skip locked)
  update phone_compares c set lease_id = gen_random_uuid(), leased_until = now() + p_lease, compare_at = now() + p_lease
    from due where c.phone_id = due.phone_id
  returning c.phone_id, c.user_id, c.lease_id, c.compared_at, c.opened_at;
end
$$;

-- Ends a claim. p_compared null: not compared to the end. p_after null: nothing more until it is open again.
create function finish_compare(p_phone bigint, p_lease uuid, p_compared timestamptz, p_after interval) returns void
  language sql security definer set search_path = public, pg_temp as $$
  update phone_compares
     set compared_at = greatest(compared_at, p_compared),
         -- An opening noted meanwhile stands before the lease's end.
         compare_at = case when compare_at < leased_until then least(compare_at, now() + p_after) else now() + p_after end,
         lease_id = null, leased_until = null
   where phone_id = p_phone and lease_id = p_lease
$$;

do $$
begin
  perform set_config('app.user_ids', (select array_agg(distinct user_id) from credentials)::text, true);
  insert into phone_compares (phone_id, user_id, compared_at, opened_at, compare_at)
  select id, user_id, now(), now(), now() from phone_numbers where status = 'connected';
end
$$;

-- Of each user in context, the oldest events before a moment, up to the first that a Delivery still waits for, so that
-- what is left has no gap. Returns how many went.
create function trim_events(p_before timestamptz, p_limit integer) returns integer
  language sql set search_path = public, pg_temp as $$
  with oldest as (
    select e.user_id, e.sequence, e.created_at from unnest(app_user_ids()) as u (id)
     cross join lateral (select user_id, sequence, created_at from events
                          where user_id = u.id order by sequence limit p_limit) e),
  kept as (
    select o.user_id, min(o.sequence) as sequence from oldest o
     where o.created_at >= p_before
        or exists (select 1 from deliveries d
                    where d.user_id = o.user_id and d.event_sequence = o.sequence and d.state in ('pending', 'held'))
     group by o.user_id),
  gone as (
    delete from events e using oldest o left join kept k on k.user_id = o.user_id
     where e.user_id = o.user_id and e.sequence = o.sequence and (k.sequence is null or o.sequence < k.sequence)
    returning 1)
  select count(*)::integer from gone
$$;

revoke execute on all functions in schema public from public;
grant execute on function
  note_opening(bigint, bigint, interval), claim_compares(integer, interval),
  finish_compare(bigint, uuid, timestamptz, interval), trim_events(timestamptz, integer)
  to evolution_app;
