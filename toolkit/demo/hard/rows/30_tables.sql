INSERT INTO keyless VALUES
    (1, 1.0, 0, '1 day', 'a', '{"a":1}', '(1,2)', '2024-01-01'),
    (1, 1.00, '-0', '24 hours', 'a', '{"a": 1}', '(1,2)', '2024-01-01'),
    (1, 1.0, 0, '1 day', 'a', '{"a":1}', '(1,2)', '2024-01-01'),
    (1, 1.0, 0, '1 day', 'A', '{"a":1}', '(1,2)', '2024-01-01'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (NULL, NULL, NULL, NULL, '', NULL, NULL, NULL),
    (1, 1.000, '-0', '1 day', '', NULL, '(NaN,1)', 'infinity'),
    (1, 1.000, 0, '1 day', '', NULL, '(NaN,1)', 'infinity'),
    (1, NULL, 'NaN', '24 hours', 'é', 'null', '(-0,0)', '-infinity');
INSERT INTO keyless SELECT n % 7, (n % 5)::numeric(5, 2), n % 3, make_interval(hours => n % 2 * 24), 'n' FROM generate_series(1, 500) n;
INSERT INTO keyless_documents VALUES ('1'), (' 1'), ('1'), (NULL), (NULL), ('{"b":1,"a":2}'), ('{"a":2,"b":1}');
INSERT INTO keyless_numbers SELECT (ARRAY[1, 1.0, 1.00, 'NaN', NULL]::numeric[])[1 + n % 5] FROM generate_series(1, 100) n;
INSERT INTO no_columns SELECT FROM generate_series(1, 3);

INSERT INTO unique_only
SELECT (ARRAY['b', 'B', 'a ', 'é'])[1 + n % 4], n, 'place ' || n, CASE WHEN n % 2 = 0 THEN n END, -n FROM generate_series(1, 40) n;

INSERT INTO counters (price, quantity) SELECT n / 3.0, n FROM generate_series(1, 20) n;
INSERT INTO counters (id, "default", serial, down, price, quantity) OVERRIDING SYSTEM VALUE VALUES (1000, 7, 300, -500, 'NaN', 0);
SELECT nextval('"free Sequence"');

INSERT INTO readings
SELECT day, sensor, kind, sensor / 7.0, (ARRAY['a', 'B', 'demo', NULL])[1 + sensor % 4]
FROM unnest('{2024-01-01,2024-06-01,2025-01-01,2025-12-31,2026-01-01,infinity,-infinity,0044-03-15 BC}'::date[]) day,
     generate_series(1, 6) sensor, unnest('{small,large}'::size[]) kind;
INSERT INTO alarms (day, sensor, kind)
SELECT day, sensor, kind FROM readings WHERE sensor % 3 > 0 ORDER BY day, sensor, kind;
INSERT INTO alarms (sensor) VALUES (99);

INSERT INTO vehicles VALUES (1, 'a', 'a vehicle'), (2, 'B', 'another'), (3, NULL, NULL);
INSERT INTO trucks VALUES (1, 'a', 'a truck', 7.50), (4, 'demo', 'its truck', 'NaN');
INSERT INTO amphibians VALUES (1, 'nobody', 'a car or a ship');
INSERT INTO hybrids VALUES (1, 'a', 'all in one', 1), (2, NULL, 'none', NULL);

INSERT INTO documents
SELECT 1, 'a', string_agg(md5(n::text), E'\n' ORDER BY n), decode(md5('a'), 'hex') FROM generate_series(1, 158000) n;
INSERT INTO documents VALUES (2, 'B', repeat('x', 100000), NULL), (3, 'demo', '', '');

INSERT INTO dropped_columns (b, c, "0") VALUES ('b', 1, 0), (NULL, 2, NULL);
INSERT INTO secrets VALUES (1, DEFAULT, 'mine'), (2, 'somebody', 'theirs');
