-- The schema as the migrations make it, for reading. Made by `npm run schema`; change the migrations, not this.
CREATE TYPE public.acceptance AS (
	n integer,
	user_id bigint,
	phone_id bigint,
	chat text,
	type text,
	content text,
	payload jsonb,
	priority smallint,
	send_at timestamp with time zone,
	expires_at timestamp with time zone,
	on_unknown text,
	media_id bigint,
	bulk_id bigint,
	request_id text,
	key text,
	hash bytea,
	key_ttl integer,
	message_id bigint,
	phone_number text,
	phone_status text,
	media_status text,
	outcome text,
	day_limit bigint,
	day_left bigint
);

CREATE TYPE public.claimed_lane AS (
	phone_id bigint,
	user_id bigint,
	message_id bigint,
	chat_key bigint,
	lease_id uuid,
	failures integer
);

CREATE FUNCTION public.accept_messages(p_batch jsonb) RETURNS TABLE(n integer, outcome text, phone_status text, id bigint, phone_id bigint, chat text, from_number text, to_number text, type text, content text, payload jsonb, priority smallint, media_id bigint, send_at timestamp with time zone, created_at timestamp with time zone, expires_at timestamp with time zone, day_left bigint)
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $_$
#variable_conflict use_column
declare
  work acceptance[];
  fresh text[];
  stamp timestamptz;
begin
  perform set_config('app.user_ids', (
    select array_agg(distinct (b.j->'userId')::bigint) from jsonb_array_elements(p_batch) as b (j))::text, true);
  perform 1 from phone_numbers p
    where p.id = any ((select array_agg((b.j->'phoneId')::bigint) from jsonb_array_elements(p_batch) as b (j))::bigint[])
    order by p.id for no key update;
  if jsonb_path_exists(p_batch, '$[*].mediaId ? (@ != null)') then
    -- Held against a store that ends at this moment: it is either seen here, or sees the message.
    perform 1 from media d
      where d.id in (select (b.j->>'mediaId')::bigint from jsonb_array_elements(p_batch) as b (j)) order by d.id for share;
  end if;
  stamp := clock_timestamp();

  select array_agg(row(b.ord - 1, b."userId", b."phoneId", b.chat, b.type, b.content, nullif(b.payload, 'null'), b.priority,
                       b."sendAt", coalesce(b."expiresAt", greatest(b."sendAt", stamp) + make_interval(secs => b.ttl)),
                       b."onUnknown", b."mediaId", b."bulkId", b."requestId", b.key, decode(b.hash, 'hex'), b."keyTtl",
                       b.id, p.phone_number, p.status, d.status,
                       case when p.id is null then 'phone_missing'
                            when p.status in ('logged_out', 'banned', 'mismatch') then 'phone_refuses'
                            when b."mediaId" is not null and d.id is null then 'media_missing'
                            when d.status = 'failed' then 'media_refused'
                            else 'accepted' end, b."dayLimit", null)::acceptance order by b.ord)
    into work
    from (
      -- Numbered as they came, whatever order the joins below give them.
      select r.*, nextval('messages_id_seq') as id from rows from (jsonb_to_recordset(p_batch) as (
           "userId" bigint, "phoneId" bigint, chat text, type text, content text, payload jsonb, priority smallint,
           "sendAt" timestamptz, "expiresAt" timestamptz, ttl integer, "onUnknown" text, "mediaId" bigint, "bulkId" bigint,
           "requestId" text, key text, hash text, "keyTtl" integer, "dayLimit" bigint)) with ordinality
      as r ("userId", "phoneId", chat, type, content, payload, priority, "sendAt", "expiresAt", ttl, "onUnknown", "mediaId",
            "bulkId", "requestId", key, hash, "keyTtl", "dayLimit", ord)) b
    -- One look each, by its id: a plan that was made while the tables were small would read them whole for ever.
    left join lateral (select id, phone_number, status from phone_numbers
                        where id = b."phoneId" and user_id = b."userId" offset 0) p on true
    left join lateral (select id, status from media where id = b."mediaId" and user_id = b."userId" offset 0) d on true;

  -- A key used at this moment by another request waits here until that one commits, and is then a replay. A request that
  -- is refused leaves its key free: it may be sent again, mended.
  with claimed as (
    insert into idempotency_keys as k (user_id, key, request_hash, message_id, expires_at)
    select w.user_id, w.key, w.hash, w.message_id, stamp + make_interval(secs => w.key_ttl)
      from unnest(work) w where w.key is not null and w.outcome = 'accepted' order by w.user_id, w.key
    on conflict (user_id, key) do update
      set request_hash = excluded.request_hash, expires_at = excluded.expires_at, message_id = excluded.message_id,
          response = null, created_at = now()
      where k.expires_at <= now()
    returning k.user_id || ' ' || k.key as name)
  select array_agg(name) into fresh from claimed;
  if exists (select 1 from unnest(work) w where w.key is not null and (w.user_id || ' ' || w.key = any (fresh)) is not true) then
    select array_agg((case when k.key is null then w else row(
                       w.n, w.user_id, w.phone_id, w.chat, w.type, w.content, w.payload, w.priority, w.send_at, w.expires_at,
                       w.on_unknown, w.media_id, w.bulk_id, w.request_id, w.key, w.hash, w.key_ttl, k.message_id,
                       w.phone_number, w.phone_status, w.media_status,
                       case when k.request_hash <> w.hash or k.message_id is null then 'key_mismatch'
                            else 'replayed' end, w.day_limit, null)::acceptance end) order by w.n)
      into work
      from unnest(work) w
      left join idempotency_keys k on k.user_id = w.user_id and k.key = w.key and k.expires_at > now()
           and (w.user_id || ' ' || w.key = any (fresh)) is not true;
  end if;

  if exists (select 1 from unnest(work) w where w.outcome = 'accepted' and w.day_limit is not null) then
    work := within_quota(work, (stamp at time zone 'utc')::date);
    delete from idempotency_keys k using unnest(work) w
     where w.outcome = 'quota_exceeded' and k.user_id = w.user_id and k.key = w.key and k.message_id = w.message_id;
  end if;

  insert into messages (id, user_id, phone_number_id, direction, source, chat, from_number, to_number, type, content,
                        payload, status, priority, sequence, send_at, due_at, expires_at, on_unknown, media_id, awaits_media,
                        bulk_id, request_id, created_at)
  select w.message_id, w.user_id, w.phone_id, 'out', 'api', w.chat, w.phone_number, w.chat, w.type, w.content,
         w.payload, case when w.send_at > stamp then 'scheduled' else 'queued' end, w.priority, w.message_id, w.send_at,
         greatest(w.send_at, stamp), w.expires_at, w.on_unknown, w.media_id, coalesce(w.media_status = 'pending', false),
         w.bulk_id, w.request_id, stamp
    from unnest(work) w where w.outcome = 'accepted';

  perform enqueue(array_agg(w.user_id), array_agg(w.phone_id), array_agg(hashtextextended(w.chat, 0)),
                  array_agg(w.message_id), array_agg(greatest(w.send_at, stamp)), array_agg(w.message_id),
                  array_agg(w.priority), array_agg(w.expires_at), array_agg(coalesce(w.media_status = 'pending', false)))
     from unnest(work) w where w.outcome = 'accepted'
   having count(*) > 0;

  return query
  select w.n, w.outcome, w.phone_status, w.message_id, w.phone_id, w.chat, w.phone_number, w.chat, w.type, w.content,
         w.payload, w.priority, w.media_id, w.send_at, stamp, w.expires_at, w.day_left
    from unnest(work) w where w.outcome <> 'replayed'
  union all
  select w.n, case when m.id is null then 'gone' else w.outcome end, w.phone_status, m.id, m.phone_number_id, m.chat, m.from_number, m.to_number, m.type, m.content,
         m.payload, m.priority, m.media_id, m.send_at, m.created_at, m.expires_at, null
    from unnest(work) w left join messages m on m.id = w.message_id where w.outcome = 'replayed';
end
$_$;

