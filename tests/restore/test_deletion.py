"""What mirror deletes, what goes with it, and in which order."""

from __future__ import annotations

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair

ITEMS = "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text UNIQUE)"
RULES = {"items": {"owned_by": ["tenant"]}}
HOSTS = pytest.mark.parametrize("host", ["target", "superuser"])


def pointing(name: str, action: str) -> str:
    """A table that points at items."""
    return f"CREATE TABLE {name} (id integer PRIMARY KEY, item integer REFERENCES items ON DELETE {action})"


@HOSTS
def test_references_from_outside_are_set_to_null_or_cascade(make_pair: MakePair, host: str) -> None:
    """SET NULL in device and transient tables and CASCADE into a table that allows it are counted and done."""
    pair = make_pair(
        RULES,
        ITEMS,
        pointing("shelves", "SET NULL"),
        pointing("views", "SET NULL"),
        pointing("locks", "CASCADE"),
        device={"shelves": {}},
        transient={"views": {}, "locks": {"cascade": True}},
    )
    execute(pair.target, "INSERT INTO items VALUES (1, 'a', 'x'), (2, 'a', 'y')")
    execute(pair.target, "INSERT INTO shelves VALUES (1, 1), (2, 2)", "INSERT INTO views VALUES (1, 1)")
    execute(pair.target, "INSERT INTO locks VALUES (1, 1), (2, 2), (3, NULL)")
    manifest = pair.backup()
    planned = pair.control.restore(host, manifest, "mirror", check=True)
    done = pair.control.restore(host, manifest, "mirror")
    assert {**planned.facts, "untouched": None} == {**done.facts, "untouched": None}
    assert (done.facts["deletes"], done.facts["set_null"]) == (4, 3)
    assert pair.rows("SELECT * FROM items") == []
    assert pair.rows("SELECT * FROM shelves ORDER BY id") == [(1, None), (2, None)]
    assert pair.rows("SELECT * FROM locks") == [(3, None)]


@HOSTS
@pytest.mark.parametrize("action", ["CASCADE", "NO ACTION", "RESTRICT", "SET DEFAULT"])
def test_rows_that_others_point_at_are_kept(make_pair: MakePair, host: str, action: str) -> None:
    """A transient row that may not be lost keeps what it points at; the rest is deleted."""
    pair = make_pair(RULES, ITEMS, pointing("locks", action), transient={"locks": {}})
    execute(pair.target, "INSERT INTO items VALUES (1, 'a', 'x'), (2, 'a', 'y')", "INSERT INTO locks VALUES (1, 1)")
    outcome = pair.restore(host=host)
    assert outcome.facts["kept"] == {"rows of locks still point at them": 1}
    assert pair.rows("SELECT id FROM items") == [(1,)]
    assert pair.rows("SELECT * FROM locks") == [(1, 1)]


@HOSTS
def test_a_cascade_goes_no_further_than_it_may(make_pair: MakePair, host: str) -> None:
    """Rows that a permitted cascade would take with it keep everything above them, if they may not go themselves."""
    pair = make_pair(
        RULES,
        ITEMS,
        pointing("locks", "CASCADE"),
        "CREATE TABLE waits (id integer PRIMARY KEY, lock integer REFERENCES locks ON DELETE CASCADE)",
        transient={"locks": {"cascade": True}, "waits": {}},
    )
    execute(pair.target, "INSERT INTO items VALUES (1, 'a', 'x'), (2, 'a', 'y')")
    execute(pair.target, "INSERT INTO locks VALUES (1, 1), (2, 2)", "INSERT INTO waits VALUES (1, 1)")
    outcome = pair.restore(host=host)
    assert outcome.facts["kept"] == {"rows of locks still point at them": 1}
    assert outcome.facts["deletes"] == 2
    assert pair.rows("SELECT id FROM items") == pair.rows("SELECT id FROM locks") == [(1,)]


