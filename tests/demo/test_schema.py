"""The DDL against the facts: two databases that are described by the server in the same words."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.conftest import VERSIONS, Servers
from tests.control import execute
from tests.demo.facts import facts_ddl
from toolkit.demo import create_schema

_ENUMS = """
    SELECT t.typname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
    FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid GROUP BY t.typname ORDER BY 1
"""
_COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
           a.attidentity::text, a.attgenerated::text
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY 1, 2
"""
_CONSTRAINTS = """
    SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f', 'c') AND convalidated ORDER BY 1, 2
"""


def _described(conninfo: str) -> dict[str, list[Any]]:
    with psycopg.connect(conninfo) as connection:
        queries = {"enums": _ENUMS, "columns": _COLUMNS, "constraints": _CONSTRAINTS}
        return {name: connection.execute(query.encode()).fetchall() for name, query in queries.items()}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schema_is_the_applications(servers: Servers, version: int) -> None:
    """Tables, columns, types, nullability, defaults, enums, keys and actions are exactly those of the facts."""
    ours, theirs = servers.database(version), servers.database(version)
    create_schema(ours)
    execute(theirs, *facts_ddl())
    found, expected = _described(ours), _described(theirs)
    assert len({table for table, *_ in expected["columns"]}) == 144
    assert len(expected["columns"]) == 1940
    for what, rows in expected.items():
        assert found[what] == rows, what


def test_its_owner_is_no_superuser(servers: Servers) -> None:
    """The schema loads as an ordinary role that owns the database."""
    conninfo = servers.database()
    create_schema(conninfo)
    with psycopg.connect(conninfo) as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
        owners = connection.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert owners == [("playback",)]