CREATE FUNCTION public.add_job(p_user bigint, p_kind text, p_about bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ insert into jobs (user_id, kind, about) select p_user, p_kind, p_about where p_user = any (app_user_ids()) $$;

CREATE FUNCTION public.advance_chat(p_user bigint, p_phone bigint, p_chat bigint, p_hold interval) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  next record;
begin
  perform 1 from chat_heads where phone_id = p_phone and chat_key = p_chat and user_id = p_user for update;
  if not found then
    return;
  end if;
  select m.id, m.due_at, m.sequence, m.priority, m.expires_at, m.awaits_media into next from messages m
   where m.phone_number_id = p_phone and m.chat_key = p_chat and m.status in ('scheduled', 'queued')
   order by m.due_at, m.sequence limit 1;
  if next.id is null and p_hold is null then
    delete from chat_heads where phone_id = p_phone and chat_key = p_chat and hold_until <= now();
  end if;
  update chat_heads
     set message_id = next.id, due_at = next.due_at, sequence = next.sequence, priority = next.priority,
         expires_at = next.expires_at, hold_until = greatest(hold_until, now() + p_hold),
         ready_at = case when next.awaits_media then 'infinity'
                         else greatest(next.due_at, hold_until, now() + p_hold) end
   where phone_id = p_phone and chat_key = p_chat;
end
$$;

CREATE FUNCTION public.app_phone_ids() RETURNS bigint[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ select nullif(current_setting('app.phone_ids', true), '')::bigint[] $$;

CREATE FUNCTION public.app_user_ids() RETURNS bigint[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ select nullif(current_setting('app.user_ids', true), '')::bigint[] $$;

CREATE FUNCTION public.append_events(p_users bigint[], p_ids text[], p_types text[], p_phones bigint[], p_messages bigint[], p_data text[], p_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  reach text := coalesce(current_setting('app.phone_ids', true), '');
begin
  if reach <> '' then perform set_config('app.phone_ids', '', true); end if;
  perform record_events(p_users, p_ids, p_types, p_phones, p_messages, p_data, p_at);
  if reach <> '' then perform set_config('app.phone_ids', reach, true); end if;
end
$$;

CREATE FUNCTION public.ask_check(p_user bigint, p_phone bigint, p_at timestamp with time zone) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  insert into phone_checks as c (phone_id, user_id, check_at) select p_phone, p_user, p_at where p_user = any (app_user_ids())
  on conflict (phone_id) do update
    set check_at = least(coalesce(c.check_at, 'infinity'), excluded.check_at)
  where c.user_id = p_user
$$;

CREATE FUNCTION public.ask_checks_of_node(p_node bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  update phone_checks set check_at = least(coalesce(check_at, 'infinity'), now()), tries = 0
   where node_id = p_node or phone_id in (select phone_id from left_placements where node_id = p_node)
$$;

CREATE FUNCTION public.blank_phones(p_user bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  perform set_config('app.removed', 'in reach', true);
  update phone_numbers set phone_number = 'removed ' || id, device_name = '', session_data = '{}', settings = '{}', proxy = null,
         sending = '{}', webhook_url = null where user_id = p_user;
  perform set_config('app.removed', '', true);
end
$$;

CREATE FUNCTION public.claim_bulks(p_limit integer, p_again interval) RETURNS TABLE(id bigint, user_id bigint)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  with due as (
    select b.bulk_id from bulk_checks b where b.check_at <= now() order by b.check_at limit p_limit for update skip locked)
  update bulk_checks b set check_at = now() + p_again from due where b.bulk_id = due.bulk_id
  returning b.bulk_id, b.user_id
$$;

CREATE FUNCTION public.claim_checks(p_limit integer, p_lease interval) RETURNS TABLE(phone_id bigint, user_id bigint, lease_id uuid, tries integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  return query
  with due as (
    select c.phone_id from phone_checks c
     where c.check_at <= now() and (c.leased_until is null or c.leased_until < now())
     order by c.check_at limit p_limit
     for update skip locked)
  -- check_at is emptied now: a question asked while the check runs sets it again and is not lost.
  update phone_checks c
     set lease_id = gen_random_uuid(), leased_until = now() + p_lease, check_at = now() + p_lease, tries = c.tries + 1
    from due where c.phone_id = due.phone_id
  returning c.phone_id, c.user_id, c.lease_id, c.tries;
end
$$;

CREATE FUNCTION public.claim_compares(p_limit integer, p_lease interval) RETURNS TABLE(phone_id bigint, user_id bigint, lease_id uuid, compared_at timestamp with time zone, opened_at timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.claim_deliveries(p_limit integer, p_per_webhook integer, p_per_user integer, p_lease interval) RETURNS TABLE(delivery_id text, webhook_id bigint, user_id bigint, lease_id uuid)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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
      p_per_user - (select count(*) from delivery_queue q
                     where q.user_id = lane.usr and q.lease_id is not null and q.ready_at > now()));
    if room > 0 then
      if lane.is_ordered then
        return query
        update delivery_queue q set lease_id = gen_random_uuid(), ready_at = now() + p_lease
         where q.ready_at <= now() and q.delivery_id = (
           select f.delivery_id from delivery_queue f where f.webhook_id = lane.webhook order by f.sequence limit 1)
        returning q.delivery_id, q.webhook_id, q.user_id, q.lease_id;
      else
        return query
        update delivery_queue q set lease_id = gen_random_uuid(), ready_at = now() + p_lease
         where q.delivery_id = any (array(
           select f.delivery_id from delivery_queue f where f.webhook_id = lane.webhook and f.ready_at <= now()
            order by f.ready_at, f.sequence limit room for update skip locked))
        returning q.delivery_id, q.webhook_id, q.user_id, q.lease_id;
      end if;
      get diagnostics room = row_count;
      left_over := left_over - room;
      -- As refresh_webhook_lane(), which would lock what is locked.
      update webhook_lanes l set ready_at = case when lane.is_ordered
          then (select q.ready_at from delivery_queue q where q.webhook_id = lane.webhook order by q.sequence limit 1)
          else (select q.ready_at from delivery_queue q where q.webhook_id = lane.webhook order by q.ready_at limit 1) end
       where l.webhook_id = lane.webhook;
    else
      -- Full: it becomes due again when one of its deliveries ends, or its lease does.
      update webhook_lanes l set ready_at = now() + interval '1 second' where l.webhook_id = lane.webhook;
    end if;
  end loop;
end
$$;

CREATE FUNCTION public.claim_expired_lanes(p_limit integer, p_lease interval) RETURNS TABLE(phone_id bigint, user_id bigint, message_id bigint, chat_key bigint, lease_id uuid, failures integer)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  with due as (
    select l.phone_id from lanes l where l.lease_id is not null and l.leased_until < now()
     order by l.leased_until limit p_limit for update skip locked)
  update lanes l set lease_id = gen_random_uuid(), leased_until = now() + p_lease
    from due where l.phone_id = due.phone_id
  returning l.phone_id, l.user_id, l.message_id,
    (select h.chat_key from chat_heads h where h.phone_id = l.phone_id and h.message_id = l.message_id),
    l.lease_id, l.failures
$$;

CREATE FUNCTION public.claim_jobs(p_limit integer, p_lease interval) RETURNS TABLE(id bigint, user_id bigint, kind text, about bigint, lease_id uuid)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  update jobs j set ready_at = now() + p_lease, lease_id = gen_random_uuid()
   where j.id in (select id from jobs where ready_at <= now() order by ready_at limit p_limit for update skip locked)
  returning j.id, j.user_id, j.kind, j.about, j.lease_id
$$;

CREATE FUNCTION public.claim_jobs(p_limit integer, p_lease interval, p_kinds text[]) RETURNS TABLE(id bigint, user_id bigint, kind text, about bigint, lease_id uuid, tries integer)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  update jobs j set ready_at = now() + p_lease, lease_id = gen_random_uuid(), tries = j.tries + 1
   where j.id in (select id from jobs where ready_at <= now() and kind = any (p_kinds) order by ready_at limit p_limit
                  for update skip locked)
  returning j.id, j.user_id, j.kind, j.about, j.lease_id, j.tries
$$;

CREATE FUNCTION public.claim_lanes(p_limit integer, p_lease interval) RETURNS TABLE(phone_id bigint, user_id bigint, message_id bigint, chat_key bigint, lease_id uuid, failures integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  lane lanes;
  head record;
begin
  for lane in
    with due as (
      select l.phone_id, l.user_id, l.priority,
             row_number() over (partition by l.user_id order by l.priority, l.ready_at, l.phone_id) as turn
        from lanes l
       where l.is_open and not l.is_paused and not l.in_doubt and l.lease_id is null and l.ready_at <= now()),
    ranked as (
      select due.*, t.served_at from due left join turns t on t.user_id = due.user_id
       order by due.priority, due.turn, t.served_at nulls first, due.phone_id limit p_limit * 2)
    select l.* from lanes l join ranked r on r.phone_id = l.phone_id
     where l.is_open and not l.is_paused and not l.in_doubt and l.lease_id is null and l.ready_at <= now()
     order by r.priority, r.turn, r.served_at nulls first, r.phone_id limit p_limit
     for update of l skip locked
  loop
    -- One index probe a priority: chats that wait, however many, are not walked over.
    select h.message_id, h.chat_key into head
      from (values (0), (1), (2)) as p (priority)
     cross join lateral (
           select c.message_id, c.chat_key from chat_heads c
            where c.phone_id = lane.phone_id and c.priority = p.priority and c.message_id is not null and c.ready_at <= now()
            order by c.ready_at limit 1) h
     where lane_time(lane, p.priority, now()) <= now()
     order by p.priority limit 1;
    if head.message_id is null then
      perform refresh_lane(lane.phone_id);
      continue;
    end if;
    claim_lanes.phone_id := lane.phone_id;
    claim_lanes.user_id := lane.user_id;
    claim_lanes.message_id := head.message_id;
    claim_lanes.chat_key := head.chat_key;
    claim_lanes.lease_id := gen_random_uuid();
    claim_lanes.failures := lane.failures;
    update lanes l set lease_id = claim_lanes.lease_id, leased_until = now() + p_lease, message_id = head.message_id
     where l.phone_id = lane.phone_id;
    return next;
  end loop;
end
$$;

CREATE FUNCTION public.claim_media(p_limit integer, p_per_user integer, p_lease interval) RETURNS TABLE(id bigint, user_id bigint, lease_id uuid)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  with recursive who as (
    (select q.user_id from media_queue q order by q.user_id limit 1)
    union all
    select (select q.user_id from media_queue q where q.user_id > who.user_id order by q.user_id limit 1)
      from who where who.user_id is not null),
  due as (
    select d.media_id, d.ready_at, b.taken + row_number() over (partition by who.user_id order by d.ready_at, d.media_id) as turn
      from who
      cross join lateral (
        select q.media_id, q.ready_at from media_queue q
         where q.user_id = who.user_id and q.ready_at <= now() order by q.ready_at, q.media_id limit p_per_user) d
      cross join lateral (
        select count(*) as taken from media_queue q
         where q.user_id = who.user_id and q.lease_id is not null and q.ready_at > now()) b),
  picked as (
    select q.media_id from media_queue q join due d on d.media_id = q.media_id
     where q.ready_at <= now() and d.turn <= p_per_user
     order by d.turn, d.ready_at limit p_limit for update of q skip locked)
  update media_queue q set lease_id = gen_random_uuid(), ready_at = now() + p_lease
    from picked where q.media_id = picked.media_id
  returning q.media_id, q.user_id, q.lease_id
$$;

CREATE FUNCTION public.claim_sends(p_limit integer, p_lease interval) RETURNS TABLE(id bigint, user_id bigint, phone_id bigint, chat_key bigint, lease_id uuid, failures integer, chat text, type text, content text, payload jsonb, status text, attempts integer, on_unknown text, expires_at timestamp with time zone, request_id text, placement_id text, node_url text, node_name text, opened_at timestamp with time zone, media_id bigint, media_size bigint)
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  claimed claimed_lane[];
  one claimed_lane;
begin
  select array_agg(row(c.phone_id, c.user_id, c.message_id, c.chat_key, c.lease_id, c.failures)::claimed_lane)
    into claimed from claim_lanes(p_limit, p_lease) c;
  if claimed is null then
    return;
  end if;
  perform set_config('app.user_ids', (select array_agg(distinct c.user_id) from unnest(claimed) c)::text, true);
  perform note_turns((select array_agg(distinct c.user_id) from unnest(claimed) c));
  -- One by one: each is found by its id, whatever the statistics say. Joined, on a table that grew by 100 000 rows within
  -- a minute, all that its owner has queued was read for each claim (42 ms in place of 0.4).
  foreach one in array claimed loop
    update messages m
       set status = 'sending', lease_id = one.lease_id, sending_at = clock_timestamp(), updated_at = now(),
           attempts = m.attempts + 1, reason = null,
           placement_id = (select p.id from placements p where p.phone_id = m.phone_number_id and p.ended_at is null)
     where m.id = one.message_id and m.status in ('scheduled', 'queued') and not m.awaits_media
       and (m.expires_at is null or m.expires_at > now());
  end loop;
  perform lengthen_leases(array_agg(c.lease_id), array_agg((d.size / 1000000)::integer))
     from unnest(claimed) c join messages m on m.id = c.message_id
     join media d on d.id = m.media_id where d.size >= 1000000
   having count(*) > 0;
  return query
  select c.message_id, c.user_id, c.phone_id, c.chat_key, c.lease_id, c.failures,
         m.chat, m.type, m.content, m.payload, m.status, m.attempts, m.on_unknown, m.expires_at, m.request_id,
         m.placement_id, n.url, n.name, p.opened_at, m.media_id, d.size
    from unnest(claimed) c
    left join messages m on m.id = c.message_id
    left join placements p on p.id = m.placement_id
    left join nodes n on n.id = p.node_id
    left join media d on d.id = m.media_id;
end
$$;

CREATE FUNCTION public.clear_doubt(p_user bigint, p_phone bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  update lanes set in_doubt = false where phone_id = p_phone and user_id = p_user and p_user = any (app_user_ids())
$$;

CREATE FUNCTION public.clear_heads(p_limit integer) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  with old as (
    select phone_id, chat_key from chat_heads where message_id is null and hold_until <= now() limit p_limit
       for update skip locked),
  gone as (delete from chat_heads h using old where h.phone_id = old.phone_id and h.chat_key = old.chat_key returning 1)
  select count(*)::integer from gone
$$;

CREATE FUNCTION public.count_media() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  more bigint := 0;
  more_files bigint := 0;
  owner bigint;
begin
  if tg_op <> 'INSERT' then
    owner := old.user_id;
    if old.status = 'stored' then
      more := more - old.size;
      more_files := more_files - 1;
    end if;
  end if;
  if tg_op <> 'DELETE' then
    owner := new.user_id;
    if new.status = 'stored' then
      more := more + new.size;
      more_files := more_files + 1;
    end if;
  end if;
  if more = 0 and more_files = 0 then
    return null;
  end if;
  if tg_op = 'DELETE' then
    update media_usage u set bytes = u.bytes + more, files = u.files + more_files where u.user_id = owner;
  else
    insert into media_usage as u (user_id, bytes, files) values (owner, more, more_files)
    on conflict (user_id) do update set bytes = u.bytes + excluded.bytes, files = u.files + excluded.files;
  end if;
  return null;
end
$$;

CREATE FUNCTION public.email_lookup(p_email text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select 'email:' || encode(sha256(convert_to(lower(p_email), 'UTF8')), 'hex') $$;

CREATE FUNCTION public.enqueue(p_users bigint[], p_phones bigint[], p_chats bigint[], p_messages bigint[], p_dues timestamp with time zone[], p_sequences bigint[], p_priorities smallint[], p_expiries timestamp with time zone[], p_waits boolean[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.erased_key(p_user bigint, p_key text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ select 'erased:' || encode(sha256(convert_to(p_user || ' ' || p_key, 'UTF8')), 'hex') $$;

CREATE FUNCTION public.expired_heads(p_limit integer) RETURNS TABLE(user_id bigint, phone_id bigint, message_id bigint, chat_key bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  select h.user_id, h.phone_id, h.message_id, h.chat_key from chat_heads h
   where h.expires_at <= now() order by h.expires_at limit p_limit
$$;

CREATE FUNCTION public.find_credential(p_lookup text) RETURNS TABLE(user_id bigint, secret_hash bytea)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ select c.user_id, c.secret_hash from credentials c
         where c.lookup = p_lookup and (c.expires_at is null or c.expires_at > now()) $$;

CREATE FUNCTION public.find_words(p_user bigint, p_words jsonb) RETURNS SETOF bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
  select w.message_id from message_words w
   where w.words @> hash_words(p_user, p_words) and w.user_id = p_user and p_user = any (app_user_ids())
$$;

CREATE FUNCTION public.finish_check(p_phone bigint, p_lease uuid, p_after interval) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  update phone_checks
     set check_at = case when check_at < leased_until then least(check_at, now() + p_after) else now() + p_after end,
         tries = case when p_after is null then 0 else tries end,
         lease_id = null, leased_until = null
   where phone_id = p_phone and lease_id = p_lease
$$;

CREATE FUNCTION public.finish_compare(p_phone bigint, p_lease uuid, p_compared timestamp with time zone, p_after interval) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  update phone_compares
     set compared_at = greatest(compared_at, p_compared),
         -- An opening noted meanwhile stands before the lease's end.
         compare_at = case when compare_at < leased_until then least(compare_at, now() + p_after) else now() + p_after end,
         lease_id = null, leased_until = null
   where phone_id = p_phone and lease_id = p_lease
$$;

CREATE FUNCTION public.finish_deliveries(p_users bigint[], p_ids text[], p_leases uuid[], p_retry_at timestamp with time zone[]) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.finish_job(p_job bigint, p_lease uuid, p_again interval) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  if p_again is null then
    delete from jobs where id = p_job and lease_id = p_lease;
  else
    update jobs set ready_at = now() + p_again, lease_id = null where id = p_job and lease_id = p_lease;
  end if;
end
$$;

CREATE FUNCTION public.finish_lane(p_user bigint, p_phone bigint, p_chat bigint, p_lease uuid, p_hold interval, p_pause interval, p_doubt boolean, p_left boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.finish_media(p_user bigint, p_media bigint, p_lease uuid, p_retry_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.forget_words() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  delete from message_words w using gone g where w.message_id = g.id;
  return null;
end
$$;

CREATE FUNCTION public.hash_words(p_user bigint, p_words jsonb) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select coalesce(array_agg(distinct hashtextextended(w, p_user)), '{}') from jsonb_array_elements_text(p_words) w $$;

CREATE FUNCTION public.having_words(p_user bigint, p_ids bigint[], p_words jsonb) RETURNS SETOF bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  select w.message_id from message_words w
   where w.message_id = any (p_ids) and w.user_id = p_user and p_user = any (app_user_ids())
     and w.words @> hash_words(p_user, p_words)
$$;

CREATE FUNCTION public.index_api_key() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  if tg_op <> 'INSERT' then
    delete from credentials where lookup = 'key:' || old.id;
  end if;
  if tg_op <> 'DELETE' and new.revoked_at is null then
    insert into credentials (lookup, user_id, secret_hash, expires_at)
    values ('key:' || new.id, new.user_id, new.hash, new.expires_at);
  end if;
  return null;
end
$$;

CREATE FUNCTION public.index_bulk() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  if new.finished_at is not null then
    delete from bulk_checks where bulk_id = new.id;
  else
    insert into bulk_checks (bulk_id, user_id) values (new.id, new.user_id) on conflict do nothing;
  end if;
  return null;
end
$$;

CREATE FUNCTION public.index_placement() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  if tg_op <> 'INSERT' then
    delete from credentials where lookup = 'placement:' || old.id;
  end if;
  if tg_op <> 'DELETE' then
    insert into credentials (lookup, user_id, secret_hash)
    values ('placement:' || new.id, new.user_id, new.secret_hash);
  end if;
  return null;
end
$$;

CREATE FUNCTION public.index_user() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  if tg_op <> 'INSERT' then
    delete from credentials where lookup = email_lookup(old.email);
  end if;
  if tg_op <> 'DELETE' then
    insert into credentials (lookup, user_id) values (email_lookup(new.email), new.id);
  end if;
  return null;
end
$$;

CREATE FUNCTION public.is_number_taken(p_user bigint, p_number text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ select exists (select from paired_numbers where number_hash = sha256(convert_to(p_number, 'UTF8')) and user_id <> p_user
                          and p_user = any (app_user_ids())) $$;

CREATE FUNCTION public.keep_sealing_key(p_id text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ delete from sealing_keys where id <> p_id $$;

CREATE FUNCTION public.kept_key(p_user bigint, p_key text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  select coalesce((select k.key from idempotency_keys k
                    where k.user_id = p_user and k.key = erased_key(p_user, p_key) and k.expires_at > now()), p_key)
$$;

CREATE FUNCTION public.kept_keys(p_batch jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $_$
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
$_$;

CREATE FUNCTION public.kept_since(p_user bigint, p_what text, p_since timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$ select greatest(p_since, now() - (select (kept_days->>p_what)::integer from users where id = p_user) * interval '1 day') $$;

CREATE FUNCTION public.lane_in_doubt(p_user bigint, p_phone bigint) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  select exists (select 1 from lanes
                  where phone_id = p_phone and user_id = p_user and in_doubt and p_user = any (app_user_ids()))
$$;

CREATE TABLE public.lanes (
    phone_id bigint NOT NULL,
    user_id bigint NOT NULL,
    is_open boolean DEFAULT false NOT NULL,
    priority smallint DEFAULT 1 NOT NULL,
    ready_at timestamp with time zone,
    not_before timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    in_doubt boolean DEFAULT false NOT NULL,
    lease_id uuid,
    leased_until timestamp with time zone,
    message_id bigint,
    is_paused boolean DEFAULT false NOT NULL,
    gap interval,
    jitter real DEFAULT 0 NOT NULL,
    recipient_gap interval,
    timezone text DEFAULT 'UTC'::text NOT NULL,
    quiet_from time without time zone,
    quiet_to time without time zone,
    warm_up integer[],
    warm_up_from date,
    day date,
    day_count integer DEFAULT 0 NOT NULL,
    rest_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL
);

CREATE FUNCTION public.lane_time(l public.lanes, p_priority integer, p_ready timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
  select case when p_priority = 0 then greatest(p_ready, l.not_before)
              else quiet_end(l.timezone, l.quiet_from, l.quiet_to, greatest(p_ready, l.not_before, l.rest_until)) end
$$;

CREATE FUNCTION public.latest_audit(p_before bigint, p_user bigint, p_limit integer) RETURNS TABLE(id bigint, user_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ select o.id, o.user_id from audit_order o
         where (p_before is null or o.id < p_before) and (p_user is null or o.user_id = p_user) order by o.id desc limit p_limit $$;

CREATE FUNCTION public.leave_number() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  delete from paired_numbers where phone_id = new.id;
  return null;
end
$$;

CREATE FUNCTION public.leave_placement() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  if new.ended_at is not null then
    -- A phone that lives nowhere is nobody's load.
    update phone_checks set node_id = null where phone_id = new.phone_id and node_id = new.node_id;
  end if;
  if new.ended_at is null or new.cleared_at is not null then
    delete from left_placements where placement_id = new.id;
  else
    insert into left_placements (placement_id, phone_id, user_id, node_id)
    values (new.id, new.phone_id, new.user_id, new.node_id) on conflict do nothing;
  end if;
  return null;
end
$$;

CREATE FUNCTION public.ledger_bounds(p_user bigint, OUT oldest bigint, OUT last bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  reach text := coalesce(current_setting('app.phone_ids', true), '');
begin
  if reach <> '' then perform set_config('app.phone_ids', '', true); end if;
  select (select min(sequence) from events where user_id = p_user),
         (select last_sequence from event_counters where user_id = p_user) into oldest, last;
  if reach <> '' then perform set_config('app.phone_ids', reach, true); end if;
end
$$;

CREATE FUNCTION public.left_of_user(p_user bigint) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ select count(*) from left_placements where user_id = p_user and p_user = any (app_user_ids()) $$;

CREATE FUNCTION public.lengthen_leases(p_leases uuid[], p_seconds integer[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  update lanes l set leased_until = l.leased_until + make_interval(secs => n.seconds)
    from unnest(p_leases, p_seconds) as n (lease, seconds) where l.lease_id = n.lease
$$;

CREATE FUNCTION public.list_unnoted(p_user bigint, p_limit integer) RETURNS TABLE(user_id bigint, message_id bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  if p_user is null then
    return query select q.user_id, q.message_id from history_queue q order by q.message_id limit p_limit;
  else
    return query select q.user_id, q.message_id from history_queue q where q.user_id = p_user
                  order by q.message_id limit p_limit;
  end if;
end
$$;

CREATE FUNCTION public.list_user_ids(p_after bigint, p_limit integer) RETURNS TABLE(id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ select distinct c.user_id from credentials c where c.user_id > p_after order by 1 limit p_limit $$;

CREATE FUNCTION public.meet(p_users bigint[], p_phones bigint[], p_addresses text[], p_lids text[], p_names text[], p_pictures text[], p_at timestamp with time zone[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  fresh record;
begin
  if exists (select 1 from unnest(p_lids) as l where l is not null) then
    for fresh in
      with learned as (
        insert into lids (user_id, lid, number)
        select distinct on (p.usr, p.lid) p.usr, p.lid, p.address
          from unnest(p_users, p_addresses, p_lids) as p (usr, address, lid)
         where p.lid is not null and p.address like '+%' order by p.usr, p.lid, p.address
        on conflict (user_id, lid) do nothing returning user_id, lid, number)
      select * from learned order by user_id, lid
    loop
      perform rename_lid(fresh.user_id, fresh.lid, fresh.number);
    end loop;
  end if;

  insert into contacts as c (user_id, phone_id, address, lid, name, name_at, picture, picture_at)
  select p.usr, p.phone, p.address,
         coalesce(min(p.lid), (select min(l.lid) from lids l where l.user_id = p.usr and l.number = p.address)),
         (array_agg(p.name order by p.at desc, p.name desc) filter (where p.name is not null))[1],
         coalesce(max(p.at) filter (where p.name is not null), '-infinity'),
         (array_agg(p.picture order by p.at desc, p.picture desc) filter (where p.picture is not null))[1],
         coalesce(max(p.at) filter (where p.picture is not null), '-infinity')
    from unnest(p_users, p_phones, p_addresses, p_lids, p_names, p_pictures, p_at)
         as p (usr, phone, address, lid, name, picture, at)
   where p.name is not null or p.picture is not null
   group by p.usr, p.phone, p.address order by p.phone, p.address
  on conflict (phone_id, address) do update
    set lid = coalesce(c.lid, excluded.lid),
        name = case when (excluded.name_at, excluded.name) > (c.name_at, coalesce(c.name, '')) then excluded.name else c.name end,
        name_at = greatest(c.name_at, excluded.name_at),
        picture = case when (excluded.picture_at, excluded.picture) > (c.picture_at, coalesce(c.picture, ''))
                       then excluded.picture else c.picture end,
        picture_at = greatest(c.picture_at, excluded.picture_at)
    where (excluded.name_at, excluded.name) > (c.name_at, coalesce(c.name, ''))
       or (excluded.picture_at, excluded.picture) > (c.picture_at, coalesce(c.picture, ''))
       or c.lid is null and excluded.lid is not null;
end
$$;

CREATE FUNCTION public.node_leftovers(p_node bigint) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ select count(*) from left_placements where node_id = p_node $$;

CREATE FUNCTION public.node_loads() RETURNS TABLE(node_id bigint, phones bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ select c.node_id, count(*) from phone_checks c where c.node_id is not null group by c.node_id $$;

CREATE FUNCTION public.note_connected() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  perform note_opening(new.user_id, new.id, interval '5 seconds');
  return null;
end
$$;

CREATE FUNCTION public.note_history(p_items jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  held bigint[];
begin
  select array_agg(h.message_id) into held
    from (select q.message_id from history_queue q
           where q.message_id in (select (i.item->>'id')::bigint from jsonb_array_elements(p_items) as i (item))
             and q.user_id = any (app_user_ids()) order by q.message_id for update) h;
  insert into message_words as w (message_id, user_id, words)
  select m.id, m.user_id, hash_words(m.user_id, i.item->'words')
    from jsonb_array_elements(p_items) as i (item)
    join messages m on m.id = (i.item->>'id')::bigint and m.user_id = (i.item->>'userId')::bigint
   where m.id = any (held) and jsonb_array_length(i.item->'words') > 0 order by m.id
  on conflict (message_id) do update set words = excluded.words;
  insert into chats as c (user_id, phone_id, chat, last_message_id, last_at)
  select distinct on (m.phone_number_id, m.chat) m.user_id, m.phone_number_id, m.chat, m.id, m.created_at
    from messages m where m.id = any (held) and m.source = 'api'
   order by m.phone_number_id, m.chat, m.created_at desc, m.id desc
  on conflict (phone_id, chat) do update
    set last_message_id = excluded.last_message_id, last_at = excluded.last_at
  where (excluded.last_at, excluded.last_message_id) > (c.last_at, c.last_message_id);
  delete from history_queue where message_id = any (held);
end
$$;

CREATE FUNCTION public.note_messages() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  insert into chats as c (user_id, phone_id, chat, last_message_id, last_at, unread)
  select f.user_id, f.phone_number_id, f.chat, (array_agg(f.id order by f.created_at desc, f.id desc))[1],
         max(f.created_at), case when bool_or(f.direction = 'out') then 0 else count(*) end
    from fresh f where f.source <> 'api'
   group by f.user_id, f.phone_number_id, f.chat order by f.phone_number_id, f.chat
  on conflict (phone_id, chat) do update
    set last_message_id = case when (excluded.last_at, excluded.last_message_id) > (c.last_at, c.last_message_id)
                               then excluded.last_message_id else c.last_message_id end,
        last_at = greatest(excluded.last_at, c.last_at),
        unread = case when excluded.unread = 0 then 0 else c.unread + excluded.unread end;
  insert into history_queue (user_id, message_id)
  select f.user_id, f.id from fresh f where f.source = 'api' or f.content is not null;
  return null;
end
$$;

CREATE FUNCTION public.note_opening(p_user bigint, p_phone bigint, p_after interval) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  insert into phone_compares as c (phone_id, user_id, compared_at, opened_at, compare_at)
  select p_phone, p_user, now(), now(), now() + p_after where p_user = any (app_user_ids())
  on conflict (phone_id) do update
    set opened_at = now(), compare_at = least(coalesce(c.compare_at, 'infinity'), excluded.compare_at)
  where c.user_id = p_user
$$;

CREATE FUNCTION public.note_rewording() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  insert into history_queue (user_id, message_id) values (new.user_id, new.id) on conflict do nothing;
  return null;
end
$$;

CREATE FUNCTION public.note_turns(p_users bigint[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  insert into turns (user_id, served_at)
  select u, clock_timestamp() from unnest(p_users) as u where p_users <@ app_user_ids() group by u order by u
  on conflict (user_id) do update set served_at = excluded.served_at
$$;

CREATE FUNCTION public.open_lane(p_user bigint, p_phone bigint, p_open boolean) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.order_audit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  insert into audit_order (id, user_id) values (new.id, new.user_id);
  return null;
end
$$;

CREATE FUNCTION public.order_webhook(p_user bigint, p_webhook bigint, p_ordered boolean) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  insert into webhook_lanes as l (webhook_id, user_id, is_ordered)
  select p_webhook, p_user, p_ordered where p_user = any (app_user_ids())
  on conflict (webhook_id) do update set is_ordered = excluded.is_ordered,
    ready_at = case when exists (select 1 from delivery_queue q where q.webhook_id = p_webhook) then now() end
  where l.user_id = p_user
$$;

CREATE FUNCTION public.pace_lane(p_user bigint, p_phone bigint, p_sending jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.pause_lane(p_user bigint, p_phone bigint, p_paused boolean) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  update lanes set is_paused = p_paused where phone_id = p_phone and user_id = p_user and p_user = any (app_user_ids())
$$;

CREATE FUNCTION public.phone_owner(p_phone bigint) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ select user_id from phone_checks where phone_id = p_phone $$;

CREATE FUNCTION public.phones_of_node(p_node bigint, p_limit integer) RETURNS TABLE(phone_id bigint, user_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ select c.phone_id, c.user_id from phone_checks c where c.node_id = p_node order by c.phone_id desc limit p_limit $$;

CREATE FUNCTION public.place_check(p_user bigint, p_phone bigint, p_node bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  update phone_checks set node_id = p_node where phone_id = p_phone and user_id = p_user and p_user = any (app_user_ids())
$$;

CREATE FUNCTION public.queue_deliveries(p_users bigint[], p_deliveries text[], p_webhooks bigint[], p_sequences bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.queue_media(p_user bigint, p_media bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  insert into media_queue (media_id, user_id) select p_media, p_user where p_user = any (app_user_ids()) on conflict do nothing
$$;

CREATE FUNCTION public.quiet_end(p_timezone text, p_from time without time zone, p_to time without time zone, p_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
  select case
           when p_from is null or p_from = p_to or not isfinite(p_at) then p_at
           when p_from < p_to and l.clock >= p_from and l.clock < p_to then (l.day + p_to) at time zone p_timezone
           when p_from > p_to and l.clock >= p_from then (l.day + 1 + p_to) at time zone p_timezone
           when p_from > p_to and l.clock < p_to then (l.day + p_to) at time zone p_timezone
           else p_at end
    from (select (p_at at time zone p_timezone)::time as clock, (p_at at time zone p_timezone)::date as day) l
$$;

CREATE FUNCTION public.record_events(p_users bigint[], p_ids text[], p_types text[], p_phones bigint[], p_messages bigint[], p_data text[], p_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.refresh_lane(p_phone bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  lane lanes;
  next record;
begin
  select * into lane from lanes where phone_id = p_phone for update;
  -- One index probe a priority, however many chats wait.
  select min(c.at) as at, coalesce(min(c.priority) filter (where c.at <= now()), 1) as priority into next
    from (select p.priority, lane_time(lane, p.priority, first.ready_at) as at
            from (values (0), (1), (2)) as p (priority)
           cross join lateral (
                 select h.ready_at from chat_heads h
                  where h.phone_id = p_phone and h.priority = p.priority and h.message_id is not null
                  order by h.ready_at limit 1) first
           where isfinite(first.ready_at)) c;
  update lanes set ready_at = next.at, priority = next.priority where phone_id = p_phone;
end
$$;

CREATE FUNCTION public.refresh_webhook_lane(p_webhook bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.rejoin_lane(p_user bigint, p_phone bigint, p_chat bigint, p_lift boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.release_media(p_user bigint, p_media bigint) RETURNS SETOF bigint
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  chat record;
begin
  for chat in
    with released as (
      update messages m set awaits_media = false
       where m.user_id = p_user and m.media_id = p_media and m.awaits_media
      returning m.phone_number_id as phone, m.chat_key)
    select distinct r.phone, r.chat_key from released r order by 1, 2
  loop
    perform rejoin_lane(p_user, chat.phone, chat.chat_key, false);
    return next chat.phone;
  end loop;
end
$$;

CREATE FUNCTION public.remove_phone(p_phone bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  perform set_config('app.removed', 'in reach', true);
  update phone_numbers set removed_at = now(), qr = null, qr_expires_at = null, webhook_url = null, updated_at = now()
   where id = p_phone;
  perform set_config('app.removed', '', true);
end
$$;

CREATE FUNCTION public.rename_lid(p_user bigint, p_lid text, p_number text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  update messages set chat = p_number, lid = coalesce(lid, p_lid),
                      from_number = case when from_number = p_lid then p_number else from_number end,
                      to_number = case when to_number = p_lid then p_number else to_number end
   where user_id = p_user and chat_key = hashtextextended(p_lid, 0) and chat = p_lid
     and status not in ('scheduled', 'queued', 'sending', 'unknown');
  update messages set from_number = p_number
   where user_id = p_user and from_number = p_lid and from_number like 'lid:%';

  with gone as (delete from chats where user_id = p_user and chat = p_lid returning *)
  insert into chats as c (user_id, phone_id, chat, last_message_id, last_at, unread)
  select g.user_id, g.phone_id, p_number, g.last_message_id, g.last_at, g.unread from gone g order by g.phone_id
  on conflict (phone_id, chat) do update
    set last_message_id = case when (excluded.last_at, excluded.last_message_id) > (c.last_at, c.last_message_id)
                               then excluded.last_message_id else c.last_message_id end,
        last_at = greatest(excluded.last_at, c.last_at), unread = c.unread + excluded.unread;

  with gone as (delete from contacts where user_id = p_user and address = p_lid and address like 'lid:%' returning *)
  insert into contacts as c (user_id, phone_id, address, lid, name, name_at, picture, picture_at)
  select g.user_id, g.phone_id, p_number, p_lid, g.name, g.name_at, g.picture, g.picture_at from gone g order by g.phone_id
  on conflict (phone_id, address) do update
    set lid = coalesce(c.lid, excluded.lid),
        name = case when (excluded.name_at, excluded.name) > (c.name_at, coalesce(c.name, '')) then excluded.name else c.name end,
        name_at = greatest(c.name_at, excluded.name_at),
        picture = case when (excluded.picture_at, excluded.picture) > (c.picture_at, coalesce(c.picture, ''))
                       then excluded.picture else c.picture end,
        picture_at = greatest(c.picture_at, excluded.picture_at);
  update contacts set lid = p_lid where user_id = p_user and address = p_number and lid is null;

  with gone as (delete from group_members where user_id = p_user and address = p_lid and address like 'lid:%' returning *)
  insert into group_members as m (user_id, phone_id, chat, address, role, at)
  select g.user_id, g.phone_id, g.chat, p_number, g.role, g.at from gone g order by g.phone_id, g.chat
  on conflict (phone_id, chat, address) do update set role = excluded.role, at = excluded.at
    where (excluded.at, excluded.role) > (m.at, m.role);
  update groups set owner = p_number where user_id = p_user and owner = p_lid;
end
$$;

CREATE FUNCTION public.renew_check(p_phone bigint, p_lease uuid, p_for interval) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  with renewed as (
    -- A question asked meanwhile stands before the lease's end and stays there.
    update phone_checks
       set check_at = case when check_at < leased_until then check_at else now() + p_for end, leased_until = now() + p_for
     where phone_id = p_phone and lease_id = p_lease returning 1)
  select exists (select 1 from renewed)
$$;

CREATE FUNCTION public.renew_job(p_job bigint, p_lease uuid, p_for interval) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  with held as (update jobs set ready_at = now() + p_for where id = p_job and lease_id = p_lease returning 1)
  select exists (select from held)
$$;

CREATE FUNCTION public.take_number(p_user bigint, p_phone bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.trim_events(p_before timestamp with time zone, p_limit integer) RETURNS integer
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
  with oldest as (
    select e.user_id, e.sequence, e.created_at, u.since
      from (select id, kept_since(id, 'events', p_before) as since from unnest(app_user_ids()) as u (id)) u
     cross join lateral (select user_id, sequence, created_at from events
                          where user_id = u.id order by sequence limit p_limit) e),
  kept as (
    select o.user_id, min(o.sequence) as sequence from oldest o
     where o.created_at >= o.since
        or exists (select 1 from deliveries d
                    where d.user_id = o.user_id and d.event_sequence = o.sequence and d.state in ('pending', 'held'))
     group by o.user_id),
  gone as (
    delete from events e using oldest o left join kept k on k.user_id = o.user_id
     where e.user_id = o.user_id and e.sequence = o.sequence and (k.sequence is null or o.sequence < k.sequence)
    returning 1)
  select count(*)::integer from gone
$$;

CREATE FUNCTION public.unqueue_webhook(p_user bigint, p_webhook bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  delete from delivery_queue where webhook_id = p_webhook and user_id = p_user and p_user = any (app_user_ids())
$$;

CREATE FUNCTION public.within_quota(p_work public.acceptance[], p_day date) RETURNS public.acceptance[]
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  work acceptance[];
begin
  insert into usage_days as u (user_id, day)
  select distinct w.user_id, p_day from unnest(p_work) w where w.outcome = 'accepted' and w.day_limit is not null order by 1
  on conflict (user_id, day) do update set messages = u.messages;

  select array_agg(case when c.n is null then w else jsonb_populate_record(w, jsonb_build_object(
                     'outcome', case when c.room >= 0 then 'accepted' else 'quota_exceeded' end,
                     'day_left', greatest(c.room, 0))) end order by w.n)
    into work
    from unnest(p_work) w
    left join (select a.n, a.day_limit - u.messages - row_number() over (partition by a.user_id order by a.n) as room
                 from unnest(p_work) a join usage_days u on u.user_id = a.user_id and u.day = p_day
                where a.outcome = 'accepted' and a.day_limit is not null) c on c.n = w.n;

  update usage_days u set messages = u.messages + t.count
    from (select w.user_id, count(*) as count from unnest(work) w
           where w.outcome = 'accepted' and w.day_limit is not null group by 1) t
   where u.user_id = t.user_id and u.day = p_day;
  return work;
end
$$;

CREATE TABLE public.api_keys (
    id text NOT NULL,
    user_id bigint NOT NULL,
    name text NOT NULL,
    hash bytea NOT NULL,
    scopes text[],
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    allowed_ips cidr[],
    last_used_at timestamp with time zone,
    rolled_from text,
    phone_ids bigint[],
    phone_id bigint
);

ALTER TABLE ONLY public.api_keys FORCE ROW LEVEL SECURITY;

CREATE TABLE public.attempts (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    delivery_id text NOT NULL,
    number integer NOT NULL,
    at timestamp with time zone NOT NULL,
    duration_ms integer NOT NULL,
    status_code integer,
    error_class text,
    detail text,
    answer text
);

ALTER TABLE ONLY public.attempts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.attempts ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.attempts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.audit (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    actor_id bigint,
    credential text,
    action text NOT NULL,
    target text,
    status integer NOT NULL,
    ip inet,
    request_id text,
    at timestamp with time zone DEFAULT now() NOT NULL,
    fields text[] DEFAULT '{}'::text[] NOT NULL
);

ALTER TABLE ONLY public.audit FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.audit_order (
    id bigint NOT NULL,
    user_id bigint NOT NULL
);

CREATE TABLE public.bulk_checks (
    bulk_id bigint NOT NULL,
    user_id bigint NOT NULL,
    check_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.bulks (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    name text,
    total integer NOT NULL,
    refused integer NOT NULL,
    progress jsonb DEFAULT '{}'::jsonb NOT NULL,
    cancelled_at timestamp with time zone,
    finished_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    phone_ids bigint[] DEFAULT public.app_phone_ids()
);

ALTER TABLE ONLY public.bulks FORCE ROW LEVEL SECURITY;

ALTER TABLE public.bulks ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.bulks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.chat_heads (
    phone_id bigint NOT NULL,
    chat_key bigint NOT NULL,
    user_id bigint NOT NULL,
    message_id bigint,
    due_at timestamp with time zone,
    sequence bigint,
    priority smallint,
    expires_at timestamp with time zone,
    hold_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    ready_at timestamp with time zone
);

CREATE TABLE public.chats (
    user_id bigint NOT NULL,
    phone_id bigint NOT NULL,
    chat text NOT NULL,
    last_message_id bigint NOT NULL,
    last_at timestamp with time zone NOT NULL,
    unread integer DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.chats FORCE ROW LEVEL SECURITY;

CREATE TABLE public.contacts (
    user_id bigint NOT NULL,
    phone_id bigint NOT NULL,
    address text NOT NULL,
    lid text,
    name text,
    name_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    picture text,
    picture_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.contacts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.credentials (
    lookup text NOT NULL,
    user_id bigint NOT NULL,
    secret_hash bytea,
    expires_at timestamp with time zone
);

CREATE TABLE public.deliveries (
    id text NOT NULL,
    user_id bigint NOT NULL,
    webhook_id bigint NOT NULL,
    event_sequence bigint NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT deliveries_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'held'::text, 'delivered'::text, 'exhausted'::text, 'expired'::text, 'removed'::text])))
);

ALTER TABLE ONLY public.deliveries FORCE ROW LEVEL SECURITY;

CREATE TABLE public.delivery_queue (
    delivery_id text NOT NULL,
    webhook_id bigint NOT NULL,
    user_id bigint NOT NULL,
    sequence bigint NOT NULL,
    ready_at timestamp with time zone NOT NULL,
    lease_id uuid
);

CREATE TABLE public.erasures (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    contact text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT erasures_check CHECK (((contact IS NULL) = (ended_at IS NOT NULL)))
);

ALTER TABLE ONLY public.erasures FORCE ROW LEVEL SECURITY;

ALTER TABLE public.erasures ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.erasures_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.event_counters (
    user_id bigint NOT NULL,
    last_sequence bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.event_counters FORCE ROW LEVEL SECURITY;

CREATE TABLE public.events (
    user_id bigint NOT NULL,
    sequence bigint NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    phone_id bigint,
    message_id bigint,
    body text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.events FORCE ROW LEVEL SECURITY;

CREATE TABLE public.exports (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    total integer,
    storage_key text,
    size bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    expires_at timestamp with time zone,
    CONSTRAINT exports_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'ready'::text, 'failed'::text])))
);

ALTER TABLE ONLY public.exports FORCE ROW LEVEL SECURITY;

ALTER TABLE public.exports ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.exports_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.group_members (
    user_id bigint NOT NULL,
    phone_id bigint NOT NULL,
    chat text NOT NULL,
    address text NOT NULL,
    role text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT group_members_role_check CHECK ((role = ANY (ARRAY['gone'::text, 'member'::text, 'admin'::text, 'owner'::text])))
);

ALTER TABLE ONLY public.group_members FORCE ROW LEVEL SECURITY;

CREATE TABLE public.groups (
    user_id bigint NOT NULL,
    phone_id bigint NOT NULL,
    chat text NOT NULL,
    subject text,
    subject_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    description text,
    description_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    owner text,
    owner_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    members_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.groups FORCE ROW LEVEL SECURITY;

CREATE TABLE public.history_queue (
    message_id bigint NOT NULL,
    user_id bigint NOT NULL
);

CREATE TABLE public.idempotency_keys (
    user_id bigint NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    message_id bigint,
    response jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.idempotency_keys FORCE ROW LEVEL SECURITY;

CREATE TABLE public.inbound_facts (
    phone_id bigint NOT NULL,
    key text NOT NULL,
    user_id bigint NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.inbound_facts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.jobs (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    kind text NOT NULL,
    about bigint,
    ready_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_id uuid,
    tries integer DEFAULT 0 NOT NULL,
    CONSTRAINT jobs_kind_check CHECK ((kind = ANY (ARRAY['export'::text, 'erase'::text, 'remove'::text])))
);

ALTER TABLE public.jobs ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.jobs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.left_placements (
    placement_id text NOT NULL,
    phone_id bigint NOT NULL,
    user_id bigint NOT NULL,
    node_id bigint NOT NULL
);

CREATE TABLE public.lids (
    user_id bigint NOT NULL,
    lid text NOT NULL,
    number text NOT NULL
);

ALTER TABLE ONLY public.lids FORCE ROW LEVEL SECURITY;

CREATE TABLE public.mail_tokens (
    id text NOT NULL,
    user_id bigint NOT NULL,
    purpose text NOT NULL,
    email text NOT NULL,
    hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT mail_tokens_purpose_check CHECK ((purpose = ANY (ARRAY['confirm'::text, 'reset'::text])))
);

ALTER TABLE ONLY public.mail_tokens FORCE ROW LEVEL SECURITY;

CREATE TABLE public.media (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    status text NOT NULL,
    source text NOT NULL,
    url text,
    kind text NOT NULL,
    mimetype text,
    file_name text,
    size bigint,
    sha256 bytea,
    storage_key text,
    reason text,
    attempts integer DEFAULT 0 NOT NULL,
    next_try_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    stored_at timestamp with time zone,
    expires_at timestamp with time zone,
    phone_ids bigint[] DEFAULT public.app_phone_ids(),
    CONSTRAINT media_check CHECK (((status <> 'stored'::text) OR ((storage_key IS NOT NULL) AND (size IS NOT NULL) AND (mimetype IS NOT NULL)))),
    CONSTRAINT media_kind_check CHECK ((kind = ANY (ARRAY['image'::text, 'video'::text, 'audio'::text, 'voice'::text, 'document'::text, 'sticker'::text]))),
    CONSTRAINT media_source_check CHECK ((source = ANY (ARRAY['upload'::text, 'link'::text, 'base64'::text, 'inbound'::text]))),
    CONSTRAINT media_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'stored'::text, 'failed'::text])))
);

ALTER TABLE ONLY public.media FORCE ROW LEVEL SECURITY;

ALTER TABLE public.media ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.media_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.media_queue (
    media_id bigint NOT NULL,
    user_id bigint NOT NULL,
    ready_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_id uuid
);

CREATE TABLE public.media_usage (
    user_id bigint NOT NULL,
    bytes bigint DEFAULT 0 NOT NULL,
    files bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.media_usage FORCE ROW LEVEL SECURITY;

CREATE TABLE public.message_timeline (
    user_id bigint NOT NULL,
    message_id bigint NOT NULL,
    status text NOT NULL,
    reason text,
    at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.message_timeline FORCE ROW LEVEL SECURITY;

CREATE TABLE public.message_words (
    message_id bigint NOT NULL,
    user_id bigint NOT NULL,
    words bigint[] NOT NULL
);

CREATE TABLE public.messages (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    phone_number_id bigint NOT NULL,
    placement_id text,
    direction text NOT NULL,
    source text NOT NULL,
    message_id text,
    chat text NOT NULL,
    chat_key bigint GENERATED ALWAYS AS (hashtextextended(chat, (0)::bigint)) STORED NOT NULL,
    from_number text NOT NULL,
    to_number text NOT NULL,
    type text NOT NULL,
    content text,
    payload jsonb,
    status text NOT NULL,
    reason text,
    priority smallint DEFAULT 1 NOT NULL,
    sequence bigint NOT NULL,
    due_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    lease_id uuid,
    sending_at timestamp with time zone,
    request_id text,
    recovered boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    media_id bigint,
    whatsapp_key jsonb,
    lid text,
    edited_at timestamp with time zone,
    deleted_at timestamp with time zone,
    send_at timestamp with time zone,
    on_unknown text DEFAULT 'keep'::text NOT NULL,
    is_doubted boolean DEFAULT false NOT NULL,
    awaits_media boolean DEFAULT false NOT NULL,
    overdue_at timestamp with time zone,
    bulk_id bigint,
    CONSTRAINT messages_direction_check CHECK ((direction = ANY (ARRAY['in'::text, 'out'::text]))),
    CONSTRAINT messages_on_unknown_check CHECK ((on_unknown = ANY (ARRAY['keep'::text, 'resend'::text]))),
    CONSTRAINT messages_source_check CHECK ((source = ANY (ARRAY['api'::text, 'phone'::text, 'contact'::text]))),
    CONSTRAINT messages_status_check CHECK ((status = ANY (ARRAY['scheduled'::text, 'queued'::text, 'sending'::text, 'sent'::text, 'delivered'::text, 'read'::text, 'played'::text, 'failed'::text, 'cancelled'::text, 'expired'::text, 'unknown'::text, 'received'::text]))),
    CONSTRAINT messages_status_direction CHECK (
CASE direction
    WHEN 'in'::text THEN (status = ANY (ARRAY['received'::text, 'read'::text, 'played'::text]))
    ELSE (status <> 'received'::text)
END)
);

ALTER TABLE ONLY public.messages FORCE ROW LEVEL SECURITY;

ALTER TABLE public.messages ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.migrations (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    run_on timestamp without time zone NOT NULL
);

CREATE SEQUENCE public.migrations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.migrations_id_seq OWNED BY public.migrations.id;

CREATE TABLE public.moves (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    phone_id bigint NOT NULL,
    from_placement text NOT NULL,
    to_placement text NOT NULL,
    why text NOT NULL,
    step text NOT NULL,
    outcome text,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    step_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT moves_outcome_check CHECK ((outcome = ANY (ARRAY['moved'::text, 'failed'::text]))),
    CONSTRAINT moves_step_check CHECK ((step = ANY (ARRAY['wait'::text, 'make'::text, 'hand_over'::text, 'release'::text, 'keys'::text, 'open'::text, 'history'::text]))),
    CONSTRAINT moves_why_check CHECK ((why = ANY (ARRAY['node_lost'::text, 'draining'::text, 'asked'::text, 'rebalance'::text, 'deaf'::text])))
);

ALTER TABLE ONLY public.moves FORCE ROW LEVEL SECURITY;

ALTER TABLE public.moves ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.moves_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.nodes (
    id bigint NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    is_enabled boolean DEFAULT true NOT NULL,
    status text DEFAULT 'unknown'::text NOT NULL,
    status_since timestamp with time zone DEFAULT now() NOT NULL,
    checked_at timestamp with time zone,
    latency_ms integer,
    detail text,
    silent_since timestamp with time zone,
    is_lost boolean DEFAULT false NOT NULL,
    is_draining boolean DEFAULT false NOT NULL,
    origin text DEFAULT 'settings'::text NOT NULL,
    weight numeric DEFAULT 1 NOT NULL,
    capacity integer,
    api_key text,
    version text,
    client_name text,
    held integer,
    details_at timestamp with time zone,
    CONSTRAINT nodes_capacity_check CHECK ((capacity >= 0)),
    CONSTRAINT nodes_origin_check CHECK ((origin = ANY (ARRAY['settings'::text, 'admin'::text]))),
    CONSTRAINT nodes_status_check CHECK ((status = ANY (ARRAY['unknown'::text, 'up'::text, 'down'::text]))),
    CONSTRAINT nodes_weight_check CHECK ((weight > (0)::numeric))
);

ALTER TABLE public.nodes ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.nodes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.number_checks (
    user_id bigint NOT NULL,
    number text NOT NULL,
    phone_id bigint NOT NULL,
    is_on_whatsapp boolean,
    checked_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.number_checks FORCE ROW LEVEL SECURITY;

CREATE TABLE public.paired_numbers (
    number_hash bytea NOT NULL,
    user_id bigint NOT NULL,
    phone_id bigint NOT NULL
);

CREATE TABLE public.parked_acks (
    user_id bigint NOT NULL,
    phone_id bigint NOT NULL,
    whatsapp_id text NOT NULL,
    status text NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.parked_acks FORCE ROW LEVEL SECURITY;

CREATE TABLE public.parked_changes (
    user_id bigint NOT NULL,
    phone_id bigint NOT NULL,
    whatsapp_id text NOT NULL,
    kind text NOT NULL,
    content text,
    at timestamp with time zone NOT NULL,
    chat text,
    from_me boolean DEFAULT false NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    told_at timestamp with time zone,
    CONSTRAINT parked_changes_kind_check CHECK ((kind = ANY (ARRAY['edited'::text, 'deleted'::text])))
);

ALTER TABLE ONLY public.parked_changes FORCE ROW LEVEL SECURITY;

CREATE TABLE public.phone_checks (
    phone_id bigint NOT NULL,
    user_id bigint NOT NULL,
    node_id bigint,
    check_at timestamp with time zone,
    tries integer DEFAULT 0 NOT NULL,
    lease_id uuid,
    leased_until timestamp with time zone
);

CREATE TABLE public.phone_compares (
    phone_id bigint NOT NULL,
    user_id bigint NOT NULL,
    compared_at timestamp with time zone NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    compare_at timestamp with time zone,
    lease_id uuid,
    leased_until timestamp with time zone
);

CREATE TABLE public.phone_numbers (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    phone_number text NOT NULL,
    device_name text NOT NULL,
    token bytea NOT NULL,
    webhook_url text,
    status text DEFAULT 'new'::text NOT NULL,
    status_reason text,
    status_since timestamp with time zone DEFAULT now() NOT NULL,
    is_connected boolean GENERATED ALWAYS AS ((status = 'connected'::text)) STORED NOT NULL,
    session_data jsonb DEFAULT '{}'::jsonb NOT NULL,
    connection_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    qr text,
    qr_expires_at timestamp with time zone,
    last_sequence bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    sending jsonb DEFAULT '{}'::jsonb NOT NULL,
    is_paused boolean DEFAULT false NOT NULL,
    removed_at timestamp with time zone,
    pairing_method text DEFAULT 'qr'::text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    proxy jsonb,
    tuning integer DEFAULT 0 NOT NULL,
    proxy_tuning integer DEFAULT 0 NOT NULL,
    told_tuning integer DEFAULT 0 NOT NULL,
    tuning_fault text,
    people_at timestamp with time zone,
    probed_at timestamp with time zone,
    failed_probes integer DEFAULT 0 NOT NULL,
    CONSTRAINT phone_numbers_pairing_method_check CHECK ((pairing_method = ANY (ARRAY['qr'::text, 'pairingCode'::text]))),
    CONSTRAINT phone_numbers_status_check CHECK ((status = ANY (ARRAY['new'::text, 'pairing'::text, 'qr_expired'::text, 'connected'::text, 'reconnecting'::text, 'disconnected'::text, 'logged_out'::text, 'banned'::text, 'mismatch'::text, 'conflict'::text, 'deaf'::text, 'node_down'::text, 'moving'::text])))
);

ALTER TABLE ONLY public.phone_numbers FORCE ROW LEVEL SECURITY;

ALTER TABLE public.phone_numbers ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.phone_numbers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.placements (
    id text NOT NULL,
    user_id bigint NOT NULL,
    phone_id bigint NOT NULL,
    generation integer NOT NULL,
    node_id bigint NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    made_at timestamp with time zone,
    opened_at timestamp with time zone,
    ended_at timestamp with time zone,
    connection_facts jsonb DEFAULT '[]'::jsonb NOT NULL,
    inbound_url text,
    cleared_at timestamp with time zone
);

ALTER TABLE ONLY public.placements FORCE ROW LEVEL SECURITY;

CREATE TABLE public.quarantine (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    phone_id bigint NOT NULL,
    placement_id text NOT NULL,
    why text NOT NULL,
    body jsonb NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.quarantine FORCE ROW LEVEL SECURITY;

ALTER TABLE public.quarantine ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.recovery_codes (
    user_id bigint NOT NULL,
    hash bytea NOT NULL,
    used_at timestamp with time zone
);

ALTER TABLE ONLY public.recovery_codes FORCE ROW LEVEL SECURITY;

CREATE TABLE public.sealing_keys (
    id text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.sessions (
    id text NOT NULL,
    user_id bigint NOT NULL,
    refresh_hash bytea NOT NULL,
    device text,
    ip inet,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    revoked_why text,
    CONSTRAINT sessions_revoked_why_check CHECK ((revoked_why = ANY (ARRAY['signed_out'::text, 'refresh_reused'::text, 'password_changed'::text, 'password_reset'::text, 'all_signed_out'::text, 'disabled'::text, 'removed'::text])))
);

ALTER TABLE ONLY public.sessions FORCE ROW LEVEL SECURITY;

CREATE TABLE public.turns (
    user_id bigint NOT NULL,
    served_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL
);

CREATE TABLE public.usage_days (
    user_id bigint NOT NULL,
    day date NOT NULL,
    messages bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.usage_days FORCE ROW LEVEL SECURITY;

CREATE TABLE public.users (
    id bigint NOT NULL,
    username text NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    api_key bytea NOT NULL,
    jwt_secret text NOT NULL,
    token_version integer DEFAULT 1 NOT NULL,
    role text DEFAULT 'user'::text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    email_verified_at timestamp with time zone,
    totp_secret text,
    totp_enabled_at timestamp with time zone,
    totp_step bigint DEFAULT 0 NOT NULL,
    quotas jsonb DEFAULT '{}'::jsonb NOT NULL,
    kept_days jsonb DEFAULT '{}'::jsonb NOT NULL,
    totp_tries integer DEFAULT 0 NOT NULL,
    totp_tried_since timestamp with time zone,
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['user'::text, 'admin'::text])))
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;

ALTER TABLE public.users ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.users_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.webhook_lanes (
    webhook_id bigint NOT NULL,
    user_id bigint NOT NULL,
    ready_at timestamp with time zone,
    is_ordered boolean DEFAULT false NOT NULL
);

CREATE TABLE public.webhooks (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    phone_id bigint,
    url text NOT NULL,
    secret text NOT NULL,
    events text[],
    is_enabled boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    is_ordered boolean DEFAULT false NOT NULL,
    is_of_phone boolean DEFAULT false NOT NULL,
    headers text,
    previous_secret text,
    previous_until timestamp with time zone,
    disabled_reason text,
    disabled_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.webhooks FORCE ROW LEVEL SECURITY;

ALTER TABLE public.webhooks ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.webhooks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY public.migrations ALTER COLUMN id SET DEFAULT nextval('public.migrations_id_seq'::regclass);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_user_id_id_key UNIQUE (user_id, id);

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audit_order
    ADD CONSTRAINT audit_order_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.bulk_checks
    ADD CONSTRAINT bulk_checks_pkey PRIMARY KEY (bulk_id);

ALTER TABLE ONLY public.bulks
    ADD CONSTRAINT bulks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.bulks
    ADD CONSTRAINT bulks_user_id_id_key UNIQUE (user_id, id);

ALTER TABLE ONLY public.chat_heads
    ADD CONSTRAINT chat_heads_pkey PRIMARY KEY (phone_id, chat_key);

ALTER TABLE ONLY public.chats
    ADD CONSTRAINT chats_pkey PRIMARY KEY (phone_id, chat);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (phone_id, address);

ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT credentials_pkey PRIMARY KEY (lookup);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_user_id_id_key UNIQUE (user_id, id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_webhook_id_event_sequence_key UNIQUE (webhook_id, event_sequence);

ALTER TABLE ONLY public.delivery_queue
    ADD CONSTRAINT delivery_queue_pkey PRIMARY KEY (delivery_id);

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_user_id_contact_key UNIQUE (user_id, contact);

ALTER TABLE ONLY public.event_counters
    ADD CONSTRAINT event_counters_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_id_key UNIQUE (id);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (user_id, sequence);

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_user_id_id_key UNIQUE (user_id, id);

ALTER TABLE ONLY public.group_members
    ADD CONSTRAINT group_members_pkey PRIMARY KEY (phone_id, chat, address);

ALTER TABLE ONLY public.groups
    ADD CONSTRAINT groups_pkey PRIMARY KEY (phone_id, chat);

ALTER TABLE ONLY public.history_queue
    ADD CONSTRAINT history_queue_pkey PRIMARY KEY (message_id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, key);

ALTER TABLE ONLY public.inbound_facts
    ADD CONSTRAINT inbound_facts_pkey PRIMARY KEY (phone_id, key);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.lanes
    ADD CONSTRAINT lanes_pkey PRIMARY KEY (phone_id);

ALTER TABLE ONLY public.left_placements
    ADD CONSTRAINT left_placements_pkey PRIMARY KEY (placement_id);

ALTER TABLE ONLY public.lids
    ADD CONSTRAINT lids_pkey PRIMARY KEY (user_id, lid);

ALTER TABLE ONLY public.mail_tokens
    ADD CONSTRAINT mail_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.media
    ADD CONSTRAINT media_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.media_queue
    ADD CONSTRAINT media_queue_pkey PRIMARY KEY (media_id);

ALTER TABLE ONLY public.media_usage
    ADD CONSTRAINT media_usage_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.media
    ADD CONSTRAINT media_user_id_id_key UNIQUE (user_id, id);

ALTER TABLE ONLY public.message_timeline
    ADD CONSTRAINT message_timeline_pkey PRIMARY KEY (message_id, status);

ALTER TABLE ONLY public.message_words
    ADD CONSTRAINT message_words_pkey PRIMARY KEY (message_id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_user_id_id_key UNIQUE (user_id, id);

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.moves
    ADD CONSTRAINT moves_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_name_key UNIQUE (name);

ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.number_checks
    ADD CONSTRAINT number_checks_pkey PRIMARY KEY (user_id, number, phone_id);

ALTER TABLE ONLY public.paired_numbers
    ADD CONSTRAINT paired_numbers_phone_id_key UNIQUE (phone_id);

ALTER TABLE ONLY public.paired_numbers
    ADD CONSTRAINT paired_numbers_pkey PRIMARY KEY (number_hash);

ALTER TABLE ONLY public.parked_acks
    ADD CONSTRAINT parked_acks_pkey PRIMARY KEY (phone_id, whatsapp_id, status);

ALTER TABLE ONLY public.parked_changes
    ADD CONSTRAINT parked_changes_pkey PRIMARY KEY (phone_id, whatsapp_id, kind);

ALTER TABLE ONLY public.phone_checks
    ADD CONSTRAINT phone_checks_pkey PRIMARY KEY (phone_id);

ALTER TABLE ONLY public.phone_compares
    ADD CONSTRAINT phone_compares_pkey PRIMARY KEY (phone_id);

ALTER TABLE ONLY public.phone_numbers
    ADD CONSTRAINT phone_numbers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.phone_numbers
    ADD CONSTRAINT phone_numbers_token_key UNIQUE (token);

ALTER TABLE ONLY public.phone_numbers
    ADD CONSTRAINT phone_numbers_user_id_id_key UNIQUE (user_id, id);

ALTER TABLE ONLY public.placements
    ADD CONSTRAINT placements_phone_id_generation_key UNIQUE (phone_id, generation);

ALTER TABLE ONLY public.placements
    ADD CONSTRAINT placements_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.placements
    ADD CONSTRAINT placements_user_id_id_key UNIQUE (user_id, id);

ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, hash);

ALTER TABLE ONLY public.sealing_keys
    ADD CONSTRAINT sealing_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.turns
    ADD CONSTRAINT turns_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.usage_days
    ADD CONSTRAINT usage_days_pkey PRIMARY KEY (user_id, day);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_api_key_key UNIQUE (api_key);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.webhook_lanes
    ADD CONSTRAINT webhook_lanes_pkey PRIMARY KEY (webhook_id);

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_user_id_id_key UNIQUE (user_id, id);

CREATE INDEX api_keys_phone ON public.api_keys USING btree (user_id, phone_id) WHERE (phone_id IS NOT NULL);

CREATE INDEX attempts_delivery ON public.attempts USING btree (delivery_id);

CREATE INDEX attempts_user ON public.attempts USING btree (user_id, id);

CREATE INDEX audit_order_user ON public.audit_order USING btree (user_id);

CREATE INDEX audit_user ON public.audit USING btree (user_id, id);

CREATE INDEX bulk_checks_due ON public.bulk_checks USING btree (check_at);

CREATE INDEX chat_heads_expiring ON public.chat_heads USING btree (expires_at) WHERE (expires_at IS NOT NULL);

CREATE INDEX chat_heads_idle ON public.chat_heads USING btree (hold_until) WHERE (message_id IS NULL);

CREATE INDEX chat_heads_next ON public.chat_heads USING btree (phone_id, priority, ready_at) WHERE (message_id IS NOT NULL);

CREATE INDEX chat_heads_ready ON public.chat_heads USING btree (phone_id, ready_at) WHERE (message_id IS NOT NULL);

CREATE INDEX chats_latest ON public.chats USING btree (user_id, phone_id, last_at, last_message_id);

CREATE INDEX contacts_lid ON public.contacts USING btree (user_id, address) WHERE (address ~~ 'lid:%'::text);

CREATE INDEX credentials_user ON public.credentials USING btree (user_id);

CREATE INDEX deliveries_event ON public.deliveries USING btree (user_id, event_sequence);

CREATE INDEX deliveries_held ON public.deliveries USING btree (user_id, created_at) WHERE (state = 'held'::text);

CREATE INDEX deliveries_newest ON public.deliveries USING btree (user_id, webhook_id, event_sequence);

CREATE INDEX delivery_queue_leased ON public.delivery_queue USING btree (webhook_id, ready_at) WHERE (lease_id IS NOT NULL);

CREATE INDEX delivery_queue_leased_user ON public.delivery_queue USING btree (user_id) WHERE (lease_id IS NOT NULL);

CREATE INDEX delivery_queue_order ON public.delivery_queue USING btree (webhook_id, sequence);

CREATE INDEX delivery_queue_ready ON public.delivery_queue USING btree (webhook_id, ready_at, sequence);

CREATE UNIQUE INDEX exports_pending ON public.exports USING btree (user_id) WHERE (status = 'pending'::text);

CREATE INDEX group_members_lid ON public.group_members USING btree (user_id, address) WHERE (address ~~ 'lid:%'::text);

CREATE INDEX idempotency_keys_expires ON public.idempotency_keys USING btree (expires_at);

CREATE INDEX inbound_facts_received ON public.inbound_facts USING btree (received_at);

CREATE INDEX inbound_facts_user ON public.inbound_facts USING btree (user_id);

CREATE INDEX jobs_ready ON public.jobs USING btree (ready_at);

CREATE INDEX jobs_user ON public.jobs USING btree (user_id);

CREATE INDEX lanes_leased ON public.lanes USING btree (leased_until) WHERE (lease_id IS NOT NULL);

CREATE INDEX lanes_ready ON public.lanes USING btree (ready_at) WHERE (is_open AND (NOT is_paused) AND (NOT in_doubt) AND (lease_id IS NULL) AND (ready_at IS NOT NULL));

CREATE INDEX left_placements_node ON public.left_placements USING btree (node_id);

CREATE INDEX lids_number ON public.lids USING btree (user_id, number);

CREATE INDEX mail_tokens_expires ON public.mail_tokens USING btree (expires_at);

CREATE INDEX mail_tokens_user ON public.mail_tokens USING btree (user_id, purpose);

CREATE INDEX media_awaited ON public.media USING btree (user_id, md5(url)) WHERE ((status = 'pending'::text) AND (url IS NOT NULL));

CREATE INDEX media_expiring ON public.media USING btree (user_id, expires_at) WHERE (expires_at IS NOT NULL);

CREATE INDEX media_of_user ON public.media USING btree (user_id, created_at, id);

CREATE INDEX media_queue_leased ON public.media_queue USING btree (user_id, ready_at) WHERE (lease_id IS NOT NULL);

CREATE INDEX media_queue_ready ON public.media_queue USING btree (user_id, ready_at, media_id);

CREATE UNIQUE INDEX media_storage_key ON public.media USING btree (storage_key) WHERE (storage_key IS NOT NULL);

CREATE INDEX message_words_words ON public.message_words USING gin (words);

CREATE INDEX messages_awaiting_media ON public.messages USING btree (media_id) WHERE awaits_media;

CREATE INDEX messages_by_chat ON public.messages USING btree (user_id, chat_key, direction, created_at, id);

CREATE INDEX messages_by_phone ON public.messages USING btree (user_id, phone_number_id, direction, created_at, id);

CREATE INDEX messages_by_status ON public.messages USING btree (user_id, status, direction, created_at, id);

CREATE INDEX messages_by_type ON public.messages USING btree (user_id, type, direction, created_at, id);

CREATE INDEX messages_by_user ON public.messages USING btree (user_id, direction, created_at, id);

CREATE INDEX messages_expiring ON public.messages USING btree (expires_at) WHERE (status = ANY (ARRAY['scheduled'::text, 'queued'::text]));

CREATE INDEX messages_in_doubt ON public.messages USING btree (phone_number_id, chat_key) WHERE ((status = ANY (ARRAY['sending'::text, 'unknown'::text])) OR is_doubted);

CREATE INDEX messages_of_bulk ON public.messages USING btree (bulk_id, status) WHERE (bulk_id IS NOT NULL);

CREATE INDEX messages_of_lid ON public.messages USING btree (user_id, from_number) WHERE (from_number ~~ 'lid:%'::text);

CREATE INDEX messages_of_media ON public.messages USING btree (user_id, media_id) WHERE (media_id IS NOT NULL);

CREATE INDEX messages_of_sender ON public.messages USING btree (user_id, from_number) WHERE ((direction = 'in'::text) AND (chat <> from_number));

CREATE UNIQUE INDEX messages_one_sending ON public.messages USING btree (phone_number_id) WHERE (status = 'sending'::text);

CREATE INDEX messages_silent ON public.messages USING btree (user_id, sending_at) WHERE ((status = 'sent'::text) AND (source = 'api'::text) AND (overdue_at IS NULL));

CREATE INDEX messages_unread ON public.messages USING btree (phone_number_id, chat_key, id) WHERE (status = 'received'::text);

CREATE INDEX messages_waiting ON public.messages USING btree (phone_number_id, chat_key, due_at, sequence) WHERE (status = ANY (ARRAY['scheduled'::text, 'queued'::text]));

CREATE UNIQUE INDEX messages_whatsapp ON public.messages USING btree (phone_number_id, message_id, direction) WHERE (message_id IS NOT NULL);

CREATE INDEX moves_from ON public.moves USING btree (from_placement);

CREATE UNIQUE INDEX moves_open ON public.moves USING btree (phone_id) WHERE (ended_at IS NULL);

CREATE INDEX moves_to ON public.moves USING btree (to_placement);

CREATE INDEX number_checks_phone ON public.number_checks USING btree (phone_id, checked_at);

CREATE INDEX parked_acks_at ON public.parked_acks USING btree (at);

CREATE INDEX parked_changes_at ON public.parked_changes USING btree (at);

CREATE INDEX parked_changes_untold ON public.parked_changes USING btree (user_id, since) WHERE (told_at IS NULL);

CREATE INDEX phone_checks_due ON public.phone_checks USING btree (check_at) WHERE (check_at IS NOT NULL);

CREATE INDEX phone_checks_node ON public.phone_checks USING btree (node_id);

CREATE INDEX phone_compares_due ON public.phone_compares USING btree (compare_at) WHERE (compare_at IS NOT NULL);

CREATE UNIQUE INDEX phone_numbers_number ON public.phone_numbers USING btree (user_id, phone_number) WHERE (removed_at IS NULL);

CREATE UNIQUE INDEX placements_current ON public.placements USING btree (phone_id) WHERE (ended_at IS NULL);

CREATE INDEX placements_left ON public.placements USING btree (phone_id) WHERE ((ended_at IS NOT NULL) AND (cleared_at IS NULL));

CREATE INDEX quarantine_user ON public.quarantine USING btree (user_id, id);

CREATE INDEX sessions_expires ON public.sessions USING btree (expires_at);

CREATE INDEX sessions_place ON public.sessions USING btree (user_id, ip);

CREATE INDEX sessions_user ON public.sessions USING btree (user_id, created_at);

CREATE UNIQUE INDEX users_email_key ON public.users USING btree (lower(email));

CREATE UNIQUE INDEX users_username_key ON public.users USING btree (lower(username));

CREATE INDEX webhook_lanes_ready ON public.webhook_lanes USING btree (ready_at) WHERE (ready_at IS NOT NULL);

CREATE UNIQUE INDEX webhooks_of_phone ON public.webhooks USING btree (phone_id) WHERE is_of_phone;

CREATE INDEX webhooks_phone ON public.webhooks USING btree (user_id, phone_id);

CREATE TRIGGER api_keys_index AFTER INSERT OR DELETE OR UPDATE OF hash, expires_at, revoked_at ON public.api_keys FOR EACH ROW EXECUTE FUNCTION public.index_api_key();

CREATE TRIGGER audit_ordered AFTER INSERT ON public.audit FOR EACH ROW EXECUTE FUNCTION public.order_audit();

CREATE TRIGGER bulks_index AFTER INSERT OR UPDATE OF finished_at ON public.bulks FOR EACH ROW EXECUTE FUNCTION public.index_bulk();

CREATE TRIGGER media_counted AFTER INSERT OR DELETE OR UPDATE OF status, size ON public.media FOR EACH ROW EXECUTE FUNCTION public.count_media();

CREATE TRIGGER messages_forgotten AFTER DELETE ON public.messages REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.forget_words();

CREATE TRIGGER messages_noted AFTER INSERT ON public.messages REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION public.note_messages();

CREATE TRIGGER messages_reworded AFTER UPDATE OF content ON public.messages FOR EACH ROW WHEN ((old.content IS DISTINCT FROM new.content)) EXECUTE FUNCTION public.note_rewording();

CREATE TRIGGER phone_numbers_left AFTER UPDATE OF status, removed_at ON public.phone_numbers FOR EACH ROW WHEN (((new.removed_at IS NOT NULL) OR (new.status = ANY (ARRAY['logged_out'::text, 'banned'::text, 'mismatch'::text, 'conflict'::text])))) EXECUTE FUNCTION public.leave_number();

CREATE TRIGGER phones_connected AFTER UPDATE OF status ON public.phone_numbers FOR EACH ROW WHEN (((new.status = 'connected'::text) AND (old.status <> 'connected'::text))) EXECUTE FUNCTION public.note_connected();

CREATE TRIGGER placements_index AFTER INSERT OR DELETE OR UPDATE OF secret_hash ON public.placements FOR EACH ROW EXECUTE FUNCTION public.index_placement();

CREATE TRIGGER placements_left AFTER UPDATE OF ended_at, cleared_at ON public.placements FOR EACH ROW WHEN (((old.ended_at IS DISTINCT FROM new.ended_at) OR (old.cleared_at IS DISTINCT FROM new.cleared_at))) EXECUTE FUNCTION public.leave_placement();

CREATE TRIGGER users_index AFTER INSERT OR DELETE OR UPDATE OF email ON public.users FOR EACH ROW EXECUTE FUNCTION public.index_user();

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_user_id_delivery_id_fkey FOREIGN KEY (user_id, delivery_id) REFERENCES public.deliveries(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.audit_order
    ADD CONSTRAINT audit_order_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.bulk_checks
    ADD CONSTRAINT bulk_checks_bulk_id_fkey FOREIGN KEY (bulk_id) REFERENCES public.bulks(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.bulks
    ADD CONSTRAINT bulks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.chat_heads
    ADD CONSTRAINT chat_heads_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.chats
    ADD CONSTRAINT chats_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_user_id_event_sequence_fkey FOREIGN KEY (user_id, event_sequence) REFERENCES public.events(user_id, sequence) ON DELETE CASCADE;

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_user_id_webhook_id_fkey FOREIGN KEY (user_id, webhook_id) REFERENCES public.webhooks(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.delivery_queue
    ADD CONSTRAINT delivery_queue_user_id_delivery_id_fkey FOREIGN KEY (user_id, delivery_id) REFERENCES public.deliveries(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.delivery_queue
    ADD CONSTRAINT delivery_queue_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.delivery_queue
    ADD CONSTRAINT delivery_queue_user_id_webhook_id_fkey FOREIGN KEY (user_id, webhook_id) REFERENCES public.webhooks(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.event_counters
    ADD CONSTRAINT event_counters_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.group_members
    ADD CONSTRAINT group_members_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.groups
    ADD CONSTRAINT groups_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.inbound_facts
    ADD CONSTRAINT inbound_facts_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.lanes
    ADD CONSTRAINT lanes_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.lanes
    ADD CONSTRAINT lanes_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.left_placements
    ADD CONSTRAINT left_placements_node_id_fkey FOREIGN KEY (node_id) REFERENCES public.nodes(id);

ALTER TABLE ONLY public.left_placements
    ADD CONSTRAINT left_placements_user_id_placement_id_fkey FOREIGN KEY (user_id, placement_id) REFERENCES public.placements(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.lids
    ADD CONSTRAINT lids_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.mail_tokens
    ADD CONSTRAINT mail_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.media_queue
    ADD CONSTRAINT media_queue_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.media_queue
    ADD CONSTRAINT media_queue_user_id_media_id_fkey FOREIGN KEY (user_id, media_id) REFERENCES public.media(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.media_usage
    ADD CONSTRAINT media_usage_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.media
    ADD CONSTRAINT media_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.message_timeline
    ADD CONSTRAINT message_timeline_user_id_message_id_fkey FOREIGN KEY (user_id, message_id) REFERENCES public.messages(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_user_id_bulk_id_fkey FOREIGN KEY (user_id, bulk_id) REFERENCES public.bulks(user_id, id) ON DELETE SET NULL (bulk_id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_user_id_media_id_fkey FOREIGN KEY (user_id, media_id) REFERENCES public.media(user_id, id) ON DELETE SET NULL (media_id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_user_id_phone_number_id_fkey FOREIGN KEY (user_id, phone_number_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.moves
    ADD CONSTRAINT moves_user_id_from_placement_fkey FOREIGN KEY (user_id, from_placement) REFERENCES public.placements(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.moves
    ADD CONSTRAINT moves_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.moves
    ADD CONSTRAINT moves_user_id_to_placement_fkey FOREIGN KEY (user_id, to_placement) REFERENCES public.placements(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.number_checks
    ADD CONSTRAINT number_checks_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.paired_numbers
    ADD CONSTRAINT paired_numbers_phone_id_fkey FOREIGN KEY (phone_id) REFERENCES public.phone_numbers(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.parked_acks
    ADD CONSTRAINT parked_acks_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.parked_changes
    ADD CONSTRAINT parked_changes_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.phone_checks
    ADD CONSTRAINT phone_checks_node_id_fkey FOREIGN KEY (node_id) REFERENCES public.nodes(id);

ALTER TABLE ONLY public.phone_checks
    ADD CONSTRAINT phone_checks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.phone_checks
    ADD CONSTRAINT phone_checks_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.phone_compares
    ADD CONSTRAINT phone_compares_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.phone_compares
    ADD CONSTRAINT phone_compares_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.phone_numbers
    ADD CONSTRAINT phone_numbers_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.placements
    ADD CONSTRAINT placements_node_id_fkey FOREIGN KEY (node_id) REFERENCES public.nodes(id);

ALTER TABLE ONLY public.placements
    ADD CONSTRAINT placements_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT quarantine_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.turns
    ADD CONSTRAINT turns_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.usage_days
    ADD CONSTRAINT usage_days_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhook_lanes
    ADD CONSTRAINT webhook_lanes_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhook_lanes
    ADD CONSTRAINT webhook_lanes_user_id_webhook_id_fkey FOREIGN KEY (user_id, webhook_id) REFERENCES public.webhooks(user_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_user_id_phone_id_fkey FOREIGN KEY (user_id, phone_id) REFERENCES public.phone_numbers(user_id, id) ON DELETE CASCADE;

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.bulks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.chats ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contacts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.erasures ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.event_counters ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.exports ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.group_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.groups ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.inbound_facts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.lids ENABLE ROW LEVEL SECURITY;

CREATE POLICY limited ON public.api_keys AS RESTRICTIVE USING ((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL));

CREATE POLICY limited ON public.attempts AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (EXISTS ( SELECT
   FROM public.deliveries d
  WHERE ((d.user_id = attempts.user_id) AND (d.id = attempts.delivery_id))))));

CREATE POLICY limited ON public.audit AS RESTRICTIVE FOR SELECT USING ((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL));

CREATE POLICY limited ON public.bulks AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_ids <@ ( SELECT public.app_phone_ids() AS app_phone_ids))));

CREATE POLICY limited ON public.chats AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.contacts AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.deliveries AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (EXISTS ( SELECT
   FROM public.webhooks w
  WHERE ((w.user_id = deliveries.user_id) AND (w.id = deliveries.webhook_id))))));

CREATE POLICY limited ON public.erasures AS RESTRICTIVE USING ((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL));

CREATE POLICY limited ON public.events AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.exports AS RESTRICTIVE USING ((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL));

CREATE POLICY limited ON public.group_members AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.groups AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.inbound_facts AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.mail_tokens AS RESTRICTIVE USING ((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL));

CREATE POLICY limited ON public.media AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_ids <@ ( SELECT public.app_phone_ids() AS app_phone_ids)) OR (EXISTS ( SELECT
   FROM public.messages m
  WHERE ((m.user_id = media.user_id) AND (m.media_id = media.id))))));

CREATE POLICY limited ON public.message_timeline AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (EXISTS ( SELECT
   FROM public.messages m
  WHERE ((m.user_id = message_timeline.user_id) AND (m.id = message_timeline.message_id))))));

CREATE POLICY limited ON public.messages AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_number_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.moves AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.number_checks AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.parked_acks AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.parked_changes AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.phone_numbers AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.placements AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.quarantine AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

CREATE POLICY limited ON public.recovery_codes AS RESTRICTIVE USING ((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL));

CREATE POLICY limited ON public.sessions AS RESTRICTIVE USING ((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL));

CREATE POLICY limited ON public.webhooks AS RESTRICTIVE USING (((( SELECT public.app_phone_ids() AS app_phone_ids) IS NULL) OR (phone_id = ANY (( SELECT public.app_phone_ids() AS app_phone_ids)::bigint[]))));

ALTER TABLE public.mail_tokens ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.media ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.media_usage ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.message_timeline ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.messages ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.moves ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.number_checks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.parked_acks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.parked_changes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.phone_numbers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.placements ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.quarantine ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.recovery_codes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON public.api_keys USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.attempts USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.audit USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.bulks USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.chats USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.contacts USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.deliveries USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.erasures USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.event_counters USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.events USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.exports USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.group_members USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.groups USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.idempotency_keys USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.inbound_facts USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.lids USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.mail_tokens USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.media USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.media_usage USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.message_timeline USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.messages USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.moves USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.number_checks USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.parked_acks USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.parked_changes USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.phone_numbers USING (((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])) AND ((removed_at IS NULL) OR (current_setting('app.removed'::text, true) = 'in reach'::text))));

CREATE POLICY tenant ON public.placements USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.quarantine USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.recovery_codes USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.sessions USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.usage_days USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.users USING ((id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

CREATE POLICY tenant ON public.webhooks USING ((user_id = ANY (( SELECT public.app_user_ids() AS app_user_ids)::bigint[])));

ALTER TABLE public.usage_days ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhooks ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA public TO evolution_app;

REVOKE ALL ON FUNCTION public.accept_messages(p_batch jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.accept_messages(p_batch jsonb) TO evolution_app;

REVOKE ALL ON FUNCTION public.add_job(p_user bigint, p_kind text, p_about bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.add_job(p_user bigint, p_kind text, p_about bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.advance_chat(p_user bigint, p_phone bigint, p_chat bigint, p_hold interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.app_phone_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_phone_ids() TO evolution_app;

REVOKE ALL ON FUNCTION public.app_user_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_user_ids() TO evolution_app;

REVOKE ALL ON FUNCTION public.append_events(p_users bigint[], p_ids text[], p_types text[], p_phones bigint[], p_messages bigint[], p_data text[], p_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.append_events(p_users bigint[], p_ids text[], p_types text[], p_phones bigint[], p_messages bigint[], p_data text[], p_at timestamp with time zone) TO evolution_app;

REVOKE ALL ON FUNCTION public.ask_check(p_user bigint, p_phone bigint, p_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.ask_check(p_user bigint, p_phone bigint, p_at timestamp with time zone) TO evolution_app;

REVOKE ALL ON FUNCTION public.ask_checks_of_node(p_node bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.ask_checks_of_node(p_node bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.blank_phones(p_user bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.blank_phones(p_user bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.claim_bulks(p_limit integer, p_again interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_bulks(p_limit integer, p_again interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.claim_checks(p_limit integer, p_lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_checks(p_limit integer, p_lease interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.claim_compares(p_limit integer, p_lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_compares(p_limit integer, p_lease interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.claim_deliveries(p_limit integer, p_per_webhook integer, p_per_user integer, p_lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_deliveries(p_limit integer, p_per_webhook integer, p_per_user integer, p_lease interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.claim_expired_lanes(p_limit integer, p_lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_expired_lanes(p_limit integer, p_lease interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.claim_jobs(p_limit integer, p_lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_jobs(p_limit integer, p_lease interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.claim_jobs(p_limit integer, p_lease interval, p_kinds text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_jobs(p_limit integer, p_lease interval, p_kinds text[]) TO evolution_app;

REVOKE ALL ON FUNCTION public.claim_lanes(p_limit integer, p_lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_lanes(p_limit integer, p_lease interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.claim_media(p_limit integer, p_per_user integer, p_lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_media(p_limit integer, p_per_user integer, p_lease interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.claim_sends(p_limit integer, p_lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_sends(p_limit integer, p_lease interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.clear_doubt(p_user bigint, p_phone bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.clear_doubt(p_user bigint, p_phone bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.clear_heads(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.clear_heads(p_limit integer) TO evolution_app;

REVOKE ALL ON FUNCTION public.count_media() FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_media() TO evolution_app;

REVOKE ALL ON FUNCTION public.email_lookup(p_email text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.email_lookup(p_email text) TO evolution_app;

REVOKE ALL ON FUNCTION public.enqueue(p_users bigint[], p_phones bigint[], p_chats bigint[], p_messages bigint[], p_dues timestamp with time zone[], p_sequences bigint[], p_priorities smallint[], p_expiries timestamp with time zone[], p_waits boolean[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.enqueue(p_users bigint[], p_phones bigint[], p_chats bigint[], p_messages bigint[], p_dues timestamp with time zone[], p_sequences bigint[], p_priorities smallint[], p_expiries timestamp with time zone[], p_waits boolean[]) TO evolution_app;

REVOKE ALL ON FUNCTION public.expired_heads(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.expired_heads(p_limit integer) TO evolution_app;

REVOKE ALL ON FUNCTION public.find_credential(p_lookup text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_credential(p_lookup text) TO evolution_app;

REVOKE ALL ON FUNCTION public.find_words(p_user bigint, p_words jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_words(p_user bigint, p_words jsonb) TO evolution_app;

REVOKE ALL ON FUNCTION public.finish_check(p_phone bigint, p_lease uuid, p_after interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.finish_check(p_phone bigint, p_lease uuid, p_after interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.finish_compare(p_phone bigint, p_lease uuid, p_compared timestamp with time zone, p_after interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.finish_compare(p_phone bigint, p_lease uuid, p_compared timestamp with time zone, p_after interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.finish_deliveries(p_users bigint[], p_ids text[], p_leases uuid[], p_retry_at timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.finish_deliveries(p_users bigint[], p_ids text[], p_leases uuid[], p_retry_at timestamp with time zone[]) TO evolution_app;

REVOKE ALL ON FUNCTION public.finish_job(p_job bigint, p_lease uuid, p_again interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.finish_job(p_job bigint, p_lease uuid, p_again interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.finish_lane(p_user bigint, p_phone bigint, p_chat bigint, p_lease uuid, p_hold interval, p_pause interval, p_doubt boolean, p_left boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.finish_lane(p_user bigint, p_phone bigint, p_chat bigint, p_lease uuid, p_hold interval, p_pause interval, p_doubt boolean, p_left boolean) TO evolution_app;

REVOKE ALL ON FUNCTION public.finish_media(p_user bigint, p_media bigint, p_lease uuid, p_retry_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.finish_media(p_user bigint, p_media bigint, p_lease uuid, p_retry_at timestamp with time zone) TO evolution_app;

REVOKE ALL ON FUNCTION public.forget_words() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.hash_words(p_user bigint, p_words jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.having_words(p_user bigint, p_ids bigint[], p_words jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.having_words(p_user bigint, p_ids bigint[], p_words jsonb) TO evolution_app;

REVOKE ALL ON FUNCTION public.index_api_key() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.index_bulk() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.index_placement() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.index_user() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.is_number_taken(p_user bigint, p_number text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.is_number_taken(p_user bigint, p_number text) TO evolution_app;

REVOKE ALL ON FUNCTION public.keep_sealing_key(p_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.keep_sealing_key(p_id text) TO evolution_app;

REVOKE ALL ON FUNCTION public.kept_since(p_user bigint, p_what text, p_since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.kept_since(p_user bigint, p_what text, p_since timestamp with time zone) TO evolution_app;

REVOKE ALL ON FUNCTION public.lane_in_doubt(p_user bigint, p_phone bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.lane_in_doubt(p_user bigint, p_phone bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.lane_time(l public.lanes, p_priority integer, p_ready timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.latest_audit(p_before bigint, p_user bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.latest_audit(p_before bigint, p_user bigint, p_limit integer) TO evolution_app;

REVOKE ALL ON FUNCTION public.leave_number() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.leave_placement() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.ledger_bounds(p_user bigint, OUT oldest bigint, OUT last bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.ledger_bounds(p_user bigint, OUT oldest bigint, OUT last bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.left_of_user(p_user bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.left_of_user(p_user bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.lengthen_leases(p_leases uuid[], p_seconds integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.lengthen_leases(p_leases uuid[], p_seconds integer[]) TO evolution_app;

REVOKE ALL ON FUNCTION public.list_unnoted(p_user bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_unnoted(p_user bigint, p_limit integer) TO evolution_app;

REVOKE ALL ON FUNCTION public.list_user_ids(p_after bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_user_ids(p_after bigint, p_limit integer) TO evolution_app;

REVOKE ALL ON FUNCTION public.meet(p_users bigint[], p_phones bigint[], p_addresses text[], p_lids text[], p_names text[], p_pictures text[], p_at timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.meet(p_users bigint[], p_phones bigint[], p_addresses text[], p_lids text[], p_names text[], p_pictures text[], p_at timestamp with time zone[]) TO evolution_app;

REVOKE ALL ON FUNCTION public.node_leftovers(p_node bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.node_leftovers(p_node bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.node_loads() FROM PUBLIC;
GRANT ALL ON FUNCTION public.node_loads() TO evolution_app;

REVOKE ALL ON FUNCTION public.note_connected() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.note_history(p_items jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.note_history(p_items jsonb) TO evolution_app;

REVOKE ALL ON FUNCTION public.note_messages() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.note_opening(p_user bigint, p_phone bigint, p_after interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.note_opening(p_user bigint, p_phone bigint, p_after interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.note_rewording() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.note_turns(p_users bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.note_turns(p_users bigint[]) TO evolution_app;

REVOKE ALL ON FUNCTION public.open_lane(p_user bigint, p_phone bigint, p_open boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.open_lane(p_user bigint, p_phone bigint, p_open boolean) TO evolution_app;

REVOKE ALL ON FUNCTION public.order_audit() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.order_webhook(p_user bigint, p_webhook bigint, p_ordered boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.order_webhook(p_user bigint, p_webhook bigint, p_ordered boolean) TO evolution_app;

REVOKE ALL ON FUNCTION public.pace_lane(p_user bigint, p_phone bigint, p_sending jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.pace_lane(p_user bigint, p_phone bigint, p_sending jsonb) TO evolution_app;

REVOKE ALL ON FUNCTION public.pause_lane(p_user bigint, p_phone bigint, p_paused boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.pause_lane(p_user bigint, p_phone bigint, p_paused boolean) TO evolution_app;

REVOKE ALL ON FUNCTION public.phone_owner(p_phone bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.phone_owner(p_phone bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.phones_of_node(p_node bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.phones_of_node(p_node bigint, p_limit integer) TO evolution_app;

REVOKE ALL ON FUNCTION public.place_check(p_user bigint, p_phone bigint, p_node bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.place_check(p_user bigint, p_phone bigint, p_node bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.queue_deliveries(p_users bigint[], p_deliveries text[], p_webhooks bigint[], p_sequences bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.queue_deliveries(p_users bigint[], p_deliveries text[], p_webhooks bigint[], p_sequences bigint[]) TO evolution_app;

REVOKE ALL ON FUNCTION public.queue_media(p_user bigint, p_media bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.queue_media(p_user bigint, p_media bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.quiet_end(p_timezone text, p_from time without time zone, p_to time without time zone, p_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.quiet_end(p_timezone text, p_from time without time zone, p_to time without time zone, p_at timestamp with time zone) TO evolution_app;

REVOKE ALL ON FUNCTION public.record_events(p_users bigint[], p_ids text[], p_types text[], p_phones bigint[], p_messages bigint[], p_data text[], p_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_events(p_users bigint[], p_ids text[], p_types text[], p_phones bigint[], p_messages bigint[], p_data text[], p_at timestamp with time zone) TO evolution_app;

REVOKE ALL ON FUNCTION public.refresh_lane(p_phone bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refresh_webhook_lane(p_webhook bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.rejoin_lane(p_user bigint, p_phone bigint, p_chat bigint, p_lift boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rejoin_lane(p_user bigint, p_phone bigint, p_chat bigint, p_lift boolean) TO evolution_app;

REVOKE ALL ON FUNCTION public.release_media(p_user bigint, p_media bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.release_media(p_user bigint, p_media bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.remove_phone(p_phone bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.remove_phone(p_phone bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.rename_lid(p_user bigint, p_lid text, p_number text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rename_lid(p_user bigint, p_lid text, p_number text) TO evolution_app;

REVOKE ALL ON FUNCTION public.renew_check(p_phone bigint, p_lease uuid, p_for interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.renew_check(p_phone bigint, p_lease uuid, p_for interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.renew_job(p_job bigint, p_lease uuid, p_for interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.renew_job(p_job bigint, p_lease uuid, p_for interval) TO evolution_app;

REVOKE ALL ON FUNCTION public.take_number(p_user bigint, p_phone bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.take_number(p_user bigint, p_phone bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.trim_events(p_before timestamp with time zone, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.trim_events(p_before timestamp with time zone, p_limit integer) TO evolution_app;

REVOKE ALL ON FUNCTION public.unqueue_webhook(p_user bigint, p_webhook bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.unqueue_webhook(p_user bigint, p_webhook bigint) TO evolution_app;

REVOKE ALL ON FUNCTION public.within_quota(p_work public.acceptance[], p_day date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.within_quota(p_work public.acceptance[], p_day date) TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_keys TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.attempts TO evolution_app;

GRANT USAGE ON SEQUENCE public.attempts_id_seq TO evolution_app;

GRANT SELECT,INSERT ON TABLE public.audit TO evolution_app;

GRANT USAGE ON SEQUENCE public.audit_id_seq TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.bulks TO evolution_app;

GRANT USAGE ON SEQUENCE public.bulks_id_seq TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.chats TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.contacts TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.deliveries TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.erasures TO evolution_app;

GRANT USAGE ON SEQUENCE public.erasures_id_seq TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.event_counters TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.events TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.exports TO evolution_app;

GRANT USAGE ON SEQUENCE public.exports_id_seq TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.group_members TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.groups TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.inbound_facts TO evolution_app;

GRANT USAGE ON SEQUENCE public.jobs_id_seq TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.lids TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.mail_tokens TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.media TO evolution_app;

GRANT USAGE ON SEQUENCE public.media_id_seq TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.media_usage TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.message_timeline TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.messages TO evolution_app;

GRANT USAGE ON SEQUENCE public.messages_id_seq TO evolution_app;

GRANT USAGE ON SEQUENCE public.migrations_id_seq TO evolution_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.moves TO evolution_app;

GRANT USAGE ON SEQUENCE public.moves_id_seq TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.nodes TO evolution_app;

GRANT USAGE ON SEQUENCE public.nodes_id_seq TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.number_checks TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.parked_acks TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.parked_changes TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.phone_numbers TO evolution_app;

GRANT USAGE ON SEQUENCE public.phone_numbers_id_seq TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.placements TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quarantine TO evolution_app;

GRANT USAGE ON SEQUENCE public.quarantine_id_seq TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.recovery_codes TO evolution_app;

GRANT SELECT,INSERT ON TABLE public.sealing_keys TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sessions TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_days TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO evolution_app;

GRANT USAGE ON SEQUENCE public.users_id_seq TO evolution_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.webhooks TO evolution_app;

GRANT USAGE ON SEQUENCE public.webhooks_id_seq TO evolution_app;
