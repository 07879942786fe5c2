-- Types of contrib in keys, indexes, exclusion constraints and generated columns, half of them in a schema of their own.
-- SUPERUSER
CREATE SCHEMA extensions;
GRANT USAGE ON SCHEMA extensions TO playback;
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION btree_gist;
CREATE EXTENSION btree_gin;
CREATE EXTENSION ltree SCHEMA extensions;
CREATE EXTENSION cube SCHEMA extensions;
CREATE EXTENSION earthdistance SCHEMA extensions;
CREATE EXTENSION seg SCHEMA extensions;
CREATE EXTENSION isn SCHEMA extensions;
CREATE EXTENSION intarray SCHEMA extensions;
CREATE EXTENSION unaccent SCHEMA extensions;
CREATE EXTENSION fuzzystrmatch SCHEMA extensions;
CREATE EXTENSION tablefunc SCHEMA extensions;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, extensions', current_database()); END $$;
CREATE SCHEMA side;
CREATE TABLE side.secret (id integer);
-- DDL
CREATE TABLE shops (code ltree PRIMARY KEY, name citext UNIQUE NOT NULL, demo boolean);
CREATE FUNCTION plain(said text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT lower(extensions.unaccent(said))';
CREATE TABLE books (
    isbn isbn13 PRIMARY KEY, shop ltree NOT NULL REFERENCES shops ON DELETE CASCADE, title text NOT NULL,
    details hstore, colour text GENERATED ALWAYS AS (details -> 'colour') STORED,
    sound text GENERATED ALWAYS AS (soundex(title)) STORED, marks integer[]
);
CREATE INDEX ON books USING gin (title gin_trgm_ops);
CREATE INDEX ON books USING gin (marks gin__int_ops);
CREATE INDEX ON books USING gist (shop);
CREATE UNIQUE INDEX ON books (plain(title), shop);
CREATE TABLE places (
    at cube PRIMARY KEY, shop ltree NOT NULL REFERENCES shops, north float8, east float8, warm seg,
    spot earth GENERATED ALWAYS AS (ll_to_earth(north, east)) STORED,
    EXCLUDE USING gist (shop WITH =, warm WITH &&)
);
CREATE TABLE stock (
    details hstore, isbn isbn13 REFERENCES books ON DELETE CASCADE, at cube REFERENCES places, shelf citext, n integer,
    during daterange, PRIMARY KEY (details, isbn), EXCLUDE USING gist (n WITH =, during WITH &&)
);
CREATE INDEX ON stock USING gin (n, details);
CREATE TABLE copies (id serial PRIMARY KEY, details hstore, isbn isbn13, warm seg UNIQUE,
    FOREIGN KEY (details, isbn) REFERENCES stock ON DELETE SET NULL);
-- ROWS
INSERT INTO shops VALUES ('de.north', 'Nord', false), ('de.south', 'SÜD', false), ('fr.north', 'nord-est', false);
INSERT INTO books (isbn, shop, title, details, marks)
SELECT isbn13('97800000000' || n || '?'), shop, title, hstore('colour', title), ARRAY[n, n + 1] FROM (VALUES
    (1, 'de.north'::ltree, 'Élan'), (2, 'de.south', 'Zebra'), (3, 'fr.north', 'Ärger'),
    (4, 'de.north', 'Omen')) b (n, shop, title);
INSERT INTO places (at, shop, north, east, warm) VALUES ('(1,2)', 'de.north', 1, 2, '1 .. 2'), ('(1,2),(3,4)', 'de.north', 3, 4, '2.5 .. 3.0'),
    ('(5)', 'de.south', NULL, 1, '~1'), ('(0.5,1)', 'fr.north', 9, 9, '< 3');
INSERT INTO stock SELECT hstore('row', n::text), isbn, (SELECT at FROM places p WHERE p.shop = b.shop LIMIT 1), 'Shelf ' || n,
    n, daterange('2026-01-01', '2026-02-01') FROM (SELECT *, marks[1] AS n FROM books) b;
INSERT INTO copies (details, isbn, warm) SELECT details, isbn, (n || ' .. 9.0')::seg FROM stock;
-- DAMAGE
UPDATE books SET title = title || '!', details = 'colour=>none';
UPDATE copies SET warm = (id + 4 || ' .. 9')::seg;
DELETE FROM stock WHERE n = 1;
UPDATE places SET warm = NULL, north = 7;
INSERT INTO places (at, shop, north, east, warm) VALUES ('(7)', 'de.north', 1, 1, NULL), ('(8)', 'fr.north', 1, 1, NULL);
INSERT INTO stock SELECT 'new=>1', isbn, NULL, 'SHELF', 90 + marks[1], 'empty' FROM books;
