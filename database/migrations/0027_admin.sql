-- What an admin needs to name a phone: whose it is. Ids only; everything else is done in that user's own context.
create function phone_owner(p_phone bigint) returns bigint
  language sql stable security definer set search_path = public, pg_temp
  as $$ select user_id from phone_checks where phone_id = p_phone $$;
revoke execute on function phone_owner(bigint) from public;
grant execute on function phone_owner(bigint) to evolution_app;
