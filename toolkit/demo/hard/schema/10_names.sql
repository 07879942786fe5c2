-- Names that want quoting, are reserved, long, or the same as names a tool might use itself.

CREATE TABLE "Tenant" (
    "key" char(8) PRIMARY KEY,
    "select" text,
    "from" boolean
);

CREATE TABLE "user" (
    "Tenant" char(8) NOT NULL REFERENCES "Tenant" ON DELETE CASCADE,
    "id" smallint,
    "kind" "char",
    "since" timestamptz,
    "group" name NOT NULL,
    "user" text,
    PRIMARY KEY ("kind", "since", "Tenant", "id")
);

CREATE TABLE "Order" (
    "order" numeric PRIMARY KEY,
    "table" "char" NOT NULL,
    "where" timestamptz NOT NULL,
    "references" char(8) NOT NULL,
    "limit" smallint NOT NULL,
    "previous order" numeric REFERENCES "Order" DEFERRABLE INITIALLY DEFERRED,
    "to" text,
    "a.b" integer,
    FOREIGN KEY ("table", "where", "references", "limit") REFERENCES "user" ("kind", "since", "Tenant", "id")
);

-- 63 bytes each
CREATE TABLE a_table_name_of_sixty_three_bytes_in_which_every_byte_counts_01 (
    a_column_name_of_sixty_three_bytes_in_which_every_byte_counts_1 integer PRIMARY KEY,
    a_column_name_of_sixty_three_bytes_in_which_every_byte_counts_2 text
);
CREATE TABLE "ünïcödé_名前の長さは六十三バイトです_🗝_xé" (
    "ключевой_столбец_имя_которого_63б_1a" text PRIMARY KEY,
    "ключевой_столбец_имя_которого_63б_2a" text
);
CREATE TABLE "a ""quoted"" table's {name} with %s, \ and
a second line" (
    "100%" integer PRIMARY KEY,
    "{}" text,
    "%(name)s" text,
    "back\slash" text,
    "a	tab" text,
    "
" text,
    "it's ""so""" text
);

-- what a selection or a restore may call its own tables, columns and aliases
CREATE TABLE own_0 (
    row_id integer PRIMARY KEY,
    part_id integer,
    why text,
    mine char(8) NOT NULL REFERENCES "Tenant",
    round integer,
    t integer REFERENCES own_0,
    s text,
    i text,
    o text,
    q text,
    c text,
    d text,
    w text,
    k0 text,
    action "char",
    stage_id tid
);
CREATE TABLE stage_0 (t integer PRIMARY KEY, s text, "stage_0" text);
CREATE TABLE pg_class (oid integer PRIMARY KEY, relname text);
