"""What foreign keys do when a parent goes or changes: planned to the row and column, or refused."""

from __future__ import annotations

import pytest

from tests.control import execute
from tests.installed import needs
from tests.restore.conftest import MakePair
from tests.restore.test_deletion import HOSTS
from tests.sweeps import sampled
from toolkit.errors import RefusedError

ITEMS = "CREATE TABLE items (tenant text REFERENCES tenants, id integer, code numeric UNIQUE, PRIMARY KEY (tenant, id))"
RULES = {"items": {"owned_by": ["tenant"]}}


@HOSTS
@needs(15)
def test_set_null_of_some_columns_leaves_the_others(make_pair: MakePair, host: str) -> None:
    """`ON DELETE SET NULL (column)` empties that column alone, and a row with two such keys is counted once."""
    pair = make_pair(
        RULES,
        ITEMS,
        "CREATE TABLE shelves (id integer PRIMARY KEY, tenant text, item integer, other integer,"
        " FOREIGN KEY (tenant, item) REFERENCES items ON DELETE SET NULL (item),"
        " FOREIGN KEY (tenant, other) REFERENCES items ON DELETE SET NULL (other))",
        device={"shelves": {}},
    )
    execute(pair.target, "INSERT INTO items VALUES ('a', 1), ('a', 2)")
    execute(pair.target, "INSERT INTO shelves VALUES (1, 'a', 1, 2), (2, 'a', 1, NULL), (3, 'a', NULL, NULL)")
    manifest = pair.backup()
    planned = pair.control.restore(host, manifest, "mirror", check=True)
    done = pair.control.restore(host, manifest, "mirror")
    assert planned.facts["set_null"] == done.facts["set_null"] == 2
    assert pair.rows("SELECT * FROM shelves ORDER BY id") == [
        (1, "a", None, None),
        (2, "a", None, None),
        (3, "a", None, None),
    ]
    assert not pair.restore(of=manifest, host=host).changed


@HOSTS
def test_keys_that_share_a_column_let_go_of_it_together(make_pair: MakePair, host: str) -> None:
    """Two references of one row by a common column, both to rows that go: whichever goes first, both become NULL."""
    pair = make_pair(
        RULES,
        ITEMS,
        "CREATE TABLE shelves (id integer PRIMARY KEY, tenant text, item integer, other integer,"
        " FOREIGN KEY (tenant, item) REFERENCES items ON DELETE SET NULL,"
        " FOREIGN KEY (tenant, other) REFERENCES items ON DELETE SET NULL)",
        device={"shelves": {}},
    )
    execute(pair.target, "INSERT INTO items VALUES ('a', 1), ('a', 2)", "INSERT INTO shelves VALUES (1, 'a', 1, 2)")
    assert pair.restore(host=host).facts["set_null"] == 1
    assert pair.rows("SELECT * FROM shelves") == [(1, None, None, None)]


@HOSTS
def test_what_cannot_become_null_holds_its_parent(make_pair: MakePair, host: str) -> None:
    """SET NULL of a column that is NOT NULL would fail, so the row that is pointed at stays, and is named."""
    pair = make_pair(
        RULES,
        ITEMS,
        "CREATE TABLE shelves (tenant text, item integer NOT NULL,"
        " FOREIGN KEY (tenant, item) REFERENCES items ON DELETE SET NULL)",
        device={"shelves": {}},
    )
    execute(pair.target, "INSERT INTO items VALUES ('a', 1), ('a', 2)", "INSERT INTO shelves VALUES ('a', 1)")
    done = pair.restore(host=host)
    assert done.facts["deletes"] == 1
    assert "kept items: 1 row: rows of shelves still point at them, e.g. a, 1" in done.details


ACTIONS = pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT"])


