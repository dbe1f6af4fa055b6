-- What the types of messages need beside their content.

alter table messages
  add column whatsapp_key jsonb,                        -- WhatsApp's own name, where it does not follow from chat and id
  add column lid          text,                         -- of who said it, where WhatsApp gave one
  add column edited_at    timestamptz,
  add column deleted_at   timestamptz;                  -- deleted for everyone; the content is kept

-- What is to be marked as read, of a chat.
create index messages_unread on messages (phone_number_id, chat_key, id) where status = 'received';

-- Edits and deletions that came before the message they speak of.
create table parked_changes (
  user_id      bigint      not null,
  phone_id     bigint      not null,
  whatsapp_id  text        not null,
  kind         text        not null check (kind in ('edited', 'deleted')),
  content      text,
  at           timestamptz not null,
  primary key (phone_id, whatsapp_id, kind),
  foreign key (user_id, phone_id) references phone_numbers (user_id, id) on delete cascade
);
create index parked_changes_at on parked_changes (at);

alter table parked_changes enable row level security;
alter table parked_changes force row level security;
create policy tenant on parked_changes using (user_id = any ((select app_user_ids())::bigint[]));
grant select, insert, update, delete on parked_changes to evolution_app;
