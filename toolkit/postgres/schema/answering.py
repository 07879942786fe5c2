"""Functions of the application that need not answer for a row while it is written as they do when a plan is made."""

from __future__ import annotations

from psycopg import sql

# what a function does with tables its body says, whatever it was declared: only words that follow FROM or JOIN and are
# the name of a table or view count, since `substring(x FROM 2)` reads nothing
READING = sql.SQL("""(
    EXISTS (SELECT FROM regexp_matches(
                p.prosrc, '\\m(?:from|join)\\s+(?:only\\s+)?(?:(?:"[^"]+"|\\w+)\\s*\\.\\s*)?("[^"]+"|\\w+)', 'gi') w
            JOIN pg_class k ON k.relname = ANY (ARRAY[lower(w[1]), btrim(w[1], '"')])
            WHERE k.relkind = ANY ('{{r,p,v,m,f}}'::text[]) AND k.relnamespace <> 'pg_catalog'::regnamespace)
    OR p.prosrc ~* '\\mexecute\\M' AND p.prolang = (SELECT l.oid FROM pg_language l WHERE l.lanname = 'plpgsql')
    OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
               AND d.refclassid = 'pg_class'::regclass)
)""")
"""The condition that a function `p` of the application reads tables, whose rows a restore may write too."""

UNSETTLED = sql.SQL("""(
    p.pronamespace <> 'pg_catalog'::regnamespace AND (p.provolatile <> 'i' OR {READING})
)""").format(READING=READING)
"""The condition that a function `p` is of the application and may answer otherwise once other rows are written."""
