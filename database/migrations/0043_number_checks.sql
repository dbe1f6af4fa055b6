-- What each phone was told of a number, by itself: whoever is limited to some phones can neither see nor change what others were
-- told, so that of one row for all of a user's phones they were refused. A gateway of before cannot ask about numbers from here on.
alter table number_checks drop constraint number_checks_pkey, add primary key (user_id, number, phone_id);
