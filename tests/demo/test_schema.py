"""The DDL against the facts, and the kinds of columns it must have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.conftest import VERSIONS, Servers
from tests.demo.facts import Columns, facts
from toolkit.postgres.demo import create_schema

_ACTIONS = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
_CONSTRAINTS = """
    SELECT c.contype::text, t.relname, p.relname, c.confdeltype::text,
           ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k (attnum, position)
                 JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum ORDER BY k.position),
           ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k (attnum, position)
                 JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum ORDER BY k.position),
           NOT EXISTS (SELECT FROM pg_attribute a
                       WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) AND a.attnotnull)
    FROM pg_constraint c
    JOIN pg_class t ON t.oid = c.conrelid
    LEFT JOIN pg_class p ON p.oid = c.confrelid
    WHERE c.connamespace = 'public'::regnamespace AND c.contype IN ('p', 'u', 'f') AND c.convalidated
"""


def _constraints(connection: psycopg.Connection[Any]) -> dict[str, dict[str, set[Any]]]:
    found: dict[str, dict[str, set[Any]]] = defaultdict(lambda: defaultdict(set))
    for kind, table, parent, action, columns, parent_columns, null in connection.execute(_CONSTRAINTS):
        value: Columns | tuple[Any, ...] = tuple(columns)
        if kind == "f":
            value = (tuple(columns), parent, tuple(parent_columns), null, _ACTIONS[action])
        found[table][kind].add(value)
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_every_key_and_reference_of_the_facts_is_in_the_schema(servers: Servers, version: int) -> None:
    """Tables, keys, unique keys and foreign keys, with nullability and ON DELETE, are exactly the facts'."""
    conninfo = servers.database(version)
    create_schema(conninfo)
    with psycopg.connect(conninfo) as connection:
        tables = {name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        found = _constraints(connection)
    assert tables == facts().keys()
    assert len(tables) == 145
    for table, expected in facts().items():
        assert found[table]["p"] == {expected.key}, table
        assert found[table]["u"] == expected.unique, table
        assert found[table]["f"] == expected.foreign_keys, table


def test_its_owner_is_no_superuser(servers: Servers) -> None:
    """The schema loads as an ordinary role that owns the database."""
    conninfo = servers.database()
    create_schema(conninfo)
    with psycopg.connect(conninfo) as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
        owners = connection.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert owners == [("playback",)]


def test_the_columns_are_of_many_types(demo_template: Callable[[int], str], servers: Servers) -> None:
    """Every type, identity, default and generated column that a real application brings along is there."""
    with psycopg.connect(servers.database(18, template=demo_template(18))) as connection:
        rows = connection.execute(
            """
            SELECT format_type(t.oid, NULL), t.typtype::text, a.attidentity::text, a.attgenerated::text
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
            """
        ).fetchall()
        sequences = connection.execute(
            "SELECT count(*) FROM pg_sequences WHERE data_type = 'integer'::regtype"
        ).fetchone()
    types = {row[0] for row in rows}
    assert types >= {
        "jsonb", "text[]", "integer[]", "bytea", "bytea[]", "numeric", "date", "time without time zone",
        "timestamp without time zone", "timestamp with time zone", "interval", "boolean", "smallint", "integer",
        "bigint", "real", "double precision", "uuid", "inet", "macaddr", "point", "daterange", "tstzrange",
        "character", "character varying", "text",
    }  # fmt: skip
    assert "e" in {row[1] for row in rows}
    assert {"a", "d"} <= {row[2] for row in rows}
    assert "s" in {row[3] for row in rows}
    assert sequences is not None
    assert sequences[0] >= 1


def test_triggers_would_change_rows_if_they_fired(demo_template: Callable[[int], str], servers: Servers) -> None:
    """An update touches "updatedAt" and a new order leaves an audit log: both are switched on after the load."""
    with psycopg.connect(servers.database(18, template=demo_template(18))) as connection:
        before = connection.execute("SELECT count(*) FROM audit_logs").fetchone()
        connection.execute("UPDATE businesses SET name = name")
        touched = connection.execute(
            """SELECT count(*) FROM businesses WHERE "updatedAt" >= (now() AT TIME ZONE 'UTC')::timestamp(3)"""
        ).fetchone()
        connection.execute(
            """INSERT INTO business_orders
                   (id, "businessId", "orderNumber", status, subtotal, "businessDay", "updatedAt")
               SELECT 'new', id, 'new', 'PENDING', 1, '2026-01-01', '2026-01-01' FROM businesses LIMIT 1"""
        )
        after = connection.execute("SELECT count(*) FROM audit_logs").fetchone()
    assert touched == (8,)
    assert before is not None
    assert after == (before[0] + 1,)


def test_no_trigger_fired_during_the_load(demo_template: Callable[[int], str], servers: Servers) -> None:
    """Audit logs are only those that were generated, and no row was touched at load time."""
    with psycopg.connect(servers.database(18, template=demo_template(18))) as connection:
        placed = connection.execute("SELECT count(*) FROM audit_logs WHERE action = 'CREATE'").fetchone()
        states = connection.execute("SELECT DISTINCT tgenabled::text FROM pg_trigger").fetchall()
    assert placed == (0,)
    assert states == [("O",)]
