"""The hard schema: what must be in it is, and its catalog file names every table."""

from __future__ import annotations

import os
from typing import Any

import psycopg
import pytest

from tests.conftest import VERSIONS, Servers
from tests.control import rows
from toolkit.config import catalog
from toolkit.demo.databases import FILLED
from toolkit.demo.hard import SCHEMA, Feature, create_hard, load_hard
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.shipped import DEMO_INVENTORY

TABLES = f"""
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = '"{SCHEMA}"'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""
TYPES = set(
    'bigint,bit(5),bit varying,box,bytea,"char",character(8),cidr,circle,date,daterange,double precision,inet,'
    "int4range,int8multirange,integer,integer[],interval,json,jsonb,jsonpath,line,lseg,macaddr,macaddr8,money,name,numeric,"
    "numeric[],numrange,path,pg_lsn,pg_snapshot,point,polygon,real,smallint,text,text[],tid,"
    "time with time zone,timestamp(0) without time zone,tsmultirange,tsquery,tstzrange,tsvector,uuid".split(",")
)
OWN_TYPES = {
    '"Mood"',
    '"Mood"[]',
    '"Place"',
    '"Code"',
    "amount",
    "price",
    "moods",
    "span",
    "spans",
    "size[]",
    "box_of[]",
}


def _classified() -> set[str]:
    return set(catalog.load(DEMO_INVENTORY / "catalogs" / "hard.yml").rules)


def _tables(conninfo: str) -> set[str]:
    return {name for (name,) in rows(conninfo, TABLES)}


@pytest.mark.parametrize("version", VERSIONS)
def test_an_ordinary_role_loads_what_the_server_knows(servers: Servers, version: int) -> None:
    """The embedded servers lack XML and ICU, a role that is no superuser lacks foreign tables; the report says so."""
    conninfo = servers.database(version)
    report = load_hard(conninfo)
    expected = {Feature.XML, Feature.COLLATION, Feature.FOREIGN_TABLE} | ({Feature.VIRTUAL} if version < 18 else set())
    assert report.skipped.keys() == expected
    assert report.skipped[Feature.XML] == "the server is built without libxml"
    assert report.seconds < 10
    assert _tables(conninfo) == _classified() - {"xml_documents", "logins", "login_times"}


def test_a_full_server_loads_everything(pg15: EmbeddedServer) -> None:
    """As a superuser of a server with ICU and libxml, nothing but virtual columns is passed over."""
    name = f"full_{os.getpid()}"
    pg15.create_database(name)
    conninfo = pg15.conninfo(name, user="postgres")
    assert load_hard(conninfo).skipped.keys() == {Feature.VIRTUAL}
    assert _tables(conninfo) == _classified()
    assert rows(conninfo, f"SELECT login FROM \"{SCHEMA}\".logins WHERE login = 'ZOË'") == [("Zoë",)]
    pg15.drop_database(name)


def test_features_can_be_left_out(servers: Servers) -> None:
    """What is not wanted is not made, and the report gives that as the reason."""
    conninfo = servers.database(18)
    assert create_hard(conninfo, without=[Feature.VIRTUAL]).skipped[Feature.VIRTUAL] == "not wanted"
    assert rows(conninfo, "SELECT count(*) FROM pg_attribute WHERE attname = 'half'") == [(0,)]
    assert {count for (count,) in rows(conninfo, f'SELECT count(*) FROM "{SCHEMA}"."user"')} == {0}


@pytest.fixture(scope="module")
def hard(pg18: EmbeddedServer) -> Any:
    """A connection to the loaded hard schema, which tests here only read."""
    name = f"hard_{os.getpid()}"
    conninfo = pg18.create_database(name)
    load_hard(conninfo)
    with psycopg.connect(conninfo, autocommit=True, options="-c extra_float_digits=1") as connection:
        connection.execute(f'SET search_path TO "{SCHEMA}"'.encode())
        yield connection
    pg18.drop_database(name)


def _all(connection: psycopg.Connection[Any], query: str) -> list[Any]:
    return [row[0] if len(row) == 1 else row for row in connection.execute(query.encode()).fetchall()]


def test_values_that_are_easily_lost_are_there(hard: psycopg.Connection[Any]) -> None:
    """Equal numbers that are written differently, what is not a number, and the ends of time."""
    exact = _all(hard, "SELECT exact::text FROM numbers ORDER BY id")
    assert {"1.0", "1.00", "NaN", "Infinity", "-Infinity", "0.000"} <= set(exact)
    assert {"-0", "NaN", "Infinity", "5e-324"} <= set(_all(hard, 'SELECT "double"::text FROM numbers'))
    assert {"1 day", "24:00:00"} <= set(_all(hard, 'SELECT "interval"::text FROM times WHERE id < 3'))
    assert {"infinity", "-infinity", "0044-03-15 BC"} <= set(_all(hard, "SELECT day::text FROM times"))
    assert _all(hard, "SELECT json::text = jsonb::text FROM texts WHERE code = 'A'") == [False]
    assert _all(hard, "SELECT octet_length(code) FROM texts WHERE code = 'a b'") == [6]
    assert _all(hard, "SELECT count(*) FROM keyless WHERE keyless IS NULL") == [2]
    assert _all(hard, "SELECT pg_size_pretty(max(length(document))::bigint) FROM documents") == ["5092 kB"]


def test_the_columns_are_of_all_these_types(hard: psycopg.Connection[Any]) -> None:
    """The types of PostgreSQL that have a text of their own, and those that the schema defines."""
    found = set(_all(hard, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attnum > 0"))
    assert found >= TYPES | OWN_TYPES


def test_names_are_as_long_as_names_can_be(hard: psycopg.Connection[Any]) -> None:
    """Tables and columns of 63 bytes, some of several bytes to the letter."""
    longest = _all(
        hard,
        "SELECT DISTINCT attname::text FROM pg_attribute WHERE octet_length(attname::text) = 63"
        " UNION SELECT relname::text FROM pg_class WHERE relkind = 'r' AND octet_length(relname::text) = 63",
    )
    assert len(longest) == 6
    assert sum(not name.isascii() for name in longest) == 3


def test_hard_and_every_scale_are_embedded_databases() -> None:
    """`embedded:hard`, `embedded:demo` and one name for each scale."""
    assert FILLED.keys() == {"demo", "demo-small", "demo-medium", "demo-large", "hard"}


def test_triggers_would_change_rows_if_they_fired(servers: Servers) -> None:
    """A write sets values of its own and tells of itself in another table; the load set nothing off."""
    conninfo = servers.database()
    load_hard(conninfo)
    told = f'SELECT count(*) FROM "{SCHEMA}".keyless WHERE number = -1'
    assert rows(conninfo, told) == [(0,)]
    with psycopg.connect(conninfo) as connection:
        connection.execute(f'UPDATE "{SCHEMA}".numbers SET cash = cash'.encode())
        connection.execute(f'UPDATE "{SCHEMA}".texts SET plain = plain'.encode())
        assert connection.execute(f'SELECT DISTINCT small FROM "{SCHEMA}".numbers'.encode()).fetchall() == [(7,)]
    assert rows(conninfo, told)[0][0] > 0
