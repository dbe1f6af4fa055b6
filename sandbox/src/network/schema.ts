/**
 * The simulated WhatsApp: what its servers would know, in a schema of its own beside the nodes' tables, so that it
 * outlives every node. `relay` and `post` put envelopes into devices' mailboxes and tell the node that holds the
 * device; `open` gives a device to one socket and tells the one that had it.
 */
export const networkSchema = `
create schema if not exists whatsapp;

create table if not exists whatsapp.account (
  number text primary key,
  online boolean not null default false,
  banned boolean not null default false
);
create table if not exists whatsapp.device (
  key text primary key,
  number text not null,
  slot integer not null,
  removed integer,
  socket text,
  node text,
  linked_at timestamptz not null default now(),
  opened_at timestamptz
);
create index if not exists device_number on whatsapp.device (number) where removed is null;
create index if not exists device_node on whatsapp.device (node);

create table if not exists whatsapp.ledger (
  seq bigserial primary key,
  at timestamptz not null default clock_timestamp(),
  kind text not null,
  sender text not null,
  recipient text,
  chat text,
  message_id text,
  type text,
  text text,
  message jsonb,
  instance text,
  node text
);
create index if not exists ledger_message on whatsapp.ledger (message_id);

create table if not exists whatsapp.envelope (
  id bigserial primary key,
  device text not null references whatsapp.device (key) on delete cascade,
  due timestamptz not null,
  kind text not null,
  payload jsonb not null
);
create index if not exists envelope_device on whatsapp.envelope (device);
create index if not exists envelope_due on whatsapp.envelope (due);

create table if not exists whatsapp.groups (
  jid text primary key,
  info jsonb not null,
  members jsonb not null,
  invite_code text not null
);
create table if not exists whatsapp.media (
  path text primary key,
  mimetype text not null,
  bytes bytea not null,
  at timestamptz not null default now()
);

create or replace function whatsapp.tell(mail jsonb, from_node text) returns void language plpgsql as $fn$
declare told record;
begin
  for told in
    select m.node, jsonb_agg(m.id) as ids
      from (select x.node, x.id, (row_number() over (partition by x.node) - 1) / 300 as part
              from jsonb_to_recordset(mail) as x(id bigint, node text) where x.node <> from_node) m
     group by m.node, m.part
  loop
    perform pg_notify('whatsapp', jsonb_build_object('node', told.node, 'mail', told.ids)::text);
  end loop;
end $fn$;

create or replace function whatsapp.relay(batch jsonb, from_node text) returns jsonb language plpgsql as $fn$
declare result jsonb;
begin
  -- One writer at a time: the order of the ledger is the order in which the network took things.
  perform pg_advisory_xact_lock(hashtext('whatsapp.ledger'));
  with item as materialized (
    select * from jsonb_to_recordset(batch) as x(
      n integer, device text, socket text, instance text, kind text, sender text, recipient text, members jsonb,
      chat text, "messageId" text, type text, text text, message jsonb, delivery jsonb, companion jsonb, ack jsonb, simulated jsonb)
  ), live as materialized (
    select i.*, nextval('whatsapp.ledger_seq_seq') as seq from (
      select item.* from item left join whatsapp.device d on d.key = item.device
       where item.device is null or (d.socket = item.socket and d.removed is null) order by item.n) i
  ), entry as (
    insert into whatsapp.ledger (seq, kind, sender, recipient, chat, message_id, type, text, message, instance, node)
    select seq, kind, sender, recipient, chat, "messageId", type, text, message, instance, from_node from live order by seq
  ), target as materialized (
    select l.n, d.key, l.delivery as payload, true as reached
      from live l join whatsapp.device d on d.number = l.recipient and d.removed is null and d.key is distinct from l.device
     where l.delivery is not null and l.members is null
    union all
    select l.n, d.key, l.delivery, true
      from live l cross join lateral jsonb_array_elements_text(l.members) as m(number)
      join whatsapp.device d on d.number = m.number and d.removed is null and d.key is distinct from l.device
     where l.delivery is not null and m.number <> l.sender
    union all
    select l.n, d.key, l.companion, false
      from live l join whatsapp.device d on d.number = l.sender and d.removed is null and d.key is distinct from l.device
     where l.companion is not null
  ), plan as (
    select t.n, t.key as device, 0 as after_ms, 'message' as kind, t.payload from target t
    union all
    select l.n, l.device, s."afterMs", s.kind, s.payload
      from live l cross join lateral jsonb_to_recordset(l.simulated) as s("afterMs" integer, kind text, payload jsonb)
     where not exists (select from target t where t.n = l.n and t.reached)
    union all
    select l.n, l.device, 20, 'ack', l.ack || '{"status": "SERVER_ACK"}'
      from live l join whatsapp.account a on a.number = l.sender and a.online where l.ack is not null
    union all
    select l.n, l.device, 30, 'ack', l.ack || '{"status": "DELIVERY_ACK"}'
      from live l join whatsapp.account a on a.number = l.recipient and a.online
     where l.ack is not null and exists (select from target t where t.n = l.n and t.reached)
  ), posted as (
    insert into whatsapp.envelope (device, due, kind, payload)
    select device, clock_timestamp() + make_interval(secs => after_ms / 1000.0), kind, payload from plan order by n, after_ms
    returning id, device, due, kind, payload
  )
  select jsonb_build_object(
    'taken', coalesce((select jsonb_object_agg(n, seq) from live), '{}'),
    'mail', coalesce((select jsonb_agg(jsonb_build_object('id', p.id, 'device', p.device, 'node', d.node,
        'due', extract(epoch from p.due) * 1000, 'kind', p.kind, 'payload', p.payload) order by p.id)
      from posted p join whatsapp.device d on d.key = p.device), '[]')) into result;
  perform whatsapp.tell(result -> 'mail', from_node);
  return result;
end $fn$;

create or replace function whatsapp.post(batch jsonb, from_node text) returns jsonb language plpgsql as $fn$
declare result jsonb;
begin
  with item as materialized (
    select * from jsonb_to_recordset(batch) as x(n integer, device text, number text, "afterMs" integer, kind text, payload jsonb)
  ), posted as (
    insert into whatsapp.envelope (device, due, kind, payload)
    select d.key, clock_timestamp() + make_interval(secs => coalesce(i."afterMs", 0) / 1000.0), i.kind, i.payload
      from item i join whatsapp.device d
        on (d.key = i.device or (i.device is null and d.number = i.number)) and d.removed is null
     order by i.n
    returning id, device, due, kind, payload
  )
  select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'device', p.device, 'node', d.node,
      'due', extract(epoch from p.due) * 1000, 'kind', p.kind, 'payload', p.payload) order by p.id), '[]')
    into result from posted p join whatsapp.device d on d.key = p.device;
  perform whatsapp.tell(result, from_node);
  return result;
end $fn$;

create or replace function whatsapp.open(batch jsonb, from_node text) returns jsonb language plpgsql as $fn$
declare item record; old record; result jsonb := '[]';
begin
  for item in select * from jsonb_to_recordset(batch) as x(key text, socket text) order by key loop
    select d.socket, d.number, d.removed, coalesce(a.banned, false) as banned into old
      from whatsapp.device d left join whatsapp.account a on a.number = d.number where d.key = item.key for update of d;
    if not found or old.removed is not null then
      result := result || jsonb_build_object('code', coalesce(old.removed, 401));
    elsif old.banned then
      result := result || '{"code": 403}';
    else
      update whatsapp.device set socket = item.socket, node = from_node, opened_at = now() where key = item.key;
      if old.socket is not null and old.socket <> item.socket then
        perform pg_notify('whatsapp', jsonb_build_object('kick', old.socket, 'code', 440)::text);
      end if;
      result := result || jsonb_build_object('number', old.number);
    end if;
  end loop;
  return result;
end $fn$;

create or replace function whatsapp.remove(device_key text, reason integer) returns void language plpgsql as $fn$
declare old record;
begin
  select socket into old from whatsapp.device where key = device_key and removed is null for update;
  if not found then return; end if;
  update whatsapp.device set removed = reason, socket = null, node = null where key = device_key;
  delete from whatsapp.envelope where device = device_key;
  if old.socket is not null then
    perform pg_notify('whatsapp', jsonb_build_object('kick', old.socket, 'code', reason)::text);
  end if;
end $fn$;
`;
