-- What a contact has said elsewhere than in their own chat; and what a user has, where erasures, removals and exports looked
-- through that of all users.
create index messages_of_sender on messages (user_id, from_number) where direction = 'in' and chat <> from_number;
create index inbound_facts_user on inbound_facts (user_id);
create index attempts_user on attempts (user_id, id);
create index quarantine_user on quarantine (user_id, id);
create index audit_order_user on audit_order (user_id);
