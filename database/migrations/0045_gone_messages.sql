-- A repetition whose message is no longer kept (it was erased, or is past its time) is answered too, as gone: every draft of a
-- batch has its answer, or those behind it would be given each other's.
create or replace function accept_messages(p_batch jsonb) RETURNS TABLE(n integer, outcome text, phone_status text, id bigint, phone_id bigint, chat text, from_number text, to_number text, type text, content text, payload jsonb, priority smallint, media_id bigint, send_at timestamp with time zone, created_at timestamp with time zone, expires_at timestamp with time zone, day_left bigint)
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
