-- Housekeeping works through all tenants, a page of users at a time, each page in those tenants' context.

create function list_user_ids(p_after bigint, p_limit integer) returns table (id bigint)
  language sql stable security definer set search_path = public, pg_temp
  as $$ select distinct c.user_id from credentials c where c.user_id > p_after order by 1 limit p_limit $$;
revoke execute on function list_user_ids(bigint, integer) from public;
grant execute on function list_user_ids(bigint, integer) to evolution_app;
