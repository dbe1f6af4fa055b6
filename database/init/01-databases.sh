#!/bin/sh
# Run once by the PostgreSQL image, on an empty volume: a database for the gateway and one for the nodes, each owned by
# a role of its own. The gateway's role may create the role it works as (`evolution_app`), and is no superuser.
set -eu
psql -v ON_ERROR_STOP=1 -v gateway="$DB_PASSWORD" -v nodes="$NODES_DB_PASSWORD" \
  -U "$POSTGRES_USER" -d postgres <<'SQL'
create role evolution_user login createrole nosuperuser password :'gateway';
create database evolution_api owner evolution_user;
create role evolution_nodes login nosuperuser password :'nodes';
create database evolution_nodes owner evolution_nodes;
revoke connect on database evolution_api, evolution_nodes from public;
grant connect on database evolution_api to evolution_user;
grant connect on database evolution_nodes to evolution_nodes;
SQL
