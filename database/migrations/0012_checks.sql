-- A look at a phone holds a short lease and renews it while it lasts, so that one whose process died is soon repeated.
-- False: the lease is another's by now.
create function renew_check(p_phone bigint, p_lease uuid, p_for interval) returns boolean
  language sql security definer set search_path = public, pg_temp as $$
  with renewed as (
    -- A question asked meanwhile stands before the lease's end and stays there.
    update phone_checks
       set check_at = case when check_at < leased_until then check_at else now() + p_for end, leased_until = now() + p_for
     where phone_id = p_phone and lease_id = p_lease returning 1)
  select exists (select 1 from renewed)
$$;
revoke execute on function renew_check(bigint, uuid, interval) from public;
grant execute on function renew_check(bigint, uuid, interval) to evolution_app;
