-- a help desk: organization_uuid beside integer ids, requesters who are people of one organization, automations, audits
create table organizations (id bigint primary key, uuid uuid not null unique, name text not null);
create table agents (id bigint primary key, email text unique);
create table agent_memberships (agent_id bigint not null references agents, organization_uuid uuid not null references organizations (uuid),
    primary key (organization_uuid, agent_id));
create table requesters (id bigint primary key, organization_uuid uuid not null references organizations (uuid), email text);
create table tickets (id bigint primary key, requester_id bigint not null references requesters, assignee_id bigint references agents,
    merged_into_id bigint references tickets, status_id bigint not null);
create table ticket_statuses (id bigint primary key, name text not null unique);
alter table tickets add foreign key (status_id) references ticket_statuses;
create table ticket_comments (id bigint primary key, ticket_id bigint not null references tickets on delete cascade,
    author_agent_id bigint references agents, body text);
create table ticket_watchers (ticket_id bigint not null references tickets, agent_id bigint not null references agents, primary key (ticket_id, agent_id));
create table macros (id bigint primary key, organization_uuid uuid references organizations (uuid), title text);
create table macro_steps (id bigint primary key, macro_id bigint references macros);
create table articles (id bigint primary key, updated_by bigint references agents, text text);
create table audit_events (id bigint primary key, agent_id bigint references agents, event jsonb);
create table flyway_schema_history (installed_rank integer primary key, version varchar(50), description varchar(200));
