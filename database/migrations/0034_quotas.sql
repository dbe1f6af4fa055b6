-- How much a user may have, and how long what they have is kept; what is not said here is as the gateway's settings say.
alter table users
  add column quotas    jsonb not null default '{}',      -- {"phones": 5, "messagesPerDay": 1000, "mediaBytes": 1073741824}; 0: as many as they like
  add column kept_days jsonb not null default '{}';      -- {"messages": 30, "media": 7, "events": 14}: never longer than the gateway's

-- How many messages were accepted on a day (UTC), of users whose number is limited.
create table usage_days (
  user_id   bigint not null references users on delete cascade,
  day       date   not null,
  messages  bigint not null default 0,
  primary key (user_id, day)
);
alter table usage_days enable row level security;
alter table usage_days force row level security;
create policy tenant on usage_days using (user_id = any ((select app_user_ids())::bigint[]));
grant select, insert, update, delete on usage_days to evolution_app;

-- Before when a user's things of a kind are past their time: after the gateway's moment where their own days are fewer.
create function kept_since(p_user bigint, p_what text, p_since timestamptz) returns timestamptz
  language sql stable set search_path = public, pg_temp
  as $$ select greatest(p_since, now() - (select (kept_days->>p_what)::integer from users where id = p_user) * interval '1 day') $$;

create or replace function trim_events(p_before timestamptz, p_limit integer) returns integer
  language sql set search_path = public, pg_temp as $$
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

revoke execute on function kept_since(bigint, text, timestamptz) from public;
grant execute on function kept_since(bigint, text, timestamptz) to evolution_app;
