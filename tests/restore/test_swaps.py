"""Values that change hands among rows of the scope, under every kind of constraint and whatever points at the rows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.control import execute
from tests.installed import VERSION
from tests.restore.conftest import MakePair, Pair
from tests.restore.test_conflicts import refused
from tests.restore.test_deletion import HOSTS
from tests.sweeps import covering

RULES: dict[str, Any] = {"items": {"owned_by": ["tenant"]}, "parts": {"owned_by": ["item"]}}
ITEMS = "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, u {})"
PARTS = "CREATE TABLE parts (id integer PRIMARY KEY, item integer REFERENCES items ON DELETE {}, name text)"

KINDS = {
    "check": ("smallint NOT NULL UNIQUE CHECK (u BETWEEN 1 AND 3)", "1|2|3"),
    "boolean": ("boolean NOT NULL UNIQUE", "true|false"),
    "enum": ("mood NOT NULL UNIQUE", "'low'|'mid'|'high'"),
    "domain": ("few NOT NULL UNIQUE", "1|2|3"),
    "pattern": ("text NOT NULL UNIQUE CHECK (u ~ '^[a-z]$')", "'x'|'y'|'z'"),
    "exclusion": ("int4range NOT NULL, EXCLUDE USING gist (u WITH &&)", "'[1,5)'|'[5,9)'|'[9,12)'"),
    "exclusion of several": (
        "int4range NOT NULL CHECK (NOT isempty(u)), EXCLUDE USING gist (int4range(8, 9) WITH &&, u WITH &&)",
        "'[1,5)'|'[5,9)'|'[9,12)'",
    ),
    "generated": ("integer NOT NULL, v integer GENERATED ALWAYS AS (10 / u) STORED UNIQUE", "1|2|5"),
    "composite": ("integer NOT NULL CHECK (u < 4), v text, UNIQUE (tenant, u)", "1|2|3"),
    **(
        {"nulls": ("integer CHECK (u > 0), UNIQUE NULLS NOT DISTINCT (tenant, u)", "1|2|NULL")} if VERSION >= 15 else {}
    ),
}

TYPES = (
    "CREATE TYPE mood AS ENUM ('low', 'mid', 'high')",
    "CREATE DOMAIN few AS integer CHECK (VALUE BETWEEN 1 AND 3)",
)


def rotated(pair: Pair, values: str, columns: str = "id, tenant, u") -> None:
    """Each item of the target holds what the next one of the source holds."""
    given = values.split("|")
    for conninfo, by in ((pair.source, 0), (pair.target, 1)):
        moved = [*given[by:], *given[:by]]
        listed = ", ".join(f"({number}, 'a', {value})" for number, value in enumerate(moved, start=1))
        execute(conninfo, f"INSERT INTO items ({columns}) OVERRIDING SYSTEM VALUE VALUES {listed}")


def resolved(pair: Pair, host: str, **arguments: Any) -> None:
    """What check mode shows then happens, and leaves nothing to do."""
    manifest = pair.backup()
    planned = pair.restore(of=manifest, host=host, check=True, **arguments)
    assert planned.facts["conflicts"] == []
    done = pair.restore(of=manifest, host=host, **arguments)
    assert planned.facts["tables"] == done.facts["tables"] != {}
    assert not pair.restore(of=manifest, host=host, **arguments).changed


@pytest.mark.parametrize(("host", "atomic", "key"), covering(("target", "superuser"), (False, True), [*KINDS]))
def test_values_are_handed_round(make_pair: MakePair, host: str, atomic: bool, key: str) -> None:
    """No constraint leaves a value to park with; rows that point at the items by a plain key are no hindrance."""
    kind, values = KINDS[key]
    pair = make_pair(RULES, *TYPES, ITEMS.format(kind), PARTS.format("NO ACTION"))
    rotated(pair, values)
    pair.fill("INSERT INTO parts VALUES (1, 1, 'x'), (2, 2, 'y')")
    resolved(pair, host, atomic=atomic)


@pytest.mark.parametrize(
    ("bound", "host", "action"),
    covering(
        (
            ("integer NOT NULL UNIQUE", "1|2|3"),
            ("smallint NOT NULL UNIQUE CHECK (u > 0)", "1|2|3"),
            ("text NOT NULL, EXCLUDE (u WITH =)", "'x'|'y'|'z'"),
            ("int4range NOT NULL, EXCLUDE USING gist (u WITH &&)", "'[1,5)'|'[5,9)'|'[9,12)'"),
            ("text NOT NULL, gone date, UNIQUE (u, gone)", "'x'|'y'|'z'"),
        ),
        ("target", "superuser"),
        ("RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"),
    ),
)
def test_rows_that_others_are_bound_to_are_parked(
    make_pair: MakePair, host: str, action: str, bound: tuple[str, str]
) -> None:
    """Deleting such a row would act on those that point at it: it takes another value for a while instead."""
    kind, values = bound
    pair = make_pair(RULES, ITEMS.format(kind), PARTS.format(action))
    rotated(pair, values)
    pair.fill("INSERT INTO parts VALUES (1, 1, 'x'), (2, 2, 'y')")
    parts = pair.rows("SELECT ctid, xmin, * FROM parts")
    resolved(pair, host)
    assert pair.rows("SELECT ctid, xmin, * FROM parts") == parts


@pytest.mark.parametrize("action", ["RESTRICT", "CASCADE", "SET NULL"])
def test_rows_that_can_be_neither_rewritten_nor_parked_are_a_conflict(make_pair: MakePair, action: str) -> None:
    """The plan names the key; without foreign keys in the way, the values are handed round."""
    ddl = ITEMS.format("boolean NOT NULL UNIQUE")
    pair = make_pair(RULES, ddl, PARTS.format(action))
    rotated(pair, "true|false")
    pair.fill("INSERT INTO parts VALUES (1, 1, 'x'), (2, NULL, 'y')")
    assert refused(pair) == [
        "items: values of unique key items_u_key (u) are held by other rows (such as 1), which cannot let go of them"
        " first under the foreign keys that lead to them: 1 row, e.g. 2"
    ]
    resolved(pair, "superuser")
    assert pair.rows("SELECT id, item FROM parts ORDER BY id") == [(1, 1), (2, None)]


@pytest.mark.parametrize(
    ("predicate", "host", "action"),
    [
        *covering(("gone IS NULL", "live", "u > 'a'"), ("target", "superuser"), ("NO ACTION", "CASCADE")),
        ("u > 'a'", "target", "CASCADE"),
    ],
)
def test_a_key_of_some_rows_is_let_go_of_by_leaving_it(
    make_pair: MakePair, host: str, predicate: str, action: str
) -> None:
    """Not every column of such a key frees the value: what is parked is tried first."""
    ddl = ITEMS.format("text NOT NULL CHECK (u ~ '^[a-z]$'), gone date, live boolean NOT NULL DEFAULT true")
    pair = make_pair(RULES, ddl, f"CREATE UNIQUE INDEX second ON items (u) WHERE {predicate}", PARTS.format(action))
    rotated(pair, "'x'|'y'|'z'")
    pair.fill("INSERT INTO parts VALUES (1, 1, 'x'), (2, 2, 'y')")
    if (predicate, action, host) == ("u > 'a'", "CASCADE", "target"):
        assert "unique key second" in refused(pair)[0]
        return
    resolved(pair, host)
    assert pair.rows("SELECT count(*) FROM parts") == [(2,)]


@HOSTS
@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT"])
def test_values_that_are_pointed_at_change_hands(make_pair: MakePair, host: str, action: str) -> None:
    """The rows that point at them find the others afterwards, and are not touched."""
    pair = make_pair(
        {name: {"owned_by": ["tenant"]} for name in ("items", "lines")},
        ITEMS.format("integer NOT NULL UNIQUE"),
        "CREATE TABLE lines (id integer PRIMARY KEY, tenant text REFERENCES tenants,"
        f" u integer REFERENCES items (u) ON DELETE {action})",
    )
    rotated(pair, "1|2|3")
    pair.fill("INSERT INTO lines VALUES (1, 'a', 1), (2, 'b', 3)")
    lines = pair.rows("SELECT ctid, xmin, * FROM lines")
    if action == "RESTRICT" and host == "target":
        assert refused(pair)[0].startswith(
            "items: values of unique key items_u_key (u) are held by other rows (such as "
        )
        return
    resolved(pair, host)
    assert pair.rows("SELECT ctid, xmin, * FROM lines") == lines


@HOSTS
def test_what_only_the_target_has_survives(make_pair: MakePair, host: str) -> None:
    """A row that is rewritten keeps the values of columns that the backup does not know."""
    ddl = ITEMS.format("boolean NOT NULL UNIQUE")
    pair = make_pair(RULES | {"parts": {"owned_by": ["item"]}}, ddl, PARTS.format("NO ACTION"))
    rotated(pair, "true|false")
    execute(pair.target, "ALTER TABLE items ADD note text DEFAULT 'default', ADD stage_id integer")
    execute(pair.target, "UPDATE items SET note = 'note ' || id, stage_id = id")
    resolved(pair, host)
    assert pair.rows("SELECT id, u, note, stage_id FROM items ORDER BY id") == [
        (1, True, "note 1", 1),
        (2, False, "note 2", 2),
    ]


def test_a_row_bound_from_another_schema_is_not_rewritten(make_pair: MakePair) -> None:
    """Foreign keys that no catalog file speaks of would act all the same."""
    ddl = ITEMS.format("boolean NOT NULL UNIQUE")
    pair = make_pair(RULES, ddl, PARTS.format("NO ACTION"))
    rotated(pair, "true|false")
    execute(
        pair.target,
        "CREATE SCHEMA beside CREATE TABLE charges (item integer REFERENCES public.items ON DELETE CASCADE)",
        "INSERT INTO beside.charges VALUES (1)",
    )
    try:
        assert "unique key items_u_key" in refused(pair)[0]
    finally:
        execute(pair.target, "DROP SCHEMA beside CASCADE")