@ACTIONS
@pytest.mark.parametrize("before", ["2.0", "3"])
def test_rows_of_others_are_not_rewritten_by_a_key(make_pair: MakePair, action: str, before: str) -> None:
    """A value that changes, or merely looks different, would reach rows outside the restore: the owner's restore says
    so beforehand; who suspends foreign keys changes the value alone where the rows still find it."""
    pair = make_pair(
        RULES,
        ITEMS,
        f"CREATE TABLE labels (id integer PRIMARY KEY, code numeric REFERENCES items (code) ON UPDATE {action})",
        device={"labels": {}},
    )
    execute(pair.source, "INSERT INTO items VALUES ('a', 1, 2.00)")
    execute(pair.target, f"INSERT INTO items VALUES ('a', 1, {before})", f"INSERT INTO labels VALUES (1, {before})")
    manifest, state = pair.backup(), pair.state()
    assert pair.control.restore("target", manifest, "mirror", check=True).exit_code == 4
    with pytest.raises(RefusedError) as refusal:
        pair.control.restore("target", manifest, "mirror")
    assert any(f"ON UPDATE {action} would reach rows of labels" in reason for reason in refusal.value.reasons)
    assert pair.state() == state
    if before == "2.0":
        assert pair.control.restore("superuser", manifest, "mirror").facts["updates"] == 1
        assert pair.rows("SELECT code::text FROM labels UNION ALL SELECT code::text FROM items") == [
            ("2.0",),
            ("2.00",),
        ]


@HOSTS
@ACTIONS
def test_rows_that_change_with_the_value_are_no_hindrance(make_pair: MakePair, host: str, action: str) -> None:
    """Rows of the backup that point at the new value are written with it, whatever the key would do."""
    pair = make_pair(
        {**RULES, "labels": {"owned_by": ["code"]}},
        ITEMS,
        f"CREATE TABLE labels (id integer PRIMARY KEY, code numeric REFERENCES items (code) ON UPDATE {action})",
    )
    execute(pair.source, "INSERT INTO items VALUES ('a', 1, 7)", "INSERT INTO labels VALUES (1, 7), (2, 7)")
    execute(pair.target, "INSERT INTO items VALUES ('a', 1, 2)", "INSERT INTO labels VALUES (1, 2), (3, 2)")
    manifest = pair.backup()
    done = pair.restore(of=manifest, host=host)
    assert [done.facts[name] for name in ("inserts", "updates", "deletes")] == [1, 2, 1]
    assert pair.rows("SELECT id, code FROM labels ORDER BY id") == [(1, 7), (2, 7)]
    assert not pair.restore(of=manifest, host=host).changed


LETS_NOT = {
    "check of one": "item integer, other integer, CHECK (item IS NOT NULL)",
    "check of both": "item integer, other integer, CHECK ((item IS NULL) = (other IS NULL))",
    "domain": "item filled, other integer",
    "unique": "item integer, other integer, UNIQUE NULLS NOT DISTINCT (item)",
    "another key": "item integer, other integer, FOREIGN KEY (item, other) REFERENCES pairs MATCH FULL",
    "pointed at": "item integer UNIQUE, other integer",
    "computed": "item integer, other integer, g integer GENERATED ALWAYS AS (item + 1) STORED NOT NULL",
    "check of computed": "item integer, other integer, g integer GENERATED ALWAYS AS (coalesce(item, 0)) STORED"
    " CHECK (g > 0)",
    "computed pointing": "item integer, other integer, g integer GENERATED ALWAYS AS (coalesce(item, 9)) STORED"
    " REFERENCES others",
    "unique computed": "item integer, other integer, g integer GENERATED ALWAYS AS (coalesce(item, 0)) STORED UNIQUE",
    "not to be computed": "item integer, other integer, g integer GENERATED ALWAYS AS (1 / coalesce(item, 0)) STORED",
}


