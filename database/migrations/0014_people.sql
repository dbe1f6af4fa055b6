-- Who is who: contacts, groups, and which hidden address (LID) is whose number.
--
-- Facts come in any order, early, late and more than once. So everything here has the time of the fact it comes from, and
-- what comes later in time wins, not what comes later to us; of two facts of one time the greater value.

-- Of all the user's phones: WhatsApp gives an account one LID, whoever asks.
create table lids (
  user_id  bigint not null references users on delete cascade,
  lid      text   not null,                             -- lid:…
  number   text   not null,                             -- E.164 with +
  primary key (user_id, lid)
);

create table contacts (
  user_id     bigint      not null,
  phone_id    bigint      not null,
  address     text        not null,                     -- E.164, or lid:… while no number is known
  lid         text,
  name        text,                                     -- as they call themselves
  name_at     timestamptz not null default '-infinity',
  picture     text,
  picture_at  timestamptz not null default '-infinity',
  primary key (phone_id, address),
  foreign key (user_id, phone_id) references phone_numbers (user_id, id) on delete cascade
);
create index contacts_lid on contacts (user_id, address) where address like 'lid:%';

create table groups (
  user_id         bigint      not null,
  phone_id        bigint      not null,
  chat            text        not null,                 -- group:…
  subject         text,
  subject_at      timestamptz not null default '-infinity',
  description     text,
  description_at  timestamptz not null default '-infinity',
  owner           text,
  owner_at        timestamptz not null default '-infinity',
  members_at      timestamptz not null default '-infinity', -- all members were told then: who is not of then or later has left
  primary key (phone_id, chat),
  foreign key (user_id, phone_id) references phone_numbers (user_id, id) on delete cascade
);

-- Whoever was ever told to be in a group, or to have left it.
create table group_members (
  user_id   bigint      not null,
  phone_id  bigint      not null,
  chat      text        not null,
  address   text        not null,
  role      text        not null check (role in ('gone', 'member', 'admin', 'owner')),
  at        timestamptz not null,
  primary key (phone_id, chat, address),
  foreign key (user_id, phone_id) references phone_numbers (user_id, id) on delete cascade
);
create index group_members_lid on group_members (user_id, address) where address like 'lid:%';

-- Messages in shared chats of somebody whose number is not known yet.
create index messages_of_lid on messages (user_id, from_number) where from_number like 'lid:%';

-- A LID's number was learned: all that was stored under the LID goes under the number. What is still to be sent, or in
-- doubt, keeps its chat, as lanes go by it. The caller's tenant context applies.
create function rename_lid(p_user bigint, p_lid text, p_number text) returns void
  language plpgsql set search_path = public, pg_temp as $$
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

-- People a post of one phone tells of. p_people: a JSON array of {address, lid, name, picture, at}, one an address; what
-- was not told is null. Whose number was not known before is renamed wherever the LID was ever stored.
create function meet(p_user bigint, p_phone bigint, p_people jsonb) returns void
  language plpgsql set search_path = public, pg_temp as $$
declare
  fresh record;
begin
  for fresh in
    with learned as (
      insert into lids (user_id, lid, number)
      select distinct on (p.lid) p_user, p.lid, p.address
        from jsonb_to_recordset(p_people) as p (address text, lid text)
       where p.lid is not null and p.address like '+%' order by p.lid, p.address
      on conflict (user_id, lid) do nothing returning lid, number)
    select lid, number from learned order by lid
  loop
    perform rename_lid(p_user, fresh.lid, fresh.number);
  end loop;

  insert into contacts as c (user_id, phone_id, address, lid, name, name_at, picture, picture_at)
  select p_user, p_phone, p.address,
         coalesce(p.lid, (select min(l.lid) from lids l where l.user_id = p_user and l.number = p.address)),
         p.name, case when p.name is null then '-infinity' else p.at end,
         p.picture, case when p.picture is null then '-infinity' else p.at end
    from jsonb_to_recordset(p_people) as p (address text, lid text, name text, picture text, at timestamptz)
   where p.name is not null or p.picture is not null order by p.address
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
create index lids_number on lids (user_id, number);

do $$
declare
  name text;
begin
  foreach name in array array['lids', 'contacts', 'groups', 'group_members']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy tenant on %I using (user_id = any ((select app_user_ids())::bigint[]))', name);
    execute format('grant select, insert, update, delete on %I to evolution_app', name);
  end loop;
end
$$;

-- What is known of a placement's connection, in the order of the node's clock: facts come in any order, and what they make
-- of a phone depends on theirs.
alter table placements add column connection_facts jsonb not null default '[]';

revoke execute on all functions in schema public from public;
grant execute on function rename_lid(bigint, text, text), meet(bigint, bigint, jsonb) to evolution_app;
