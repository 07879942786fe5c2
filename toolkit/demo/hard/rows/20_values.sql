INSERT INTO numbers VALUES
    (1, 32767, 9223372036854775807, 1.0, 0.00001, 12300, 0.00999, '1.4e-45', '5e-324', 92233720368547758.07, 1.0, 1.50),
    (2, -32768, -9223372036854775808, 1.00, -99999.99999, -99900, -0.00999, '3.4028235e38', '1.7976931348623157e308',
     -92233720368547758.08, 1.000, 'Infinity'),
    (3, 0, 0, 'NaN', 'NaN', 'NaN', 'NaN', 'NaN', 'NaN', 0, 'NaN', 'NaN'),
    (4, NULL, NULL, 'Infinity', NULL, NULL, NULL, 'Infinity', 'Infinity', NULL, '-Infinity', NULL),
    (5, 1, 1, '-Infinity', 0.00000, 0, 0, '-Infinity', '-Infinity', 0.01, 0, 0.000001),
    (6, -1, -1, 1e-50, 1, 100, 0.00001, '-0', '-0', -0.01, -1e-20, 1),
    (7, 2, 2, 1e100, 1, 100, 0.00001, 0.1, 0.1, 1000, 1e20, 1.10),
    (8, 3, 3, repeat('9', 3000)::numeric + 0.5, 1, 100, 0.00001, 16777217, 9007199254740993, 1, 0.0, 2),
    (-1, 3, 3, 0.000, 1, 100, 0.00001, 1, 0.30000000000000004, 1, -0.0, 2);

