"""The same rows give the same chunks, however and wherever a database holds them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.conftest import Servers
from tests.control import Control, execute
from tests.product.hard import EVERYWHERE, chunk_ids, hard_control
from tests.sweeps import EVERYTHING
from toolkit import demo
from toolkit.demo.hard import SCHEMA, create_hard, load_hard
from toolkit.postgres.servers.embedded import EmbeddedServer

_TABLES = """
SELECT c.relname,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),
       EXISTS (SELECT FROM pg_inherits WHERE c.oid IN (inhrelid, inhparent))
FROM pg_class c
WHERE c.relnamespace = to_regnamespace(quote_ident(%s)) AND c.relkind = 'r'
ORDER BY c.relname
"""
_PLAIN_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid AND NOT t.typnotnull
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.attnotnull AND NOT a.atthasdef
      AND a.attcollation = t.typcollation
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
                      AND d.refobjsubid = a.attnum AND d.classid <> 'pg_trigger'::regclass)
ORDER BY a.attname
"""
"""Columns that nothing depends on, so that one may be dropped and added again."""


def shuffle(conninfo: str, schema: str) -> int:
    """Give every table another order of columns, with gaps, and another order of rows; gives the columns moved."""
    moved = 0
    with psycopg.connect(make_conninfo(conninfo, user="postgres")) as connection:
        # a superuser may put rows aside without minding what points at them
        connection.execute("SET session_replication_role = replica")
        for table, columns, inherited in connection.execute(_TABLES, [schema]).fetchall():
            name = sql.Identifier(schema, table)
            if not inherited:
                moved += _move_columns(connection, name)
            listed = sql.SQL(", ").join(map(sql.Identifier, columns))
            connection.execute(
                sql.SQL("CREATE TEMPORARY TABLE aside AS SELECT {} FROM ONLY {} ORDER BY random()").format(listed, name)
            )
            connection.execute(sql.SQL("DELETE FROM ONLY {}").format(name))
            into = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM aside")
            plain = sql.SQL("INSERT INTO {} SELECT FROM aside").format(name)
            connection.execute(into.format(name, listed, listed) if columns else plain)
            connection.execute("DROP TABLE aside")
    return moved


def _move_columns(connection: psycopg.Connection, name: sql.Identifier) -> int:
    found = connection.execute(_PLAIN_COLUMNS, [name.as_string()]).fetchall()
    for column, kind in reversed(found):
        for statement in (
            "ALTER TABLE {table} ADD COLUMN again " + kind,
            "UPDATE {table} SET again = {column}",
            "ALTER TABLE {table} DROP COLUMN {column}",
            "ALTER TABLE {table} RENAME COLUMN again TO {column}",
        ):
            connection.execute(sql.SQL(statement).format(table=name, column=sql.Identifier(column)))
    return len(found)


def ids_of_hard(directory: Path, conninfo: str) -> dict[str, tuple[str, ...]]:
    """The chunks of a backup of the hard schema."""
    control = hard_control(directory)
    control.add_host("host", conninfo)
    return chunk_ids(control.backup("host", demo="include"))


def ids_of_demo(directory: Path, conninfo: str) -> dict[str, tuple[str, ...]]:
    """The chunks of a backup of the reference application."""
    control = Control(directory)
    control.add_host("host", conninfo)
    return chunk_ids(control.backup("host", demo="include"))


def test_other_orders_of_columns_and_rows_give_the_same_chunks(
    tmp_path: Path, servers: Servers, demo_template: Callable[[int], str]
) -> None:
    """Of the hard schema and of the reference application, on two versions of PostgreSQL."""
    hard = {version: servers.database(version) for version in (16, 18)}
    for conninfo in hard.values():
        load_hard(conninfo, without=EVERYWHERE)
    first = ids_of_hard(tmp_path / "a", hard[16])
    assert shuffle(hard[18], SCHEMA) > 50
    assert ids_of_hard(tmp_path / "b", hard[18]) == first
    whole = {version: servers.database(version, template=demo_template(version)) for version in (16, 18)}
    first = ids_of_demo(tmp_path / "c", whole[18])
    assert shuffle(whole[16], "public") > 200
    assert ids_of_demo(tmp_path / "d", whole[16]) == first


