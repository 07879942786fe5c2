"""What a database has beside the rows of tables, which no backup holds; the guide says what keeps it instead."""

from __future__ import annotations

from psycopg import sql

from toolkit.postgres.schema.naming import NAMED

NOT_COVERED = sql.SQL("""
WITH related AS (
    SELECT c.oid, c.relkind, c.relowner, c.relacl, c.named
    FROM {NAMED} c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY (%(covered)s)
), counted (what, number) AS (
    SELECT 'comments', count(*) FROM pg_description d JOIN related c ON d.objoid = c.oid
    WHERE d.classoid = 'pg_class'::regclass
    UNION ALL
    SELECT 'grants', count(*) FROM related c CROSS JOIN LATERAL aclexplode(c.relacl) a
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND a.grantee <> c.relowner
    UNION ALL
    SELECT 'row-level policies', count(*) FROM pg_policy p JOIN related c ON c.oid = p.polrelid
)
SELECT CASE WHEN c.relkind = 'v' THEN 'view' WHEN c.relkind = 'm' THEN 'materialized view' ELSE 'foreign table' END
       || ' ' || c.named
FROM related c WHERE c.relkind IN ('v', 'm', 'f')
UNION ALL
SELECT concat('rule ', r.rulename, ' of table ', c.named)
FROM pg_rewrite r JOIN related c ON c.oid = r.ev_class WHERE c.relkind IN ('r', 'p')
UNION ALL
SELECT concat('event trigger ', evtname) FROM pg_event_trigger
UNION ALL
SELECT concat('publication ', pubname) FROM pg_publication
UNION ALL
SELECT concat('subscription ', s.subname)
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()
UNION ALL
SELECT 'large objects of the database: ' || count(*) FROM pg_largeobject_metadata HAVING count(*) > 0
UNION ALL
SELECT 'definitions beside the rows: ' || string_agg(concat(number, ' ', what), ', ' ORDER BY what)
FROM counted WHERE number > 0 HAVING count(*) > 0
ORDER BY 1
""").format(NAMED=NAMED)
"""Names each such thing of the covered schemas, as a text; comments, grants and policies by their number."""
