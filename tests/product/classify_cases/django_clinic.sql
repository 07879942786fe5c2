-- a clinic in the style of Django: app_model names, integer keys, inheritance by *_ptr, generic relations, auth tables
create table core_clinic (id serial primary key, title varchar(80) not null, is_demo boolean not null default false);
create table auth_user (id serial primary key, username varchar(150) not null unique);
create table core_membership (id serial primary key, clinic_id integer not null references core_clinic,
    user_id integer not null references auth_user, unique (user_id, clinic_id));
create table core_person (id serial primary key, clinic_id integer not null references core_clinic, born date);
create table core_patient (person_ptr_id integer primary key references core_person, insurance varchar(40));
create table core_doctor (person_ptr_id integer primary key references core_person, user_id integer references auth_user);
create table core_visit (id serial primary key, patient_id integer not null references core_patient,
    doctor_id integer references core_doctor, created_by_id integer not null references auth_user);
create table core_visit_diagnoses (id serial primary key, visit_id integer not null references core_visit,
    diagnosis_id integer not null, unique (visit_id, diagnosis_id));
create table core_diagnosis (id serial primary key, name varchar(80) not null unique);
alter table core_visit_diagnoses add foreign key (diagnosis_id) references core_diagnosis;
create table django_content_type (id serial primary key, app_label varchar(100), model varchar(100), unique (app_label, model));
create table auth_permission (id serial primary key, content_type_id integer not null references django_content_type,
    codename varchar(100), unique (content_type_id, codename));
create table auth_user_user_permissions (id serial primary key, user_id integer not null references auth_user,
    permission_id integer not null references auth_permission, unique (user_id, permission_id));
create table django_admin_log (id serial primary key, object_id text, user_id integer not null references auth_user,
    content_type_id integer references django_content_type);
create table django_session (session_key varchar(40) primary key, session_data text);
create table django_migrations (id serial primary key, app varchar(255), name varchar(255), applied timestamptz);