SETTINGS = {
    "DateStyle": "German, DMY",
    "IntervalStyle": "iso_8601",
    "TimeZone": "Asia/Kathmandu",
    "extra_float_digits": "-10",
    "bytea_output": "escape",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "standard_conforming_strings": "off",
    "xmloption": "document",
    "synchronize_seqscans": "on",
    "search_path": '"Odd schema"',
    "default_transaction_isolation": "serializable",
    "lock_timeout": "1ms",
}
"""What an administrator may have set for a database or a role, and what changes how values are written or read."""


def test_settings_of_the_databases_do_not_matter(tmp_path: Path, servers: Servers) -> None:
    """A backup of, and a restore into, databases with settings of their own give the same chunks."""
    plain, odd, empty = (servers.database(18) for _ in range(3))
    load_hard(plain)
    load_hard(odd)
    create_hard(empty)
    for conninfo in (odd, empty):
        with psycopg.connect(conninfo, autocommit=True) as connection:
            name = sql.Identifier(connection.info.dbname)
            for setting, value in SETTINGS.items():
                connection.execute(
                    sql.SQL("ALTER DATABASE {} SET {} TO {}").format(
                        name,
                        sql.Identifier(setting),
                        sql.SQL(value) if setting == "search_path" else sql.Literal(value),
                    )
                )
    expected = ids_of_hard(tmp_path / "a", plain)
    control = hard_control(tmp_path / "b")
    control.add_host("odd", odd)
    control.add_host("empty", empty)
    manifest = control.backup("odd", demo="include")
    assert chunk_ids(manifest) == expected
    control.restore("empty", manifest, "mirror")
    assert chunk_ids(control.backup("empty", demo="include")) == expected


LOCALES = ("en-US-u-kn-true-ka-shifted", "sv-u-kf-upper")
"""Orders that are far from that of bytes: numbers by value, punctuation ignored; upper case first, å after z."""


@pytest.fixture(params=LOCALES if EVERYTHING else LOCALES[:1])
def with_locale(request: pytest.FixtureRequest, pg15: EmbeddedServer) -> Iterator[str]:
    """A PostgreSQL 15 database whose default collation is an ICU locale's."""
    name = f"icu_{os.getpid()}_{LOCALES.index(request.param)}"
    with psycopg.connect(pg15.superuser, autocommit=True) as connection:
        connection.execute(
            sql.SQL(
                "CREATE DATABASE {} OWNER playback TEMPLATE template0"
                " LOCALE_PROVIDER icu ICU_LOCALE {} LOCALE 'C.UTF-8'"
            ).format(sql.Identifier(name), sql.Literal(request.param))
        )
    yield pg15.conninfo(name)
    pg15.drop_database(name)


def test_another_collation_gives_the_same_chunks(tmp_path: Path, servers: Servers, with_locale: str) -> None:
    """A database sorted the way people of some language do, on PostgreSQL 15, against one sorted by bytes, on 18."""
    by_bytes = servers.database(18)
    for conninfo in (by_bytes, with_locale):
        load_hard(conninfo, without=EVERYWHERE)
    assert ids_of_hard(tmp_path / "a", with_locale) == ids_of_hard(tmp_path / "b", by_bytes)
    for conninfo in (by_bytes, with_locale):
        execute(conninfo, 'DROP SCHEMA "Odd schema" CASCADE')
        demo.load(conninfo)
    with psycopg.connect(with_locale) as there, psycopg.connect(by_bytes) as here:
        orders = [
            connection.execute("SELECT array_agg(name ORDER BY name) FROM public.business_products").fetchone()
            for connection in (there, here)
        ]
    assert orders[0] != orders[1]
    assert ids_of_demo(tmp_path / "c", with_locale) == ids_of_demo(tmp_path / "d", by_bytes)
