INSERT INTO "Tenant" VALUES
    ('a', 'The first', false), ('B', 'the second', NULL), ('demo', 'A demo', true), ('c  d', NULL, false),
    ('ÄÖ', E'tab\tand \\N', false), ('12345678', '', true);

INSERT INTO "user"
SELECT tenant, id, kind, since, 'group ' || id, CASE WHEN id % 3 > 0 THEN 'user ' || id END
FROM unnest('{a,B,demo,c  d}'::char(8)[]) tenant,
     generate_series(-3, 3) id,
     unnest('{x,"",é,"\\"}'::"char"[]) kind,
     unnest('{-infinity,infinity,2024-02-29 12:00:00.000001+00,0044-03-15 10:00:00+00 BC}'::timestamptz[]) since;

INSERT INTO "Order"
SELECT n, u.kind, u.since, u."Tenant", u.id, NULL, 'to ' || n, n
FROM generate_series(1, 200) n
JOIN (SELECT *, row_number() OVER (ORDER BY kind, since, "Tenant" COLLATE "C", id) AS place FROM "user") u ON u.place = n;
INSERT INTO "Order"
SELECT n, kind, since, "Tenant", id, previous, NULL, NULL
FROM (VALUES ('NaN'::numeric, 1::numeric), ('Infinity', 'NaN'), ('-Infinity', '-Infinity'), (0.10, 0.1000), (-0.5, 200.00))
         AS v (n, previous),
     (SELECT * FROM "user" WHERE "Tenant" = 'a' ORDER BY kind, since, id LIMIT 1) u;

INSERT INTO a_table_name_of_sixty_three_bytes_in_which_every_byte_counts_01 VALUES (1, 'one'), (2, NULL);
INSERT INTO "ünïcödé_名前の長さは六十三バイトです_🗝_xé" VALUES
    ('б', 'c'), ('a', 'b'), ('Б', NULL), ('', ''), ('é', 'composed'), (U&'e\0301', 'decomposed'), ('zz', 'z'), ('Z', 'Z'),
    ('🗝', 'key'), (U&'\+10FFFF', 'the last code point'), (U&'\2028', 'a line separator');
INSERT INTO "a ""quoted"" table's {name} with %s, \ and
a second line" VALUES (1, 'a', 'b', 'c', 'd', 'e', 'f'), (2, NULL, '', E'\\N', E'\t', E'\n', '"');

INSERT INTO own_0
SELECT n, -n, 'w', (ARRAY['a', 'B', 'demo'])[1 + n % 3], n % 2, CASE WHEN n > 5 THEN n - 5 END,
       's', 'i', 'o', 'q', 'c', 'd', 'w', 'k', 'i', '(0,1)'
FROM generate_series(1, 20) n;
INSERT INTO stage_0 VALUES (1, 's', 'x'), (2, NULL, NULL);
INSERT INTO pg_class VALUES (1, 'not the catalog');
