-- A job tells how often it was begun, so that what never ends can be given up; and exports, which take long, are claimed by
-- themselves. Processes from before this claim as they did.
alter table jobs add column tries integer not null default 0;

create function claim_jobs(p_limit integer, p_lease interval, p_kinds text[])
  returns table (id bigint, user_id bigint, kind text, about bigint, lease_id uuid, tries integer)
  language sql security definer set search_path = public, pg_temp as $$
  update jobs j set ready_at = now() + p_lease, lease_id = gen_random_uuid(), tries = j.tries + 1
   where j.id in (select id from jobs where ready_at <= now() and kind = any (p_kinds) order by ready_at limit p_limit
                  for update skip locked)
  returning j.id, j.user_id, j.kind, j.about, j.lease_id, j.tries
$$;

revoke execute on function claim_jobs(integer, interval, text[]) from public;
grant execute on function claim_jobs(integer, interval, text[]) to evolution_app;
