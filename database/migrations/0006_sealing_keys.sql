-- Which JWT_SECRETs this database's secrets are sealed under, by the id that each sealed text carries (it tells nothing of
-- the secret). A process that was given another secret learns it at its start, not at somebody's sign-in.

create table sealing_keys (
  id         text        primary key,
  created_at timestamptz not null default now()
);
grant select, insert on sealing_keys to evolution_app;
