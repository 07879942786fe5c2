"""Keys whose values have several spellings: rows are found by the server's own operators, and become what is stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from tests.caseless import create_caseless
from tests.conftest import Servers
from tests.control import Control, execute, rows
from tests.installed import copied_database
from tests.sweeps import sampled
from toolkit.postgres.servers.embedded import EmbeddedServer

CATALOG = {
    "catalog": "application",
    "tenant": {"table": "tenants", "key": "id", "label": "name", "demo": "demo"},
    "business": {
        "all": {
            "tenants": "tenant",
            "items": {"owned_by": ["tenant"]},
            "parts": {"owned_by": ["item"]},
            "notes": {"owned_by": ["tenant"], "references": {"tenant": "tenants.id"}},
        }
    },
}


@dataclass(frozen=True)
class Kind:
    """A type, two spellings of one value, a third and fourth that equal neither, and what makes the type.

    Attributes:
        pointing: the type of columns that point at one; empty for the same.
    """

    type: str
    one: str
    same: str
    other: str
    demo: str
    ddl: tuple[str, ...] = ()
    pointing: str = ""

    @property
    def cast(self) -> str:
        """What makes a value of a column that points one of the type."""
        return f"::{self.type.partition(' COLL')[0]}"

    @property
    def tables(self) -> tuple[str, ...]:
        """The application's schema."""
        kind, pointing = self.type, self.pointing or self.type
        return (
            *self.ddl,
            f"CREATE TABLE tenants (id {kind} PRIMARY KEY, name text, demo boolean)",
            f"CREATE TABLE items (id {kind} PRIMARY KEY, tenant {pointing} NOT NULL REFERENCES tenants, text text)",
            f"CREATE TABLE parts (id integer PRIMARY KEY, item {pointing} REFERENCES items, label {kind},"
            " UNIQUE (item, label))",
            f"CREATE TABLE notes (id integer PRIMARY KEY, tenant {kind})",
        )


KINDS = {
    "numeric": Kind("numeric", "1.0", "1.00", "2", "3"),
    "float8": Kind("double precision", "0", "-0", "2", "3"),
    "char": Kind("character(4)", "a", "a   ", "b", "c"),
    "interval": Kind("interval", "1 day", "24:00:00", "2 days", "3 days"),
    "char by text": Kind("character(4)", "a", "a   ", "b", "c", pointing="text"),
    "real by numeric": Kind("real", "0.1", "0.10", "2", "3", pointing="numeric"),
    "jsonb": Kind("jsonb", '{"a": 1}', '{"a": 1.0}', '{"a": 2}', "3"),
    "array": Kind("numeric[]", "{1.0}", "{1.00}", "{2}", "{3}"),
    "range": Kind("numrange", "[1.0,2)", "[1.00,2)", "[2,3)", "[3,4)"),
    "record": Kind("pair", "(1.0,x)", "(1.00,x)", "(2,)", "(3,x)", ("CREATE TYPE pair AS (a numeric, b text)",)),
    "domain": Kind("amount", "1.0", "1.00", "2", "3", ("CREATE DOMAIN amount AS numeric",)),
    "caseless": Kind("caseless", "one", "ONE", "two", "three"),
    "domain of caseless": Kind("tag", "one", "ONE", "two", "three", ("CREATE DOMAIN tag AS caseless",)),
    "array of caseless": Kind("caseless[]", "{one}", "{ONE}", "{two}", "{three}"),
    "record of caseless": Kind("pair", "(one)", "(ONE)", "(two)", "(three)", ("CREATE TYPE pair AS (a caseless)",)),
}

INSTALLED = {
    "citext": Kind("citext", "one", "ONE", "two", "three"),
    "citext[]": Kind("citext[]", "{one}", "{ONE}", "{two}", "{three}"),
    "hstore": Kind("hstore", "a=>1", '"a"=>"1"', "b=>2", "c=>3"),
    "ltree": Kind("ltree", "a.b", "a.b", "a.c", "a.d"),
    "isbn": Kind("isbn13", "978-0-393-04002-9", "9780393040029", "978-0-306-40615-7", "978-3-16-148410-0"),
    "cube": Kind("cube", "(1)", "(1),(1)", "(2)", "(3)"),
    "seg": Kind("seg", "1.5", "1.5", "2", "3"),
    "collation": Kind(
        "text COLLATE caseless",
        "one",
        "ONE",
        "two",
        "three",
        ("CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",),
    ),
}
EXTENSIONS = ("citext", "hstore", "ltree", "isn", "cube", "seg")


