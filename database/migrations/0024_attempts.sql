-- What became of Attempts is written for many at once; each lane is looked at once. Returns those whose lease held. Each is
-- found by its id, one by one: as a joined statement, planned while the queue was short, it reads all of a long one.
drop function finish_delivery(bigint, text, uuid, timestamptz);

create function finish_deliveries(p_users bigint[], p_ids text[], p_leases uuid[], p_retry_at timestamptz[])
  returns setof text
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  item record;
  hook bigint;
  hooks bigint[] := '{}';
begin
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
revoke execute on function finish_deliveries(bigint[], text[], uuid[], timestamptz[]) from public;
grant execute on function finish_deliveries(bigint[], text[], uuid[], timestamptz[]) to evolution_app;

-- What a user has in flight: a few rows, however long the queue is.
create index delivery_queue_leased_user on delivery_queue (user_id) where lease_id is not null;

create or replace function claim_deliveries(p_limit integer, p_per_webhook integer, p_per_user integer, p_lease interval)
  returns table (delivery_id text, webhook_id bigint, user_id bigint, lease_id uuid)
  language plpgsql security definer set search_path = public, pg_temp as $$
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
