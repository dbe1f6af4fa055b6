-- An erasure can be asked after, and tells of nobody once it has ended.
alter table erasures
  alter column contact drop not null,
  add column ended_at timestamptz,
  add check ((contact is null) = (ended_at is not null));
