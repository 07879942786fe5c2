"""Values of all types go out as json-2.0 and come in again, and JavaScript finds its checksum."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.control import Control, execute
from tests.sweeps import slow_only

VALUES = [
    ("jsonb", '\'{"price":1.50,"b":1,"10":2,"9":3}\''),
    ("jsonb", "'[9007199254740993,1e400,0.1000000000000000055]'"),
    ("json", '\'{"a":1,"a":2}\''),
    ("double precision", "'-0'"),
    ("double precision", "1e-7"),
    ("double precision", "1e21"),
    ("double precision", "'Infinity'"),
    ("real", "'-0'"),
    ("real", "1.1"),
    ("real", "3.4028235e38"),
    ("real", "1e-45"),
    ("timetz", "'24:00:00-15:59'"),
    ("timetz", "'12:00:00+05:53:28'"),
    ("time", "'24:00:00'"),
    ("time", "'23:59:59.999999'"),
    ("date", "'5874897-12-31'"),
    ("date", "'10000-01-01'"),
    ("date", "'0044-03-15 BC'"),
    ("date", "'4713-01-01 BC'"),
    ("date", "'infinity'"),
    ("timestamp", "'0044-03-15 12:00 BC'"),
    ("timestamptz", "'0044-03-15 12:00+00 BC'"),
    ("timestamp", "'294276-12-31 23:59:59.999999'"),
    ("timestamptz", "'294276-12-31 23:59:59.999999+00'"),
    ("timestamptz", "'-infinity'"),
    ("timestamp", "'12345-01-01'"),
    ("timestamptz", "'4714-11-24 00:00:00+00 BC'"),
    ("interval", "'1 year 2 mons -3 days 04:05:06.789'"),
    ("money", "'$1,234.50'"),
    ("money", "'-$0.01'"),
    ("inet", "'10.0.0.1/8'"),
    ("cidr", "'10.0.0.0/8'"),
    ("macaddr", "'08:00:2b:01:02:03'"),
    ("bit(5)", "B'10101'"),
    ("bit varying", "B''"),
    ("int4range", "'[1,5)'"),
    ("numrange", "'(,1.50]'"),
    ("tstzrange", "'[2020-01-01 00:00+00,)'"),
    ("int4multirange", "'{[1,2),[5,7)}'"),
    ("tsvector", "to_tsvector('simple','a b''c \\ d')"),
    ("tsquery", "'a & !b'"),
    ("point", "'(1.5,-0)'"),
    ("box", "'(1,1),(0,0)'"),
    ("path", "'[(0,0),(1,1)]'"),
    ("circle", "'<(0,0),1e-20>'"),
    ("line", "'{1,2,3}'"),
    ('"char"', "'x'"),
    ('"char"', "''"),
    ("name", "'abc'"),
    ("xid8", "'18446744073709551615'"),
    ("pg_lsn", "'FF/1'"),
    ("char(5)", "'ab'"),
    ("varchar(3)", "'äöü'"),
    ("text", "E'\\x01\\x7f\\u2028\\\\ \"\\r\\n\\t\\x0b\\\\N'"),
    ("text", "'\\N'"),
    ("text", "''"),
    ("numeric", "'NaN'"),
    ("numeric", "'Infinity'"),
    ("numeric", "1e-20"),
    ("numeric(10,2)", "1.50"),
    ("numeric(3,-2)", "12300"),
    ("numeric(5,10)", "0.0000012345"),
    ("numeric", "123456789012345678901234567890.1234567890"),
    ("bigint", "'-9223372036854775808'"),
    ("smallint", "'-32768'"),
    ("boolean", "false"),
    ("bytea", "'\\x00ff'"),
    ("bytea", "''"),
    ("text[]", "'{}'"),
    ("text[]", "ARRAY['NULL',NULL,'','a\"b\\c','{',E'\\n']"),
    ("text[]", "'[0:1]={a,b}'"),
    ("text[]", "'{{a,b},{c,NULL}}'"),
    ("integer[]", "'{{1,2},{3,4}}'"),
    ("bigint[]", "'{9007199254740993}'"),
    ("numeric[]", "'{1.50,NaN}'"),
    ("double precision[]", "'{-0,1e21,NaN,1e-7}'"),
    ("boolean[]", "'{t,f,NULL}'"),
    ("bytea[]", "ARRAY['\\x00'::bytea,'\\x'::bytea]"),
    ("timestamp[]", "ARRAY['2020-01-01 00:00:00.5'::timestamp,'infinity','0044-03-15 BC','20000-01-01']"),
    ("timestamptz[]", "ARRAY['2020-01-01 00:00:00.5+00'::timestamptz,'infinity']"),
    ("date[]", "'{2020-01-01,20000-01-01}'"),
    ("time[]", "'{24:00:00}'"),
    ("jsonb[]", "ARRAY['[1,2]'::jsonb,'[3]']"),
    ("jsonb[]", "ARRAY['[1,2]'::jsonb,'[3,4]']"),
    ("jsonb[]", "ARRAY['null'::jsonb]"),
    ("jsonb[]", "ARRAY['null'::jsonb,NULL]"),
    ("jsonb[]", "ARRAY[ARRAY['1'::jsonb],ARRAY['{\"a\":1.50}'::jsonb]]"),
    ("jsonb[]", 'ARRAY[\'"x"\'::jsonb,\'{"10":1,"9":"q"}\']'),
    ("json[]", 'ARRAY[\'{"a":1,"a":2}\'::json]'),
    ("jsonb[]", "'{}'"),
    ("box[]", "ARRAY['(1,1),(0,0)'::box,'(2,2),(1,1)']"),
    ("point[]", "ARRAY['(1,1)'::point]"),
    ("kind[]", "'{NEW,USED}'"),
    ("int4range[]", "ARRAY['[1,5)'::int4range]"),
    ("interval[]", "ARRAY['1 day'::interval]"),
    ("varchar(3)[]", "'{abc}'"),
    ("money_amount[]", "'{1.50}'"),
    ("jsonb", "'\"a\"'"),
    ("jsonb", "'1.50'"),
    ("jsonb", "'[]'"),
    ("interval(0)", "'1 s'"),
    ("timestamp(0)", "'2020-01-01 00:00:01'"),
    ("timestamptz(3)", "'2020-01-01 00:00:01.123+00'"),
    ("interval day to second", "'1 day 00:00:01.5'"),
    ("int2vector", "'1 2'"),
    ("hidden", "ROW(1,'a \"b')"),
    ("hidden[]", "ARRAY[ROW(1,'a \"b')::hidden]"),
    ("money[]", "'{$1.50,\"$1,234.00\"}'"),
    ("uuid[]", "'{2b2f3f0e-5f5c-4a39-9b3e-6d1b0f1c1a11}'"),
    ("json", '\'{"a":"\\ud83d","b":1.50}\''),
    ("jsonb", "(repeat('[',1500)||repeat(']',1500))::jsonb"),
]
"""Types, and expressions for a value of each."""

LOST = "that JavaScript reads with other digits, or not at all: the file has them all, the application has not"
SAID = [
    f"items.c001: 3 numbers {LOST}",
    "items.c002: 1 value with a name twice in an object: the application reads the last one alone",
    "items.spaced: 1 value of type json with white space or escapes that JavaScript does not write: they are not kept",
]
CHECKSUM = "f225a9ebe171d3038e49fccbe9441f1de96ceb4beb5724989bc4f2438c37bbde"
"""What Node.js makes of it: the SHA-256 of JSON.stringify(JSON.parse(file).businessData)."""

CHECK = """
const backup = JSON.parse(require("fs").readFileSync(0, "utf8"))
const text = JSON.stringify(backup.businessData)
console.log(require("crypto").createHash("sha256").update(text).digest("hex"))
"""
CATALOG = {
    "catalog": "application",
    "tenant": {"table": "tenants", "key": "id", "label": "name", "demo": "demo"},
    "business": {"all": {"tenants": "tenant", "items": {"owned_by": ["tenant"]}, "9": "shared", "10": "shared"}},
}


@pytest.fixture
def exported(tmp_path: Path, new_database: Callable[[], str]) -> Control:
    """A control directory with a backup, and `out.json`; names in it that JavaScript puts first."""
    control = Control(tmp_path, catalog=json.dumps(CATALOG))
    conninfo = psycopg.conninfo.make_conninfo(new_database(), user="postgres")
    columns = {f"c{number:03}": kind for number, (kind, _) in enumerate(VALUES)}
    written = ", ".join(f'"{name}" {kind}' for name, kind in (columns | {"7": "text", "spaced": "json"}).items())
    execute(
        conninfo,
        "CREATE TYPE kind AS ENUM ('NEW', 'USED')",
        "CREATE DOMAIN money_amount AS numeric(8,2) CHECK (VALUE >= 0)",
        "CREATE TYPE hidden AS (a int, b text)",
        "CREATE TABLE tenants (id text PRIMARY KEY, name text NOT NULL, demo boolean)",
        'CREATE TABLE "9" (id integer PRIMARY KEY)',
        'CREATE TABLE "10" (id integer PRIMARY KEY)',
        f"CREATE TABLE items (id text PRIMARY KEY, tenant text REFERENCES tenants, {written})",
        "INSERT INTO tenants VALUES ('t', 'T', false)",
        'INSERT INTO "9" VALUES (1)',
        "INSERT INTO items VALUES ('i', 't', {})".format(
            ", ".join(f"{value}::{kind}" for kind, value in [*VALUES, ("text", "'x'"), ("json", "'{ }'")])
        ),
    )
    control.add_host("shop", conninfo)
    control.backup("shop", scope="business", demo="include")
    done = control.run("export", "shop", {"format": "json-2.0", "file": "out.json"})
    assert list(done.warnings) == SAID
    # that is said, and would differ
    execute(conninfo, "UPDATE items SET spaced = '{}'")
    return control


def test_every_type_comes_back_the_same(exported: Control) -> None:
    """What is not said to be lost is the same to the byte, and the checksum is that of JavaScript."""
    text = (exported.directory / "out.json").read_text(encoding="utf-8")
    assert text.startswith('{"businessData":{"9":[{"id":1}],"10":[],"items":[{"7":"x",')
    # one value is nested deeper than Python's own reader goes
    metadata = json.loads(text[text.rindex('"metadata":') + 11 : -1])
    assert metadata["checksums"] == {"businessData": CHECKSUM}
    again = exported.run("import", "shop", {"file": "out.json", "on": "host", "job": "again"})
    facts = exported.run("backup", "shop", {"scope": "business", "demo": "include"}).facts
    first = exported.repository.manifest(str(facts["label"]))
    second = exported.repository.manifest(str(again.facts["label"]))
    assert {entry.name: entry.digest for entry in second.tables} == {entry.name: entry.digest for entry in first.tables}


@slow_only
def test_javascript_finds_its_checksum(exported: Control) -> None:
    """Node.js computes the checksum that the file has."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not there")
    data = (exported.directory / "out.json").read_bytes()
    done = subprocess.run([node, "-e", CHECK], input=data, capture_output=True, check=True)
    assert done.stdout.decode().strip() == CHECKSUM