@HOSTS
def test_a_unique_value_freed_by_a_delete_is_free(make_pair: MakePair, host: str) -> None:
    """A row may take the unique value of a row that the same restore deletes."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x'), (2, 'a', 'y')")
    execute(pair.target, "INSERT INTO items VALUES (3, 'a', 'x'), (2, 'a', 'old'), (4, 'a', 'y')")
    assert pair.restore(host=host).facts["deletes"] == 2
    assert pair.rows("SELECT id, name FROM items ORDER BY id") == [(1, "x"), (2, "y")]


@HOSTS
def test_a_value_is_freed_while_rows_still_point_at_what_goes(make_pair: MakePair, host: str) -> None:
    """A row that has to go, but is still pointed at, lets go of its unique value first and is deleted last."""
    pair = make_pair(
        {**RULES, "parts": {"owned_by": ["item"]}},
        ITEMS,
        "CREATE TABLE parts (id integer PRIMARY KEY, item integer NOT NULL REFERENCES items)",
    )
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x')", "INSERT INTO parts VALUES (1, 1)")
    execute(pair.target, "INSERT INTO items VALUES (2, 'a', 'x')", "INSERT INTO parts VALUES (1, 2)")
    outcome = pair.restore(host=host)
    assert [outcome.facts[name] for name in ("inserts", "updates", "deletes")] == [1, 1, 1]
    assert pair.rows("SELECT * FROM items JOIN parts ON item = items.id") == [(1, "a", "x", 1, 1)]


@HOSTS
@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT", "CASCADE"])
def test_cycles_are_filled_and_emptied(make_pair: MakePair, host: str, action: str) -> None:
    """Rows of two tables that point at each other, and of one that points at itself, come and go together."""
    pair = make_pair(
        {"drivers": {"owned_by": ["tenant"]}, "cars": {"owned_by": ["driver"]}},
        "CREATE TABLE drivers (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, car integer NOT NULL,"
        " chief integer)",
        f"CREATE TABLE cars (id integer PRIMARY KEY, driver integer NOT NULL REFERENCES drivers ON DELETE {action})",
        f"ALTER TABLE drivers ADD FOREIGN KEY (car) REFERENCES cars ON DELETE {action}",
        f"ALTER TABLE drivers ADD FOREIGN KEY (chief) REFERENCES drivers ON DELETE {action}",
    )
    cycle = (
        "WITH d AS (INSERT INTO drivers VALUES ({0}, 'a', {0}, {0}), (9{0}, 'a', {0}, {0}))"
        " INSERT INTO cars VALUES ({0}, {0})"
    )
    execute(pair.source, cycle.format(1), cycle.format(2), "UPDATE drivers SET car = 2 WHERE id = 1")
    execute(pair.target, cycle.format(1), cycle.format(3))
    outcome = pair.restore(host=host)
    assert [outcome.facts[name] for name in ("inserts", "updates", "deletes")] == [3, 1, 3]
    assert pair.rows("SELECT id, car FROM drivers ORDER BY id") == [(1, 2), (2, 2), (91, 1), (92, 2)]


@HOSTS
def test_what_keeps_one_row_keeps_its_ancestors(make_pair: MakePair, host: str) -> None:
    """A row in use keeps the rows above it, in its own table and in others; rows beside it are deleted."""
    pair = make_pair(
        {"groups": {"owned_by": ["tenant"]}, "items": {"owned_by": ["tenant"]}},
        "CREATE TABLE groups (id integer PRIMARY KEY, tenant text REFERENCES tenants, above integer REFERENCES groups)",
        f"{ITEMS.removesuffix(')')}, category integer REFERENCES groups)",
        pointing("locks", "NO ACTION"),
        transient={"locks": {}},
    )
    execute(pair.target, "INSERT INTO groups VALUES (1, 'a', NULL), (2, 'a', 1), (3, 'a', 2), (4, 'a', 1), (5, 'a', 3)")
    execute(
        pair.target, "INSERT INTO items VALUES (1, 'a', 'x', 3), (2, 'a', 'y', 5)", "INSERT INTO locks VALUES (1, 1)"
    )
    outcome = pair.restore(host=host)
    assert outcome.facts["kept"] == {
        "rows of locks still point at them": 1,
        "rows of items still point at them": 1,
        "rows of groups still point at them": 2,
    }
    assert outcome.facts["deletes"] == 3
    assert pair.rows("SELECT id FROM groups ORDER BY id") == [(1,), (2,), (3,)]


def test_rows_of_two_businesses_are_left_to_both(make_pair: MakePair) -> None:
    """Restoring one of two owners inserts what both own, and neither changes nor deletes it; restoring both does."""
    pair = make_pair(
        {"loans": {"owned_by": ["lender", "borrower"]}},
        "CREATE TABLE loans (id integer PRIMARY KEY, lender text REFERENCES tenants, borrower text REFERENCES tenants,"
        " amount integer)",
    )
    execute(pair.source, "INSERT INTO loans VALUES (1, 'a', 'b', 10), (2, 'a', 'b', 20)")
    execute(pair.target, "INSERT INTO loans VALUES (2, 'a', 'b', 99), (3, 'a', 'b', 30), (4, 'a', 'a', 40)")
    one = pair.control.restore("target", pair.backup(businesses=["a"]), "mirror")
    assert [one.facts[name] for name in ("inserts", "updates", "deletes")] == [1, 0, 1]
    assert one.facts["kept"] == {
        "belong to another business too": 1,
        "owned by another business too": 1,
    }
    both = pair.control.restore("target", pair.backup(businesses=["a", "b"]), "mirror")
    assert [both.facts[name] for name in ("inserts", "updates", "deletes")] == [0, 1, 1]
    assert pair.rows("SELECT id, amount FROM loans ORDER BY id") == [(1, 10), (2, 20)]


def test_shared_rows_are_not_a_named_scopes_to_delete(make_pair: MakePair) -> None:
    """Mirroring one business leaves the shared rows that its backup does not have; a whole scope deletes them."""
    pair = make_pair({"settings": "shared"}, "CREATE TABLE settings (id text PRIMARY KEY)")
    execute(pair.target, "INSERT INTO settings VALUES ('only here')")
    named = pair.control.restore("target", pair.backup(businesses=["a"]), "mirror")
    assert not named.changed
    assert named.facts["kept"] == {"of no business, and single ones are restored": 1}
    assert pair.restore().facts["deletes"] == 1


def test_rows_behind_the_limit_of_a_backup_are_kept(make_pair: MakePair) -> None:
    """A limited table: what the limit would have cut stays and is counted, what it would have let in is deleted."""
    pair = make_pair(
        {"audits": {"owned_by": ["tenant"], "optional": True, "newest_by": "day"}},
        "CREATE TABLE audits (id integer PRIMARY KEY, tenant text REFERENCES tenants, day date)",
    )
    days = "VALUES (1, 'a', date '2026-01-01'), (2, 'a', '2026-01-02'), (4, 'a', '2026-01-03'), (5, 'a', '2026-01-03')"
    pair.fill(f"INSERT INTO audits {days}", "INSERT INTO audits VALUES (6, 'a', '2026-01-03')")
    manifest = pair.backup(optional={"audits": {"limit": 2}})
    assert not pair.control.restore("target", manifest, "mirror").changed
    execute(pair.target, "INSERT INTO audits VALUES (3, 'a', '2026-01-03'), (9, 'a', '2026-01-04')")
    outcome = pair.control.restore("target", manifest, "mirror")
    assert outcome.facts["deletes"] == 2
    assert outcome.facts["kept"] == {"the backup's limit ends before them": 3}
    assert pair.rows("SELECT id FROM audits ORDER BY id") == [(1,), (2,), (4,), (5,), (6,)]
    assert pair.control.verify("target", manifest).exit_code == 0


@pytest.mark.parametrize(
    ("day", "left"),
    [("NULL", [(1,), (3,), (9,)]), ("'2026-01-02'", [(1,), (3,), (9,)])],
)
def test_a_limit_that_ends_among_rows_without_a_time(make_pair: MakePair, day: str, left: list[tuple[int]]) -> None:
    """They come last, ties by key: a row before the last one of the backup is an extra, one behind it is kept."""
    pair = make_pair(
        {"logs": {"owned_by": ["tenant"], "optional": True, "newest_by": "day"}},
        "CREATE TABLE logs (id integer PRIMARY KEY, tenant text REFERENCES tenants, day date)",
    )
    execute(pair.source, f"INSERT INTO logs VALUES (1, 'a', {day}), (3, 'a', NULL)")
    execute(pair.target, "INSERT INTO logs VALUES (2, 'a', NULL), (9, 'a', NULL), (5, 'a', '2001-01-01')")
    pair.control.restore("target", pair.backup(optional={"logs": {"limit": 2}}), "mirror")
    assert pair.rows("SELECT id FROM logs ORDER BY id") == left
