-- Two schemas that belong together and a third that is left out, tied to them in both directions.
CREATE SCHEMA "App"; CREATE SCHEMA billing; CREATE SCHEMA reporting;
CREATE TYPE "App".state AS ENUM ('open', 'done');
CREATE FUNCTION "App".norm(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower($1) $$;
CREATE TABLE reporting.regions (id integer PRIMARY KEY, name text);
INSERT INTO reporting.regions VALUES (1, 'r');
CREATE TABLE "App".org (id integer PRIMARY KEY, name text NOT NULL, region integer REFERENCES reporting.regions);
CREATE UNIQUE INDEX ON "App".org ("App".norm(name));
CREATE TABLE "App"."Work Item" (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id integer NOT NULL REFERENCES "App".org, state "App".state
);
CREATE TABLE billing.invoice (
    id serial PRIMARY KEY, org_id integer NOT NULL REFERENCES "App".org, item_id integer REFERENCES "App"."Work Item" ON DELETE SET NULL,
    total numeric, double numeric GENERATED ALWAYS AS (total * 2) STORED, at timestamptz DEFAULT now()
);
CREATE TABLE billing.line (invoice_id integer REFERENCES billing.invoice ON DELETE CASCADE, n integer, PRIMARY KEY (invoice_id, n));
CREATE TABLE reporting.fact (id serial PRIMARY KEY, invoice_id integer NOT NULL REFERENCES billing.invoice ON DELETE CASCADE);
-- ROWS
INSERT INTO "App".org SELECT g, 'Org ' || g, 1 FROM generate_series(1, 3) g;
INSERT INTO "App"."Work Item" (org_id, state) SELECT 1 + g % 3, 'open' FROM generate_series(1, 9) g;
INSERT INTO billing.invoice (org_id, item_id, total) SELECT 1 + g % 3, g, g FROM generate_series(1, 9) g;
INSERT INTO billing.line SELECT 1 + g % 9, g FROM generate_series(1, 27) g;
-- DAMAGE
UPDATE billing.invoice SET total = 0;
DELETE FROM billing.line WHERE n < 9;
UPDATE "App"."Work Item" SET state = 'done';
INSERT INTO "App"."Work Item" (org_id) VALUES (1), (2);
