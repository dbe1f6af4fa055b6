-- E-mail that is confirmed, links by mail, and the second factor.
alter table users
  add column email_verified_at timestamptz,
  add column totp_secret       text,                    -- sealed; set up, and in force once enabled
  add column totp_enabled_at   timestamptz,
  add column totp_step         bigint not null default 0;  -- the last step a code was used of: each works once

-- What a link in a mail brings back. It works once, and the newest of a purpose alone.
create table mail_tokens (
  id          text        primary key,                  -- mt_…
  user_id     bigint      not null references users on delete cascade,
  purpose     text        not null check (purpose in ('confirm', 'reset')),
  email       text        not null,                     -- where it was sent; confirmed with it
  hash        bytea       not null,
  created_at  timestamptz not null default now(),
  expires_at  timestamptz not null
);
create index mail_tokens_user on mail_tokens (user_id, purpose);
create index mail_tokens_expires on mail_tokens (expires_at);

-- For who lost what makes the codes. Each works once.
create table recovery_codes (
  user_id  bigint not null references users on delete cascade,
  hash     bytea  not null,
  used_at  timestamptz,
  primary key (user_id, hash)
);

do $$
declare
  t text;
begin
  foreach t in array array['mail_tokens', 'recovery_codes'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy tenant on %I using (user_id = any ((select app_user_ids())::bigint[]))', t);
    execute format('create policy limited on %I as restrictive using ((select app_phone_ids()) is null)', t);
    execute format('grant select, insert, update, delete on %I to evolution_app', t);
  end loop;
end
$$;

alter table sessions drop constraint sessions_revoked_why_check;
alter table sessions add check (revoked_why in
  ('signed_out', 'refresh_reused', 'password_changed', 'password_reset', 'all_signed_out'));
create index sessions_place on sessions (user_id, ip);
