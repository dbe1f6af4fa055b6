-- Reading: lists that any filter finds by an index, the chats of a phone, and search by words.

-- Lists go by (created_at, id), newest first. A list without a direction is two ordered reads merged, one a direction,
-- so that one index serves it with and without. Every equality a list can ask for stands before the time, so that a page
-- is a range of an index whatever the cursor, `since` and `until` say. The user is named beside the policy: a set of
-- users, as the policy has it, would lose the order.
drop index messages_of_user;
drop index messages_of_phone;
create index messages_by_user on messages (user_id, direction, created_at, id);
create index messages_by_phone on messages (user_id, phone_number_id, direction, created_at, id);
create index messages_by_chat on messages (user_id, chat_key, direction, created_at, id);
create index messages_by_status on messages (user_id, status, direction, created_at, id);
create index messages_by_type on messages (user_id, type, direction, created_at, id);

-- Of most statuses it follows which way a message went: a list by one of them has no other direction to look at.
alter table messages add constraint messages_status_direction
  check (case direction when 'in' then status in ('received', 'read', 'played') else status <> 'received' end);

-- A row per chat of a phone: finding a phone's latest chats among its messages would read them all where one chat is
-- loud. What is received, or typed on the phone, is noted by the statement that stores it; what is accepted from the
-- API is noted after acceptance, from the queue below, since noting it there costs acceptance a fifth of its time in the
-- database.
create table chats (
  user_id          bigint      not null,
  phone_id         bigint      not null,
  chat             text        not null,
  last_message_id  bigint      not null,
  last_at          timestamptz not null,
  unread           integer     not null default 0,      -- received since the last read mark, or word typed on the phone
  primary key (phone_id, chat),
  foreign key (user_id, phone_id) references phone_numbers (user_id, id) on delete cascade
);
create index chats_latest on chats (user_id, phone_id, last_at, last_message_id);
alter table chats enable row level security;
alter table chats force row level security;
create policy tenant on chats using (user_id = any ((select app_user_ids())::bigint[]));
grant select, insert, update, delete on chats to evolution_app;

-- The words of each message, as hashes seeded with its user: under row-level security an index on the text itself could
-- not be used (its operators might leak, so the policy goes first), and seeded hashes make each user's words its own.
-- Ids and hashes only; no policy and no grant: reached through the functions below. No reference: it would hold the rows
-- of messages that are being sent, for as long as a batch of others is indexed. They go by a trigger instead.
create table message_words (
  message_id  bigint      primary key,
  user_id     bigint      not null,
  words       bigint[]    not null
);
create index message_words_words on message_words using gin (words);

-- Messages that chats and words do not know of yet. Ids only; no policy and no grant. No reference either: it would
-- cost every acceptance, and an id without a message is merely taken off.
create table history_queue (
  message_id  bigint primary key,
  user_id     bigint not null
);

-- Runs in the statement that stores messages, whose context applies.
create function note_messages() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
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
create trigger messages_noted after insert on messages
  referencing new table as fresh for each statement execute function note_messages();

create function note_rewording() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into history_queue (user_id, message_id) values (new.user_id, new.id) on conflict do nothing;
  return null;
end
$$;
create trigger messages_reworded after update of content on messages
  for each row when (old.content is distinct from new.content) execute function note_rewording();

create function forget_words() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  delete from message_words w using gone g where w.message_id = g.id;
  return null;
end
$$;
create trigger messages_forgotten after delete on messages
  referencing old table as gone for each statement execute function forget_words();

-- The next messages to note: of one user, or (null) of whoever. Ids only; they are read in their tenants' context.
create function list_unnoted(p_user bigint, p_limit integer) returns table (user_id bigint, message_id bigint)
  language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
  if p_user is null then
    return query select q.user_id, q.message_id from history_queue q order by q.message_id limit p_limit;
  else
    return query select q.user_id, q.message_id from history_queue q where q.user_id = p_user
                  order by q.message_id limit p_limit;
  end if;
end
$$;

create function hash_words(p_user bigint, p_words jsonb) returns bigint[]
  language sql immutable parallel safe
  as $$ select coalesce(array_agg(distinct hashtextextended(w, p_user)), '{}') from jsonb_array_elements_text(p_words) w $$;

-- Notes messages of the users in context, p_items: a JSON array of {id, userId, words}. Of two that are given the same
-- message, the second waits for the first and finds nothing to do.
create function note_history(p_items jsonb) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
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

-- Which of these messages, all of one user in context, have all these words.
create function having_words(p_user bigint, p_ids bigint[], p_words jsonb) returns setof bigint
  language sql stable security definer set search_path = public, pg_temp as $$
  select w.message_id from message_words w
   where w.message_id = any (p_ids) and w.user_id = p_user and p_user = any (app_user_ids())
     and w.words @> hash_words(p_user, p_words)
$$;

-- All messages of one user in context that have all these words. The planner is kept from reading the whole table
-- where it thinks a word common.
create function find_words(p_user bigint, p_words jsonb) returns setof bigint
  language sql stable security definer set search_path = public, pg_temp set enable_seqscan = off as $$
  select w.message_id from message_words w
   where w.words @> hash_words(p_user, p_words) and w.user_id = p_user and p_user = any (app_user_ids())
$$;

-- What was stored before this migration.
do $$
begin
  perform set_config('app.user_ids', (select array_agg(distinct user_id) from credentials)::text, true);
  insert into chats (user_id, phone_id, chat, last_message_id, last_at)
  select distinct on (m.phone_number_id, m.chat) m.user_id, m.phone_number_id, m.chat, m.id, m.created_at
    from messages m order by m.phone_number_id, m.chat, m.created_at desc, m.id desc;
  insert into history_queue (user_id, message_id) select m.user_id, m.id from messages m where m.content is not null;
end
$$;

revoke execute on all functions in schema public from public;
grant execute on function
  list_unnoted(bigint, integer), note_history(jsonb), having_words(bigint, bigint[], jsonb), find_words(bigint, jsonb)
  to evolution_app;
