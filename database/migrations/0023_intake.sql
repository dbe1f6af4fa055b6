-- What nodes tell of people is kept for many posts at once; of two facts the later one counts, whichever is named first.
drop function meet(bigint, bigint, jsonb);

create function meet(p_users bigint[], p_phones bigint[], p_addresses text[], p_lids text[], p_names text[],
                     p_pictures text[], p_at timestamptz[]) returns void
  language plpgsql set search_path = public, pg_temp as $$
declare
  fresh record;
begin
  if exists (select 1 from unnest(p_lids) as l where l is not null) then
    for fresh in
      with learned as (
        insert into lids (user_id, lid, number)
        select distinct on (p.usr, p.lid) p.usr, p.lid, p.address
          from unnest(p_users, p_addresses, p_lids) as p (usr, address, lid)
         where p.lid is not null and p.address like '+%' order by p.usr, p.lid, p.address
        on conflict (user_id, lid) do nothing returning user_id, lid, number)
      select * from learned order by user_id, lid
    loop
      perform rename_lid(fresh.user_id, fresh.lid, fresh.number);
    end loop;
  end if;

  insert into contacts as c (user_id, phone_id, address, lid, name, name_at, picture, picture_at)
  select p.usr, p.phone, p.address,
         coalesce(min(p.lid), (select min(l.lid) from lids l where l.user_id = p.usr and l.number = p.address)),
         (array_agg(p.name order by p.at desc, p.name desc) filter (where p.name is not null))[1],
         coalesce(max(p.at) filter (where p.name is not null), '-infinity'),
         (array_agg(p.picture order by p.at desc, p.picture desc) filter (where p.picture is not null))[1],
         coalesce(max(p.at) filter (where p.picture is not null), '-infinity')
    from unnest(p_users, p_phones, p_addresses, p_lids, p_names, p_pictures, p_at)
         as p (usr, phone, address, lid, name, picture, at)
   where p.name is not null or p.picture is not null
   group by p.usr, p.phone, p.address order by p.phone, p.address
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

revoke execute on all functions in schema public from public;
grant execute on function meet(bigint[], bigint[], text[], text[], text[], text[], timestamptz[]) to evolution_app;
