-- Values whose text is not what one expects, or that are equal without being the same.

CREATE TABLE numbers (
    id integer PRIMARY KEY,
    small smallint,
    big bigint,
    exact numeric,
    rounded numeric(20, 5),
    hundreds numeric(5, -2),
    tiny numeric(3, 5),
    "real" real,
    "double" double precision,
    cash money,
    "amount" amount,
    price price
);

CREATE TABLE times (
    id bigint PRIMARY KEY,
    day date,
    clock time,
    clock_zone timetz,
    at timestamp,
    at_zone timestamptz,
    coarse timestamp(0),
    "interval" interval,
    months interval year to month
);

CREATE TABLE texts (
    code char(6) COLLATE "C" PRIMARY KEY,
    plain text,
    limited varchar(20),
    padded char(10),
    one "char",
    object_name name,
    bytes bytea,
    json json,
    jsonb jsonb,
    words tsvector,
    search tsquery,
    path jsonpath
);

-- a reference between columns of different collations
CREATE TABLE text_keys (code text COLLATE "C" PRIMARY KEY);
CREATE TABLE text_notes (
    id integer PRIMARY KEY,
    code text REFERENCES text_keys (code),
    note "Code"
);

CREATE TABLE various (
    id uuid PRIMARY KEY,
    host inet,
    network cidr,
    mac macaddr,
    mac8 macaddr8,
    bits bit(5),
    more_bits bit varying,
    point point,
    line line,
    segment lseg,
    box box,
    path path,
    polygon polygon,
    circle circle,
    lsn pg_lsn,
    snapshot pg_snapshot
);

CREATE TABLE ranges (
    id int4range PRIMARY KEY,
    numbers numrange,
    days daterange,
    times tstzrange,
    own span,
    many int8multirange,
    many_times tsmultirange,
    own_many spans,
    EXCLUDE USING gist (days WITH &&)
);
