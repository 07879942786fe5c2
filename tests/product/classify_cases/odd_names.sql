-- names that want quotes, a tenant's key by no name at all, a device's own tables, and a migration's table that is none
create table "App" ("Key" text primary key, "Name" text);
create table "yes" ("on" text primary key, "null" text not null references "App");
create table "1" (id text primary key, "no" text not null references "yes" on delete cascade);
create table "two words" (id text primary key, "the app" text not null references "App");
create table "dot.ted" (id text primary key, "App_Key" text not null references "App");
create table "under dots" (id text primary key, "a.b" text not null references "dot.ted");
create table "quo""te: {x}" (id text primary key, "App_Key" text references "App");
create table "st*r" (id text primary key, "App_Key" text not null references "App");
create table migrations (id text primary key, "App_Key" text not null references "App", bird text);
create table sync_nodes (id text primary key, node text unique);
create table sync_events (id text primary key, node_id text not null references sync_nodes on delete cascade);
create table "App_settings" ("App_Key" text primary key references "App", value text);
