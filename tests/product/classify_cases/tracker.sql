-- a project tracker: workspaces above projects above issues, everything also says its workspace, teams of people
create table workspaces (id uuid primary key, name text not null, created_by_id uuid not null);
create table users (id uuid primary key, email text not null unique, last_workspace_id uuid references workspaces);
alter table workspaces add foreign key (created_by_id) references users;
create table workspace_members (id uuid primary key, workspace_id uuid not null references workspaces, member_id uuid not null references users,
    unique (workspace_id, member_id));
create table projects (id uuid primary key, workspace_id uuid not null references workspaces, lead_id uuid references users,
    default_assignee_id uuid references users);
create table states (id uuid primary key, project_id uuid not null references projects, name text, unique (project_id, name));
create table issues (id uuid primary key, project_id uuid not null references projects, workspace_id uuid not null references workspaces,
    parent_id uuid references issues, state_id uuid references states, created_by_id uuid references users);
create table issue_assignees (issue_id uuid not null references issues, assignee_id uuid not null references users, primary key (issue_id, assignee_id));
create table issue_comments (id uuid primary key, issue_id uuid not null references issues on delete cascade, actor_id uuid references users);
create table issue_relations (id uuid primary key, issue_id uuid not null references issues, related_issue_id uuid not null references issues);
create table cycles (id uuid primary key, project_id uuid references projects);
create table cycle_issues (id uuid primary key, cycle_id uuid references cycles, issue_id uuid references issues);
create table notifications (id uuid primary key, receiver_id uuid not null references users, entity_type text, entity_id uuid);
create table favorites (id uuid primary key, user_id uuid not null references users on delete cascade, project_id uuid references projects);
create table knex_migrations (id serial primary key, name varchar(255), batch integer, migration_time timestamptz);
create table knex_migrations_lock (index serial primary key, is_locked integer);
