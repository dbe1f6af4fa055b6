-- Which fields a change named, so that disabling somebody and giving them more phones can be told apart. Names alone: a value
-- may be a secret.
alter table audit add column fields text[] not null default '{}';
