INSERT INTO documents
SELECT 60, 'a', string_agg(md5(n::text), E'\n' ORDER BY n), NULL FROM generate_series(1, 1818200) n;
