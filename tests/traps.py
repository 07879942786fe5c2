"""A schema of traps: things named as those of pg_catalog that our statements use, and in the search path before it.

Functions and operators raise, types take no value, tables have other columns. A statement that names anything without
its schema falls into one of them.
"""

from __future__ import annotations

import re
from functools import cache

import psycopg
from psycopg import sql

from tests.readme import ROOT
from toolkit.postgres.session.qualifying import TYPE_KEYWORDS

PATH = "trap, pg_catalog, public"

TRAPPED = "a name of ours has fallen into a trap"

# what takes values of any type is caught for those that our statements have
_FUNCTIONS = """
DO $$
DECLARE made record;
BEGIN
    EXECUTE 'CREATE SCHEMA trap';
    EXECUTE 'GRANT USAGE ON SCHEMA trap TO public';
    FOR made IN
        SELECT DISTINCT proname AS name, array_to_string(ARRAY(
            SELECT CASE WHEN t.typtype <> 'p' THEN format_type(a.type, NULL)
                        WHEN t.typcategory = 'A' THEN instead || '[]' ELSE instead END
            FROM unnest(p.proargtypes) WITH ORDINALITY a(type, place) JOIN pg_type t ON t.oid = a.type ORDER BY place
        ), ', ') AS arguments
        FROM pg_proc p, unnest(ARRAY['text', 'integer', 'bigint', 'oid', 'boolean', 'name']) instead
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY ({names})
              AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) type
                              WHERE type IN ('internal'::regtype, 'cstring'::regtype))
    LOOP
        EXECUTE format('CREATE FUNCTION trap.%I(%s) RETURNS integer LANGUAGE plpgsql AS %L',
                       made.name, made.arguments, {body});
    END LOOP;
    FOR made IN
        SELECT DISTINCT oprname AS name, format_type(oprleft, NULL) AS l, format_type(oprright, NULL) AS r
        FROM pg_operator o JOIN pg_type x ON x.oid = o.oprleft JOIN pg_type y ON y.oid = o.oprright
        WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND x.typtype <> 'p' AND y.typtype <> 'p'
              AND oprname IN ('=', '<>', '<', '>', '<=', '>=', '||', '+', '-', '*', '/', '&&', '->', '->>', '~')
    LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION trap.caught(%s, %s) RETURNS boolean LANGUAGE plpgsql AS %L',
                       made.l, made.r, {body});
        EXECUTE format('CREATE OPERATOR trap.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = trap.caught)',
                       made.name, made.l, made.r);
    END LOOP;
    FOR made IN
        SELECT relname AS name FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relname = ANY ({names})
    LOOP
        EXECUTE format('CREATE VIEW trap.%I AS SELECT 1 AS trapped', made.name);
    END LOOP;
    FOR made IN
        SELECT typname AS name FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typname = ANY ({types})
    LOOP
        EXECUTE format('CREATE DOMAIN trap.%I AS pg_catalog.bool', made.name);
    END LOOP;
    EXECUTE 'CREATE COLLATION trap."C" (locale = ''POSIX'')';
END $$
"""


@cache
def _words() -> tuple[list[str], list[str]]:
    """All words in the toolkit that may be names of functions and tables; those of types."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "toolkit" / "postgres").rglob("*.py")))
    types = {"char", *re.findall(r"::([a-z_]\w*)", text)} - TYPE_KEYWORDS
    return sorted({*re.findall(r"\b[a-z_]\w*(?=\()", text), *re.findall(r"\bpg_\w+", text)}), sorted(types)


def set_traps(superuser: str) -> None:
    """Make the traps in a database, and the search path of all who come to it later."""
    names, types = _words()
    with psycopg.connect(superuser, autocommit=True) as connection:
        body = f"BEGIN RAISE EXCEPTION '{TRAPPED}' USING ERRCODE = '0A000'; END"
        connection.execute(
            sql.SQL(_FUNCTIONS).format(names=sql.Literal(names), types=sql.Literal(types), body=sql.Literal(body))
        )
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET search_path = {}").format(database, sql.SQL(PATH)))