@HOSTS
@needs(15)
@pytest.mark.parametrize("kind", sampled(list(LETS_NOT), 5))
def test_what_its_table_does_not_let_be_null_holds_its_parent(make_pair: MakePair, host: str, kind: str) -> None:
    """Where SET NULL would break another constraint of the row, check mode and restore keep the parent, and name it."""
    pair = make_pair(
        RULES,
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants)",
        "CREATE DOMAIN filled AS integer NOT NULL",
        "CREATE TABLE pairs (a integer, b integer, PRIMARY KEY (a, b))",
        "CREATE TABLE others (id integer PRIMARY KEY)",
        f"CREATE TABLE shelves (id integer PRIMARY KEY, {LETS_NOT[kind]},"
        " FOREIGN KEY (item) REFERENCES items ON DELETE SET NULL)",
        "CREATE TABLE labels (shelf integer REFERENCES shelves (item))" if kind == "pointed at" else "SELECT",
        device={"shelves": {}, "pairs": {}, "others": {}, **({"labels": {}} if kind == "pointed at" else {})},
    )
    execute(
        pair.target,
        "INSERT INTO items VALUES (1, 'a'), (2, 'a'), (3, 'a')",
        "INSERT INTO pairs VALUES (1, 1), (2, 2)",
        "INSERT INTO others VALUES (1), (2)",
        "INSERT INTO shelves VALUES (1, 1, 1), (2, 2, 2)",
    )
    manifest, state = pair.backup(), pair.rows("SELECT * FROM shelves")
    planned = pair.control.restore(host, manifest, "mirror", check=True)
    done = pair.control.restore(host, manifest, "mirror")
    assert planned.facts["kept"] == done.facts["kept"] == {"rows of shelves still point at them": 2}
    assert "kept items: 2 rows: rows of shelves still point at them, e.g. 1, 2" in done.details
    assert pair.rows("SELECT * FROM shelves") == state
    assert pair.rows("SELECT id FROM items ORDER BY id") == [(1,), (2,)]


@HOSTS
def test_only_rows_that_cannot_be_without_hold_their_parents(make_pair: MakePair, host: str) -> None:
    """One of two references is enough; a row that would be the second without one, or has no partition then, holds."""
    pair = make_pair(
        RULES,
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants)",
        "CREATE TABLE arcs (id integer PRIMARY KEY, x integer REFERENCES items ON DELETE SET NULL,"
        " y integer REFERENCES items ON DELETE SET NULL, CHECK (num_nonnulls(x, y) > 0))",
        "CREATE TABLE defaults (id integer PRIMARY KEY, shelf integer,"
        " item integer REFERENCES items ON DELETE SET NULL)",
        "CREATE UNIQUE INDEX one_default ON defaults (shelf) WHERE item IS NULL",
        "CREATE TABLE spread (id integer, item integer REFERENCES items ON DELETE SET NULL) PARTITION BY LIST (id)",
        "CREATE TABLE spread_1 PARTITION OF spread FOR VALUES IN (1)",
        "CREATE TABLE spread_2 PARTITION OF spread (item NOT NULL) FOR VALUES IN (2)",
        "CREATE TABLE listed (id integer, item integer REFERENCES items ON DELETE SET NULL) PARTITION BY LIST (item)",
        "CREATE TABLE listed_1 PARTITION OF listed FOR VALUES IN (11, 12)",
        device={"arcs": {}, "defaults": {}, "spread": {}, "listed": {}},
    )
    execute(pair.source, "INSERT INTO items VALUES (0, 'a')")
    execute(
        pair.target,
        "INSERT INTO items SELECT number, 'a' FROM generate_series(0, 13) number",
        "INSERT INTO arcs VALUES (1, 1, 0), (2, 2, 3), (3, 4, NULL)",
        "INSERT INTO defaults VALUES (1, 1, 5), (2, 1, NULL), (3, 2, 6), (4, 3, 7), (5, 3, 8)",
        "INSERT INTO spread VALUES (1, 9), (2, 10)",
        "INSERT INTO listed VALUES (1, 11)",
    )
    manifest = pair.backup()
    planned = pair.control.restore(host, manifest, "mirror", check=True)
    done = pair.control.restore(host, manifest, "mirror")
    assert planned.facts["set_null"] == done.facts["set_null"] == 3
    assert pair.rows("SELECT id FROM items ORDER BY id") == [(n,) for n in (0, 2, 3, 4, 5, 7, 8, 10, 11)]
    assert pair.rows("SELECT x, y FROM arcs ORDER BY id") == [(None, 0), (2, 3), (4, None)]
    assert pair.rows("SELECT item FROM defaults ORDER BY id") == [(5,), (None,), (None,), (7,), (8,)]
    assert pair.rows("SELECT item FROM spread ORDER BY id") == [(None,), (10,)]
    assert pair.rows("SELECT item FROM listed") == [(11,)]
    assert not pair.restore(of=manifest, host=host).changed