def _filled(kind: Kind) -> tuple[str, ...]:
    """A tenant whose rows name it in both ways, another one, and a demo one."""
    one, same, other, demo = kind.one, kind.same, kind.other, kind.demo
    return (
        f"INSERT INTO tenants VALUES ('{one}', 'A', false), ('{other}', 'B', false), ('{demo}', 'D', true)",
        f"INSERT INTO items VALUES ('{one}', '{same}', 'x'), ('{other}', '{other}', 'y'), ('{demo}', '{demo}', 'z')",
        f"INSERT INTO parts VALUES (1, '{same}', '{one}'), (2, '{one}', '{other}'), (3, '{other}', '{one}'),"
        f" (4, '{demo}', '{one}')",
        f"INSERT INTO notes VALUES (1, '{one}'), (2, '{same}'), (3, '{other}'), (4, '{demo}')",
    )


def _check(control: Control, source: str, target: str, kind: Kind) -> None:
    """Back up one business, and restore it out of a backup of all over its rows in the other spelling."""
    one, same = kind.one, kind.same
    for conninfo in (source, target):
        execute(conninfo, *kind.tables, *_filled(kind))
    control.add_host("source", source)
    control.add_host("target", target)
    own = control.backup("source", businesses=[same])
    # what SQL itself says
    owned = {
        "tenants": rows(source, f"SELECT count(*) FROM tenants WHERE id = '{same}'{kind.cast}"),
        "items": rows(
            source, f"SELECT count(*) FROM items i JOIN tenants t ON i.tenant{kind.cast} = t.id AND t.name = 'A'"
        ),
        "parts": rows(
            source, f"SELECT count(*) FROM parts p JOIN items i ON p.item{kind.cast} = i.id WHERE i.text = 'x'"
        ),
        "notes": rows(source, "SELECT count(*) FROM notes n JOIN tenants t ON n.tenant = t.id AND t.name = 'A'"),
    }
    assert {entry.name: entry.rows for entry in own.tables} == {name: count for name, [(count,)] in owned.items()}
    whole = control.backup("source")
    assert sum(entry.rows for entry in whole.tables) == 10
    execute(
        target,
        f"UPDATE items SET id = '{same}', text = 'changed' WHERE text = 'x'",
        f"UPDATE tenants SET id = '{same}' WHERE name = 'A'",
        f"UPDATE parts SET item = '{one}', label = '{same}' WHERE id = 1",
        f"INSERT INTO parts VALUES (5, '{one}', '{kind.demo}')",
        "UPDATE items SET text = 'theirs' WHERE text = 'y'",
    )
    assert not rows(
        target, f"SELECT FROM parts p WHERE NOT EXISTS (SELECT FROM items i WHERE i.id = p.item{kind.cast})"
    )
    planned = control.restore("target", whole, "mirror", businesses=[same], check=True)
    done = control.restore("target", whole, "mirror", businesses=[same])
    assert planned.facts["tables"] == done.facts["tables"]
    assert not control.restore("target", whole, "mirror", businesses=[one]).changed
    assert control.backup("target", businesses=[one]).metadata.checksums == own.metadata.checksums
    assert rows(target, "SELECT text FROM items ORDER BY text") == [("theirs",), ("x",), ("z",)]
    control.restore("target", whole, "mirror")
    assert "are equal" in control.verify("target", whole).message


@pytest.mark.parametrize("name", sampled(list(KINDS), 6))
def test_rows_are_found_whatever_their_spelling(
    name: str, tmp_path: Path, servers: Servers, pg18: EmbeddedServer
) -> None:
    """A business has the rows that name it in any spelling; a row whose key is spelled otherwise is updated."""
    source, target = servers.database(), servers.database()
    if "caseless" in name:
        for conninfo in (source, target):
            create_caseless(make_conninfo(conninfo, user="postgres"))
    _check(Control(tmp_path, catalog=json.dumps(CATALOG)), source, target, KINDS[name])


@pytest.fixture(scope="module")
def extended(pg15: EmbeddedServer) -> str:
    """The name of a database to copy that has the contributed extensions."""
    if not {(name,) for name in EXTENSIONS} <= {*rows(pg15.superuser, "SELECT name FROM pg_available_extensions")}:
        pytest.skip("the contributed extensions are not installed")
    pg15.create_database("extended")
    execute(pg15.conninfo("extended", user="postgres"), *(f"CREATE EXTENSION {name}" for name in EXTENSIONS))
    return "extended"


@pytest.mark.parametrize("name", sampled(list(INSTALLED), 3))
def test_types_of_extensions_and_collations(name: str, tmp_path: Path, pg15: EmbeddedServer, extended: str) -> None:
    """The same of contributed types and of collations that take different texts for equal."""
    names = [f"{name}_{role}".replace("[]", "s") for role in ("source", "target")]
    source, target = (copied_database(pg15, each, extended) for each in names)
    _check(Control(tmp_path, catalog=json.dumps(CATALOG)), source, target, INSTALLED[name])
