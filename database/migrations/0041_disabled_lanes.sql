-- Whoever opens a lane waits for who is disabling its user just then: seen as it was a moment before, the lane would stay open.
create or replace function open_lane(p_user bigint, p_phone bigint, p_open boolean) returns void
  language sql security definer set search_path = public, pg_temp as $$
  insert into lanes as l (phone_id, user_id, is_open)
  values (p_phone, p_user, p_open and coalesce((select is_active from users where id = p_user for share), true))
  on conflict (phone_id) do update
    set is_open = excluded.is_open,
        -- a phone that is back owes nobody the rest of a pause
        not_before = case when excluded.is_open and not l.is_open then '-infinity' else l.not_before end,
        ready_at = case when excluded.is_open and not l.is_open and l.ready_at is not null then now() else l.ready_at end,
        failures = case when excluded.is_open and not l.is_open then 0 else l.failures end
  where l.user_id = p_user
$$;
