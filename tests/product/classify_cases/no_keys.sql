-- an application without any foreign key: names are all there is
create table companies (id bigint primary key, name text);
create table users (id bigint primary key, email text unique);
create table company_users (company_id bigint not null, user_id bigint not null, primary key (company_id, user_id));
create table invoices (id bigint primary key, company_id bigint not null, customer_id integer);
create table customers (id integer primary key, company_id bigint);
create table invoice_lines (id bigint primary key, invoice_id bigint not null, product_id bigint);
create table products (id bigint primary key, company_id bigint not null, tax_id bigint);
create table taxes (id bigint primary key, name text unique);
create table comments (id bigint primary key, commentable_type text, commentable_id bigint, user_id bigint);
create table migrations (id serial primary key, migration varchar(255), batch integer);
create table failed_jobs (id bigint primary key, payload text);
