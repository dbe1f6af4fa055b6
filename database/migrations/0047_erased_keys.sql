-- An Idempotency-Key that names an erased contact is kept in a form that nobody reads, and is found by it: told again, what it
-- stands for is not done a second time.
create function erased_key(p_user bigint, p_key text) returns text language sql immutable
  as $$ select 'erased:' || encode(sha256(convert_to(p_user || ' ' || p_key, 'UTF8')), 'hex') $$;

-- Under which a key is kept.
create function kept_key(p_user bigint, p_key text) returns text language sql stable as $$
  select coalesce((select k.key from idempotency_keys k
                    where k.user_id = p_user and k.key = erased_key(p_user, p_key) and k.expires_at > now()), p_key)
$$;

-- The same of a batch for accept_messages, whose context it sets as that does.
create function kept_keys(p_batch jsonb) returns jsonb
  language plpgsql set search_path = public, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
  if not jsonb_path_exists(p_batch, '$[*].key ? (@ != null)') then
    return p_batch;
  end if;
  perform set_config('app.user_ids', (
    select array_agg(distinct (b.j->'userId')::bigint) from jsonb_array_elements(p_batch) as b (j))::text, true);
  if not exists (
    select from jsonb_array_elements(p_batch) as b (j)
      join lateral (select from idempotency_keys k
                     where k.user_id = (b.j->>'userId')::bigint
                       and k.key = erased_key((b.j->>'userId')::bigint, b.j->>'key') offset 0) k on true
     where b.j->>'key' is not null) then
    return p_batch;
  end if;
  return (
    select jsonb_agg(case when b.j->>'key' is null then b.j
                          else jsonb_set(b.j, '{key}', to_jsonb(kept_key((b.j->>'userId')::bigint, b.j->>'key'))) end
                     order by b.ord)
      from jsonb_array_elements(p_batch) with ordinality as b (j, ord));
end
$$;
