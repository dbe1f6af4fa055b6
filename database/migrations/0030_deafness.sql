-- When a phone from which nothing came was asked whether it is alive, and how often in a row it was not.
alter table phone_numbers
  add column probed_at     timestamptz,
  add column failed_probes integer not null default 0;
