"""The code of the application runs in its own search path, and ours means the same under any."""

from __future__ import annotations

import pytest
from psycopg.conninfo import make_conninfo

from tests.caseless import create_caseless
from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from tests.restore.laboratory import SUPERUSER

SCHEMA = (
    "CREATE FUNCTION norm(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(t)'",
    "CREATE FUNCTION plain(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN norm(t); END'",
    "CREATE DOMAIN word AS text CHECK (plain(VALUE) <> 'bad')",
    "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name word,"
    " shown text GENERATED ALWAYS AS (plain(name)) STORED, CHECK (plain(name) <> 'worse'))",
    "CREATE UNIQUE INDEX ON items (plain(name))",
    "CREATE TABLE heard (what text)",
    "CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN INSERT INTO heard VALUES (TG_OP || plain(NEW.name)); RETURN NEW; END $$",
    "CREATE TRIGGER hear AFTER INSERT OR UPDATE ON items FOR EACH ROW EXECUTE FUNCTION hear()",
)


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    """Items that are checked, indexed and computed by functions which name others without their schema."""
    made = make_pair({"items": {"owned_by": ["tenant"]}}, *SCHEMA, transient={"heard": {}})
    execute(made.source, "INSERT INTO items VALUES (1, 'a', 'New'), (2, 'a', 'Changed'), (3, 'b', 'B')")
    execute(made.target, "INSERT INTO items VALUES (2, 'a', 'Old'), (4, 'a', 'Extra'), (3, 'b', 'B')")
    execute(made.target, "DELETE FROM heard")
    return made


@pytest.mark.parametrize("host", ["target", "superuser"])
def test_functions_find_what_they_name_without_a_schema(pair: Pair, host: str) -> None:
    """Checks, indexes, generated columns, domains and triggers that fire run in the search path of the database."""
    manifest = pair.backup()
    outcome = pair.restore(of=manifest, host=host, triggers="fire")
    assert (outcome.facts["inserts"], outcome.facts["updates"], outcome.facts["deletes"]) == (1, 1, 1)
    assert pair.rows("SELECT id, shown FROM items ORDER BY id") == [(1, "new"), (2, "changed"), (3, "b")]
    assert sorted(pair.rows("SELECT what FROM heard")) == [("INSERTnew",), ("UPDATEchanged",)]
    assert not pair.restore(of=manifest, host=host).changed


def test_what_the_functions_refuse_is_foreseen(pair: Pair) -> None:
    """A row that an index of such a function has already is a conflict of the plan."""
    execute(pair.target, "UPDATE items SET name = 'NEW' WHERE id = 3")
    conflicts: list[str] = pair.restore("merge", check=True, businesses=["a"]).facts["conflicts"]  # type: ignore[assignment]
    assert len(conflicts) == 1
    assert "items_plain_idx" in conflicts[0]


def test_a_condition_of_the_catalog_file_has_the_operators_of_the_database(make_pair: MakePair) -> None:
    """`where` finds operators in the search path: of citext and the like, which see no case."""
    pair = make_pair({"items": {"owned_by": ["tenant"], "where": "code = 'x'"}})
    for conninfo in (pair.source, pair.target):
        create_caseless(make_conninfo(conninfo, user=SUPERUSER))
    pair.fill("CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants, code caseless)")
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x'), (2, 'a', 'X'), (3, 'a', 'y')")
    assert pair.restore().facts["inserts"] == 2
    assert pair.rows("SELECT id FROM items ORDER BY id") == [(1,), (2,)]


def test_the_types_of_a_backup_are_named_the_same_under_any_search_path(make_pair: MakePair) -> None:
    """A database whose search path lacks the schema of a type or a function fits the backup of one that has it."""
    pair = make_pair(
        {"items": {"owned_by": ["tenant"]}},
        "CREATE TYPE mood AS ENUM ('low', 'high')",
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants, mood mood, span int4range,"
        " CHECK (mood <> 'low'), EXCLUDE USING gist (span WITH &&) WHERE (mood = 'high'))",
    )
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'high', '[1,3)')")
    wider = make_conninfo(pair.target, options="-c search_path=pg_temp")
    pair.control.add_host("wider", wider)
    assert pair.restore(host="wider").facts["inserts"] == 1
    assert not pair.restore().changed
