-- A small shop, for the ways that lead to a database: times, money, a sequence, and a trigger that must not fire.
CREATE TABLE shops (id text PRIMARY KEY, name text, demo boolean);
CREATE TABLE orders (id serial PRIMARY KEY, shop text REFERENCES shops ON DELETE CASCADE, at timestamptz, code text);
CREATE TABLE items (id integer PRIMARY KEY, "order" integer REFERENCES orders ON DELETE CASCADE, price money);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not silent''; END';
CREATE TRIGGER shout BEFORE INSERT OR UPDATE OR DELETE ON items FOR EACH ROW EXECUTE FUNCTION shout();
-- ROWS
INSERT INTO shops VALUES ('a', 'A', false), ('b', 'B', false), ('d', 'D', true);
INSERT INTO orders SELECT n, chr(97 + n % 2), '2026-01-01 00:00+00', n FROM generate_series(1, 40) n;
ALTER TABLE items DISABLE TRIGGER USER;
INSERT INTO items SELECT n, n, n FROM generate_series(1, 40) n;
ALTER TABLE items ENABLE TRIGGER USER;
SELECT setval('orders_id_seq', 40);
-- DAMAGE
ALTER TABLE items DISABLE TRIGGER USER;
DELETE FROM orders WHERE id < 9;
UPDATE items SET price = 0;
UPDATE orders SET at = now() WHERE id > 30;
INSERT INTO orders SELECT n, chr(97 + n % 2) FROM generate_series(50, 55) n;
ALTER TABLE items ENABLE TRIGGER USER;
