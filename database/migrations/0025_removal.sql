-- A phone that is removed is out of everybody's reach at once, and its number is free; what it said stays as long as other
-- messages do. What its nodes still hold is cleared away in the background, whenever they can be reached.
alter table phone_numbers add column removed_at timestamptz;
-- How its owner wants to pair it. A node gives a code to type only where that was asked for as it began to pair.
alter table phone_numbers add column pairing_method text not null default 'qr' check (pairing_method in ('qr', 'pairingCode'));
alter table placements add column cleared_at timestamptz;  -- ended, and forgotten by its node
create index placements_left on placements (phone_id) where ended_at is not null and cleared_at is null;

drop index phone_numbers_number;
create unique index phone_numbers_number on phone_numbers (user_id, phone_number) where removed_at is null;

-- A row that is written has to be in reach as well, so the one statement that removes it says so.
drop policy tenant on phone_numbers;
create policy tenant on phone_numbers
  using (user_id = any ((select app_user_ids())::bigint[])
         and (removed_at is null or current_setting('app.removed', true) = 'in reach'));

create function remove_phone(p_phone bigint) returns void
  language plpgsql set search_path = public, pg_temp as $$
begin
  perform set_config('app.removed', 'in reach', true);
  update phone_numbers set removed_at = now(), qr = null, qr_expires_at = null, webhook_url = null, updated_at = now()
   where id = p_phone;
  perform set_config('app.removed', '', true);
end
$$;
revoke execute on function remove_phone(bigint) from public;
grant execute on function remove_phone(bigint) to evolution_app;
