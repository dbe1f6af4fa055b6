-- Nodes that an admin adds beside those of the settings, how much each takes, and what is known of its insides.
alter table nodes
  add column origin      text    not null default 'settings' check (origin in ('settings', 'admin')),
  add column weight      numeric not null default 1 check (weight > 0),  -- its share of the phones, beside the others'
  add column capacity    integer check (capacity >= 0),                  -- null: no limit
  add column api_key     text,                                           -- sealed; null: that of the settings
  add column version     text,
  add column client_name text,
  add column held        integer,                                        -- how many numbers its process holds, as its metrics say
  add column details_at  timestamptz;

alter table moves drop constraint moves_why_check;
alter table moves add constraint moves_why_check check (why in ('node_lost', 'draining', 'asked', 'rebalance', 'deaf'));

-- Some of the phones that live on a node: ids only; what is done to them is done in their users' own contexts.
create function phones_of_node(p_node bigint, p_limit integer) returns table (phone_id bigint, user_id bigint)
  language sql stable security definer set search_path = public, pg_temp
  as $$ select c.phone_id, c.user_id from phone_checks c where c.node_id = p_node order by c.phone_id desc limit p_limit $$;

-- Which phone holds a number: the first that was paired with it, until it is logged out, refused or removed. Hashes only, as
-- it goes across tenants; a number that is only claimed reserves nothing.
create table paired_numbers (
  number_hash bytea  primary key,
  user_id     bigint not null,
  phone_id    bigint not null unique references phone_numbers on delete cascade
);

-- Whether the phone holds its number from now on.
create function take_number(p_user bigint, p_phone bigint) returns boolean
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  hash bytea;
begin
  select sha256(convert_to(phone_number, 'UTF8')) into hash from phone_numbers where id = p_phone and user_id = p_user;
  insert into paired_numbers (number_hash, user_id, phone_id) values (hash, p_user, p_phone) on conflict do nothing;
  return exists (select from paired_numbers where number_hash = hash and phone_id = p_phone);
end
$$;

-- Whether a phone of another user holds the number.
create function is_number_taken(p_user bigint, p_number text) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from paired_numbers
                        where number_hash = sha256(convert_to(p_number, 'UTF8')) and user_id <> p_user) $$;

create function leave_number() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  delete from paired_numbers where phone_id = new.id;
  return null;
end
$$;
create trigger phone_numbers_left after update of status, removed_at on phone_numbers
  for each row when (new.removed_at is not null or new.status in ('logged_out', 'banned', 'mismatch', 'conflict'))
  execute function leave_number();

do $$
begin
  -- Every user's rows, once: there is no context yet that has them all.
  alter table phone_numbers no force row level security;
  insert into paired_numbers (number_hash, user_id, phone_id)
  select distinct on (phone_number) sha256(convert_to(phone_number, 'UTF8')), user_id, id from phone_numbers
   where is_connected and removed_at is null order by phone_number, id;
  alter table phone_numbers force row level security;
end
$$;

revoke execute on function phones_of_node(bigint, integer), take_number(bigint, bigint), is_number_taken(bigint, text),
  leave_number() from public;
grant execute on function phones_of_node(bigint, integer), take_number(bigint, bigint), is_number_taken(bigint, text)
  to evolution_app;
