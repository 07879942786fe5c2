"""What the server says to whole rows, indexes and publications is asked before anything is written."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from tests.control import execute
from tests.installed import VERSION
from tests.restore.conftest import MakePair
from tests.restore.laboratory import SUPERUSER
from tests.restore.test_conflicts import refused
from tests.restore.test_deletion import HOSTS
from tests.restore.test_swaps import resolved
from tests.restore.test_unforeseen import named
from tests.sweeps import covering, sampled
from toolkit.errors import RefusedError

RULES: dict[str, Any] = {"items": {"owned_by": ["tenant"]}}
ITEMS = "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text)"
FUNCTION = "CREATE FUNCTION {} RETURNS {} LANGUAGE {} IMMUTABLE AS $$ {} $$"

WHOLE = {
    "function": "ADD CHECK (fine(items))",
    "columns": "ADD CHECK ((items IS NOT NULL) AND name <> 'bad')",
    "table": "ADD CHECK (tableoid = 'items'::regclass AND name <> 'bad')",
    "index": "ADD EXCLUDE (told(items) WITH =), ADD CHECK (name <> 'bad')",
    "condition": "ADD EXCLUDE (name WITH =) WHERE (items IS NOT NULL), ADD CHECK (name <> 'bad')",
}


@pytest.mark.parametrize(("how", "host"), sampled(covering([*WHOLE], ("target", "superuser")), 3))
def test_a_row_as_a_whole(make_pair: MakePair, how: str, host: str) -> None:
    """Constraints that speak of rows as such, or of the table that they are in, are tried on rows to be written."""
    pair = make_pair(
        RULES,
        ITEMS,
        FUNCTION.format("fine(items)", "boolean", "sql", "SELECT ($1).name <> 'bad'"),
        FUNCTION.format("told(items)", "text", "sql", "SELECT ($1).name"),
        f"ALTER TABLE items {WHOLE[how]}",
    )
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'b', 'z')")
    execute(pair.target, "INSERT INTO items VALUES (1, 'a', 'y'), (2, 'b', 'x')")
    resolved(pair, host)
    check = pair.rows("SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = 'items'::regclass")[0][0]
    execute(pair.source, f"ALTER TABLE items DROP CONSTRAINT {check}", "UPDATE items SET name = 'bad' WHERE id = 2")
    [conflict] = refused(pair, host=host)
    assert conflict.startswith(f"items: constraint {check} says CHECK")
    assert conflict.endswith(": 1 row, e.g. 2")


KNOWN = "BEGIN RETURN EXISTS (SELECT FROM kinds WHERE id = $1); END"


@pytest.mark.parametrize("host", sampled(("target", "superuser"), 1))
def test_a_constraint_that_reads_other_tables(make_pair: MakePair, host: str) -> None:
    """What it will say depends on rows that the restore writes too, whatever its function was declared: the plan names
    it, and the server judges."""
    pair = make_pair(
        {**RULES, "kinds": "shared"},
        "CREATE TABLE kinds (id text PRIMARY KEY)",
        ITEMS,
        FUNCTION.format("known(text)", "boolean", "plpgsql", KNOWN),
        FUNCTION.format("tail(text)", "text", "sql", "SELECT substring($1 FROM 2)"),
        "ALTER TABLE items ADD CONSTRAINT old CHECK (known(name)), ADD CHECK (tail(name) <> 'x')",
    )
    for database, kind in ((pair.source, "new"), (pair.target, "old")):
        execute(database, f"INSERT INTO kinds VALUES ('{kind}')", f"INSERT INTO items VALUES (1, 'a', '{kind}')")
    manifest = pair.backup()
    planned = pair.restore(of=manifest, host=host, check=True)
    assert named(planned) == ["constraint old of table items depends on known, which need not answer then as now"]
    assert pair.restore(of=manifest, host=host).facts["tables"] == planned.facts["tables"]
    execute(pair.source, "ALTER TABLE items DROP CONSTRAINT old", "UPDATE items SET name = 'other'")
    manifest = pair.backup()
    assert pair.restore(of=manifest, host=host, check=True).facts["conflicts"] == []
    with pytest.raises(RefusedError):
        pair.restore(of=manifest, host=host)
    assert pair.rows("SELECT name FROM items") == [("new",)]


LONG = "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 400) n)"
INDEXES = {
    "CREATE INDEX i ON items ((10 / (length(name) - 3)))": "i cannot be computed: division by zero",
    "CREATE INDEX i ON items (id) WHERE 10 / (length(name) - 3) > 1": "i cannot be computed: division by zero",
    "CREATE INDEX i ON items ((name || CASE name WHEN 'bad' THEN wide() END))": "an index does not take them (i):"
    " index row requires",
    "CREATE INDEX i ON items USING gin ((ARRAY[name, CASE name WHEN 'bad' THEN wide() END]))": "an index does not take"
    " them (i): index row",
}


@pytest.mark.parametrize(("index", "host"), sampled(covering([*INDEXES], ("target", "superuser")), 2))
def test_rows_that_an_index_cannot_take(make_pair: MakePair, index: str, host: str) -> None:
    """Indexes that keep nothing apart refuse rows, too: these are named, or put aside, and others are not."""
    wide = FUNCTION.format("wide()", "text", "plpgsql", f"BEGIN RETURN {LONG}; END")
    pair = make_pair(RULES, ITEMS, wide)
    execute(pair.target, index)
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'good'), (2, 'b', 'bad')")
    [conflict] = refused(pair, host=host)
    assert conflict.startswith(f"items: {INDEXES[index]}")
    assert conflict.endswith(": 1 row, e.g. 2")
    done = pair.restore(host=host, on_error="quarantine")
    assert (done.exit_code, pair.rows("SELECT id FROM items")) == (3, [(1,)])


def test_an_index_that_is_not_valid_keeps_values_apart(make_pair: MakePair) -> None:
    """What `CREATE INDEX CONCURRENTLY` has left behind looks at rows that are written, like any other."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.target, "CREATE UNIQUE INDEX left_behind ON items (name)", "INSERT INTO items VALUES (2, 'b', 'x')")
    invalid = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'left_behind'::regclass"
    execute(make_conninfo(pair.target, user=SUPERUSER), invalid)
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x')")
    said = "items: values of unique key left_behind (name) are held by other rows (such as 2): 1 row, e.g. 1"
    assert refused(pair, "merge") == [said]


