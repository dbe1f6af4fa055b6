-- Credentials that are limited to some phones: a phone's own token, and keys that were given only those. What such a caller can
-- reach is decided here, beneath every query, and not in each place that makes one.
alter table api_keys
  add column phone_ids bigint[],                        -- null: all of its user's
  add column phone_id  bigint,                          -- whose own token it is
  add foreign key (user_id, phone_id) references phone_numbers (user_id, id) on delete cascade;
create index api_keys_phone on api_keys (user_id, phone_id) where phone_id is not null;

create function app_phone_ids() returns bigint[] language sql stable parallel safe
  as $$ select nullif(current_setting('app.phone_ids', true), '')::bigint[] $$;

-- Who made them: null, somebody with all phones.
alter table media add column phone_ids bigint[] default app_phone_ids();
alter table bulks add column phone_ids bigint[] default app_phone_ids();

do $$
declare
  t text;
begin
  foreach t in array array['chats', 'contacts', 'events', 'group_members', 'groups', 'inbound_facts', 'moves', 'number_checks',
                           'parked_acks', 'parked_changes', 'placements', 'quarantine', 'webhooks'] loop
    execute format('create policy limited on %I as restrictive
      using ((select app_phone_ids()) is null or phone_id = any ((select app_phone_ids())::bigint[]))', t);
  end loop;
  foreach t in array array['api_keys', 'sessions'] loop
    execute format('create policy limited on %I as restrictive using ((select app_phone_ids()) is null)', t);
  end loop;
end
$$;
create policy limited on phone_numbers as restrictive
  using ((select app_phone_ids()) is null or id = any ((select app_phone_ids())::bigint[]));
create policy limited on messages as restrictive
  using ((select app_phone_ids()) is null or phone_number_id = any ((select app_phone_ids())::bigint[]));
create policy limited on message_timeline as restrictive
  using ((select app_phone_ids()) is null
         or exists (select from messages m where m.user_id = message_timeline.user_id and m.id = message_timeline.message_id));
create policy limited on deliveries as restrictive
  using ((select app_phone_ids()) is null
         or exists (select from webhooks w where w.user_id = deliveries.user_id and w.id = deliveries.webhook_id));
create policy limited on attempts as restrictive
  using ((select app_phone_ids()) is null
         or exists (select from deliveries d where d.user_id = attempts.user_id and d.id = attempts.delivery_id));
-- What they brought themselves, and what messages in their reach carry.
create policy limited on media as restrictive
  using ((select app_phone_ids()) is null or phone_ids <@ (select app_phone_ids())::bigint[]
         or exists (select from messages m where m.user_id = media.user_id and m.media_id = media.id));
create policy limited on bulks as restrictive
  using ((select app_phone_ids()) is null or phone_ids <@ (select app_phone_ids())::bigint[]);
-- What such a caller does is noted, and not for them to read.
create policy limited on audit as restrictive for select using ((select app_phone_ids()) is null);

-- Whoever caused an event, all webhooks that are to be told of it are.
alter function append_events(bigint[], text[], text[], bigint[], bigint[], text[], timestamptz) rename to record_events;
create function append_events(p_users bigint[], p_ids text[], p_types text[], p_phones bigint[], p_messages bigint[],
                              p_data text[], p_at timestamptz) returns void
  language plpgsql set search_path = public, pg_temp as $$
declare
  reach text := coalesce(current_setting('app.phone_ids', true), '');
begin
  if reach <> '' then perform set_config('app.phone_ids', '', true); end if;
  perform record_events(p_users, p_ids, p_types, p_phones, p_messages, p_data, p_at);
  if reach <> '' then perform set_config('app.phone_ids', reach, true); end if;
end
$$;

-- The ledger's own ends, also for a caller who sees only some of it. `oldest` is null while it is empty.
create function ledger_bounds(p_user bigint, out oldest bigint, out last bigint)
  language plpgsql set search_path = public, pg_temp as $$
declare
  reach text := coalesce(current_setting('app.phone_ids', true), '');
begin
  if reach <> '' then perform set_config('app.phone_ids', '', true); end if;
  select (select min(sequence) from events where user_id = p_user),
         (select last_sequence from event_counters where user_id = p_user) into oldest, last;
  if reach <> '' then perform set_config('app.phone_ids', reach, true); end if;
end
$$;

revoke execute on function app_phone_ids(), ledger_bounds(bigint),
  append_events(bigint[], text[], text[], bigint[], bigint[], text[], timestamptz) from public;
grant execute on function app_phone_ids(), ledger_bounds(bigint),
  append_events(bigint[], text[], text[], bigint[], bigint[], text[], timestamptz) to evolution_app;
