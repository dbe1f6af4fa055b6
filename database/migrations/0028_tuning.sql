-- How a phone behaves, and through what it reaches WhatsApp. `tuning` counts the changes of both, `told_tuning` says which of
-- them its node was told of.
alter table phone_numbers
  add column settings     jsonb       not null default '{}',
  add column proxy        jsonb,                          -- its password sealed
  add column tuning       integer     not null default 0,
  add column proxy_tuning integer     not null default 0, -- its value when the proxy changed last
  add column told_tuning  integer     not null default 0,
  add column tuning_fault text,                           -- why its node did not take the last change
  add column people_at    timestamptz;                    -- when its groups and contacts were last read from its node

-- Which numbers are on WhatsApp, as a user's phones were told: asked again only after a while, and not too fast.
create table number_checks (
  user_id        bigint      not null,
  number         text        not null,                    -- E.164
  phone_id       bigint      not null,                    -- that asked last
  is_on_whatsapp boolean,                                 -- null: asked, and not answered
  checked_at     timestamptz not null default now(),
  primary key (user_id, number),
  foreign key (user_id, phone_id) references phone_numbers (user_id, id) on delete cascade
);
create index number_checks_phone on number_checks (phone_id, checked_at);
alter table number_checks enable row level security;
alter table number_checks force row level security;
create policy tenant on number_checks using (user_id = any ((select app_user_ids())::bigint[]));
grant select, insert, update, delete on number_checks to evolution_app;