@pytest.mark.parametrize("kind", sampled(["STORED", *(["VIRTUAL"] if VERSION >= 18 else [])], 1))
def test_a_column_that_is_computed_may_have_to_be_something(make_pair: MakePair, kind: str) -> None:
    """NOT NULL of a generated column is foreseen like any other."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.target, f"ALTER TABLE items ADD g text GENERATED ALWAYS AS (lower(name)) {kind} NOT NULL")
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x'), (2, 'b', NULL)")
    assert refused(pair) == ["items: column g is NOT NULL on the target and has no value: 1 row, e.g. 2"]


PARTS = "CREATE TABLE parts (item integer REFERENCES items ON DELETE CASCADE)"
NOTHING = "ALTER TABLE items REPLICA IDENTITY NOTHING"
PUBLISHED = {
    "no identity": (NOTHING, "FOR TABLE items", ["delete", "update"]),
    "all tables": (f"{NOTHING}; ALTER TABLE parts REPLICA IDENTITY FULL", "FOR ALL TABLES", ["delete", "update"]),
    "inserts": (NOTHING, "FOR TABLE items WITH (publish = 'insert')", []),
    "whole rows": ("ALTER TABLE items REPLICA IDENTITY FULL", "FOR TABLE items", []),
    "acting key": ("SELECT", "FOR TABLE parts", ["delete"]),
    **({"filter": ("SELECT", "FOR TABLE items WHERE (name <> '')", ["delete", "update"])} if VERSION >= 15 else {}),
}


@pytest.mark.parametrize(("how", "host"), sampled(list(product(PUBLISHED, ("target", "superuser"))), 4))
def test_changes_that_a_publication_cannot_tell(make_pair: MakePair, how: str, host: str) -> None:
    """The server lets no row be changed whose change others could not be told: refused before any is, in steps too."""
    pair = make_pair({**RULES, "parts": {"owned_by": ["item"]}}, ITEMS, PARTS)
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x')")
    execute(pair.target, "INSERT INTO items VALUES (1, 'a', 'y'), (3, 'a', 'z')")
    identity, published, verbs = PUBLISHED[how]
    superuser, state = make_conninfo(pair.target, user=SUPERUSER), pair.state()
    execute(superuser, identity, f"CREATE PUBLICATION p {published}")
    try:
        if not verbs or (how, host) == ("acting key", "superuser"):  # whose foreign keys do not act
            resolved(pair, host)
            return
        manifest = pair.backup()
        for check, atomic in ((True, True), (False, True), (False, False)):
            with pytest.raises(RefusedError, match="publishes changes") as refusal:
                pair.restore(of=manifest, host=host, check=check, atomic=atomic)
            assert [each.split()[1] for each in refusal.value.reasons] == verbs
            assert pair.state() == state
    finally:
        execute(superuser, "DROP PUBLICATION p")


@HOSTS
def test_an_event_trigger_that_hears_of_triggers_being_disabled(make_pair: MakePair, host: str) -> None:
    """Its owner's code may refuse that: named where triggers are disabled, and nothing is changed where it does."""
    pair = make_pair(
        RULES,
        ITEMS,
        FUNCTION.format("f()", "trigger", "plpgsql", "BEGIN RETURN NEW; END"),
        "CREATE TRIGGER quiet BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION f()",
        FUNCTION.format("no()", "event_trigger", "plpgsql", "BEGIN RAISE 'no changes of the schema'; END"),
    )
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x')")
    superuser = make_conninfo(pair.target, user=SUPERUSER)
    execute(
        superuser, "CREATE EVENT TRIGGER hears ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION no()"
    )
    try:
        manifest = pair.backup()
        found = named(pair.restore(of=manifest, host=host, check=True))
        if host == "superuser":
            assert found == []
            assert pair.restore(of=manifest, host=host).changed
            return
        assert found == [
            "event trigger hears fires when triggers of items are disabled, and may refuse that",
        ]
        with pytest.raises(RefusedError, match="no changes of the schema"):
            pair.restore(of=manifest, host=host)
        assert pair.rows("SELECT * FROM items") == []
    finally:
        execute(superuser, "DROP EVENT TRIGGER hears")