INSERT INTO times VALUES
    (1, 'infinity', '00:00', '00:00+00', 'infinity', 'infinity', 'infinity', '1 day', '1 year'),
    (2, '-infinity', '24:00', '24:00-15:59', '-infinity', '-infinity', '-infinity', '24 hours', '-1 month'),
    (3, '4713-01-01 BC', '23:59:59.999999', '12:00+02:30', '4713-01-01 00:00 BC', '4714-11-24 00:00+00 BC',
     '0001-12-31 23:59:59.5 BC', '1 mon', '12 months'),
    (4, '5874897-12-31', '12:30', '12:30:00.5-03:30:15', '294276-12-31 23:59:59.999999',
     '294276-12-31 23:59:59.999999+00', '10000-01-01', '30 days', NULL),
    (5, '0001-01-01', NULL, '04:00+00', '1900-01-01 00:00:00.000001', '2024-03-31 02:30+01', '2024-01-01 00:00:00.4',
     '-1 years +2 mons -3 days +04:05:06.000007', '0'),
    (6, '0044-03-15 BC', '04:00', '06:00+02', '2024-02-29', '2024-10-27 00:30+00', '2024-01-01', '178000000 years', NULL),
    (7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (8, '2024-02-29', '12:00', '12:00+00', '2024-02-29 12:00', '2024-02-29 12:00+00', '2024-02-29', '720:00:00', '1 month');

INSERT INTO texts VALUES
    ('A', '', '', '', '', '', '', '{"b": 1, "a":  2, "a": 3}', '{"b": 1, "a":  2, "a": 3}', '', '', '$'),
    ('b', E'\\N', 'NULL', 'a  ', 'a', 'name', '\x00ff5c4e', ' null', 'null', 'a:1A,2B fat:3', 'a & !b:*', '$.a[*] ? (@ > 1)'),
    ('B', E'\t\n\r\b\f\x0B\\', E'two\nlines', E'a\t', '\', repeat('n', 63), '\x', '[1.0, 1.00, 1e2, -0.0]',
     '[1.0, 1.00, 1e2, -0.0]', '''quo'' ''ted'' ''sp ace''', '''sp ace'' <-> b', 'strict $."a b"'),
    ('a', E'\\.', '"', ' ', E'\\377', '"', decode(repeat('5c', 1000), 'hex'), '"\u00e9\u0009\\ud83d"', '"é\t"', NULL, NULL, NULL),
    ('á', 'é', U&'e\0301', 'é', 'x', 'ключ', '\xdeadbeef', '{"é": "\ud83d\ude00"}', '{"é": "\ud83d\ude00"}',
     'ключ', 'ключ', NULL),
    ('a b', '  spaces  ', 'a  ', 'a b', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('', U&'\0001\007f\00a0\feff\+10FFFF', '😀👩‍👩‍👧', '日本語', ' ', ' ', '\x0a', '""', '""', NULL, NULL, NULL);

INSERT INTO text_keys VALUES ('a'), ('A'), ('á'), (''), ('b'), ('Z');
INSERT INTO text_notes VALUES (1, 'A', 'NOTE'), (2, '', 'AB'), (3, NULL, 'ZZ'), (4, 'á', 'ABC');

INSERT INTO various VALUES
    ('00000000-0000-0000-0000-000000000000', '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05',
     B'10101', B'', '(1.5,-0)', '{1,-1,0}', '[(0,0),(1,1)]', '(2,2),(0,0)', '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))',
     '<(0,0),1.5>', '16/B374D848', '10:20:10,14,15'),
    ('ffffffff-ffff-ffff-ffff-ffffffffffff', '10.0.0.1/8', '::/0', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00:00:00',
     B'00000', B'1', '(NaN,Infinity)', '{0,1,2}', '[(1,1),(0,0)]', '(1,1),(1,1)', '((0,0),(1,1))', '((1e-300,0))',
     '<(1e300,-1e-300),0>', '0/0', '10:10:'),
    ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2001:db8::1/64', '2001:db8::/32', NULL, NULL, NULL, repeat('10', 500)::varbit,
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'FFFFFFFF/FFFFFFFF', NULL),
    ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A10', '::ffff:1.2.3.4', '0.0.0.0/0', NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

INSERT INTO ranges VALUES
    ('empty', 'empty', 'empty', 'empty', 'empty', '{}', '{}', '{}'),
    ('[1,5]', '(1.0,1.00]', '(2024-01-01,2024-02-01]', '[2024-01-01 00:00+02,)', '[-0,NaN)', '{[1,3],[5,7)}',
     '{(-infinity,infinity)}', '{[1,2),(3,4]}'),
    ('(,)', '(,)', '[-infinity,2000-01-01)', '(,)', '(,)', '{(,)}', '{(,2024-01-01),[2024-02-01 12:00,)}', NULL),
    ('(,10)', '[1.00,1.0]', '[2025-01-01,infinity)', '[-infinity,infinity]', '[1e-300,1e300]', NULL, NULL, '{(,0),(0,)}'),
    ('[10,)', NULL, NULL, NULL, NULL, NULL, NULL, NULL);

INSERT INTO composites VALUES
    ((1, 'b', 'infinity', 'ok'), ('ab', ARRAY[(1, 'x,y', NULL, 'sad')::"Place"]), ARRAY[('a', NULL)::box_of], 'very happy',
     '{sad,"very happy",NULL,""}', '{sad,sad}', '{large,small}', '{{1,2},{3,4}}', '[0:2]={1,2,3}',
     ARRAY['', NULL, 'NULL', '"', '{', ',', E'\\', ' ', E'\n'], '{1.0,1.00,NaN}', '{infinity,NULL,0044-03-15 BC}', (1, 'a', ' ', NULL)),
    ((1, 'B', NULL, NULL), NULL, '{}', '', '{}', NULL, '{}', '{}', '{}', '{}', '{}', '{}', NULL),
    ((NULL, '', NULL, 'it''s, "complicated"'), (NULL, NULL), NULL, 'it''s, "complicated"',
     ARRAY['it''s, "complicated"']::"Mood"[], '{}', NULL, '[1:1][-2:-1]={{1,2}}', NULL, '{{a,b},{c,d}}', NULL, NULL, NULL),
    ((1, NULL, NULL, NULL), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
