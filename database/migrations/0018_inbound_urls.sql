-- What each node was told to post to, so that a gateway that is to be posted to elsewhere notices and tells it anew.
alter table placements add column inbound_url text;     -- null: from before this was kept
