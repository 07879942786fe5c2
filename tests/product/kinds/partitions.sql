-- Partitions of partitions, with keys, checks and triggers on the root and on single leaves.
CREATE TABLE org (id integer PRIMARY KEY, name text);
CREATE TABLE customer (id integer, org_id integer NOT NULL REFERENCES org, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE customer_low PARTITION OF customer FOR VALUES FROM (0) TO (10);
CREATE TABLE customer_high PARTITION OF customer FOR VALUES FROM (10) TO (100) PARTITION BY HASH (id);
CREATE TABLE customer_high_0 PARTITION OF customer_high FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE customer_high_1 PARTITION OF customer_high FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE event (
    id integer, org_id integer NOT NULL, day date NOT NULL, customer_id integer REFERENCES customer, note text,
    PRIMARY KEY (id, day, org_id)
) PARTITION BY RANGE (day);
CREATE TABLE event_2025 PARTITION OF event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (org_id);
CREATE TABLE event_2025_1 PARTITION OF event_2025 FOR VALUES IN (1);
CREATE TABLE event_2025_rest PARTITION OF event_2025 DEFAULT;
CREATE TABLE event_2026 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
ALTER TABLE event_2025_1 ADD FOREIGN KEY (org_id) REFERENCES org;
ALTER TABLE event_2026 ADD CONSTRAINT short CHECK (length(note) < 50), ADD UNIQUE (note);
CREATE TABLE outbox (id serial PRIMARY KEY, said text);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO outbox (said) VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER tell_leaf AFTER INSERT OR UPDATE OR DELETE ON event_2026 FOR EACH ROW EXECUTE FUNCTION tell();
ALTER TABLE event_2026 ENABLE ALWAYS TRIGGER tell_leaf;
ALTER TABLE event_2025_rest DISABLE TRIGGER tell;
-- ROWS
INSERT INTO org SELECT g, 'Org ' || g FROM generate_series(1, 3) g;
INSERT INTO customer SELECT g, 1 + g % 3 FROM generate_series(1, 24) g;
INSERT INTO event SELECT g, 1 + g % 3, '2025-06-01'::date + 30 * g, g, 'n' || g FROM generate_series(1, 15) g;
DELETE FROM outbox;
-- DAMAGE
ALTER TABLE event DISABLE TRIGGER USER;
UPDATE event SET note = 'spoilt' || id;
DELETE FROM event WHERE id = 3;
UPDATE event SET day = '2026-03-03' WHERE id = 1;
INSERT INTO event VALUES (100, 1, '2026-01-01', NULL, 'new'), (101, 2, '2026-01-01', NULL, 'new 2');
ALTER TABLE event ENABLE TRIGGER USER; ALTER TABLE event_2026 ENABLE ALWAYS TRIGGER tell_leaf;
ALTER TABLE event_2025_rest DISABLE TRIGGER tell;
DELETE FROM outbox;
