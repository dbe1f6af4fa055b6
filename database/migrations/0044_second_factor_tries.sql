-- Codes that were tried of a second factor by who knows the password, within a window that begins with the first of them.
alter table users
  add column totp_tries       integer     not null default 0,
  add column totp_tried_since timestamptz;

alter table sessions drop constraint sessions_revoked_why_check;
alter table sessions add check (revoked_why in
  ('signed_out', 'refresh_reused', 'password_changed', 'password_reset', 'all_signed_out', 'disabled', 'removed'));
