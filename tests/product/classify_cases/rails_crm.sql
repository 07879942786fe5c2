-- a customer relationship manager in the style of Rails: account_id, join models, has_secure_token, schema_migrations
create table accounts (id bigserial primary key, name varchar not null, subdomain varchar unique);
create table users (id bigserial primary key, email varchar not null unique, current_account_id bigint references accounts);
create table account_users (
    id bigserial primary key, account_id bigint not null references accounts, user_id bigint not null references users,
    invited_by_id bigint references users, role varchar, unique (account_id, user_id));
create table companies (id bigserial primary key, account_id bigint not null references accounts, name varchar,
    parent_id bigint references companies, owner_id bigint references users);
create table contacts (id bigserial primary key, account_id bigint not null references accounts,
    company_id bigint references companies, assigned_to_id bigint references users);
create table deals (id bigserial primary key, company_id bigint not null references companies, stage_id bigint not null);
create table stages (id bigserial primary key, name varchar not null unique);
alter table deals add foreign key (stage_id) references stages;
create table notes (id bigserial primary key, notable_type varchar not null, notable_id bigint not null,
    author_id bigint not null references users, body text);
create table taggings (id bigserial primary key, tag_id bigint not null, taggable_type varchar, taggable_id bigint);
create table tags (id bigserial primary key, account_id bigint not null references accounts, name varchar);
alter table taggings add foreign key (tag_id) references tags on delete cascade;
create table api_tokens (id bigserial primary key, user_id bigint not null references users on delete cascade);
create table active_storage_blobs (id bigserial primary key, key varchar not null unique, created_at timestamptz);
create table active_storage_attachments (id bigserial primary key, name varchar, record_type varchar not null,
    record_id bigint not null, blob_id bigint not null references active_storage_blobs);
create table schema_migrations (version varchar primary key);
create table ar_internal_metadata (key varchar primary key, value varchar);
