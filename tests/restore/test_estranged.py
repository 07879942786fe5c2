"""Rows of a restored business that hang on a row which is another business's now: they never become that business's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from tests.restore.test_deletion import HOSTS
from tests.restore.test_kept import MEMBER_RULES, MEMBERS, kept
from toolkit.errors import RefusedError
from toolkit.storage.quarantine import quarantines, read_rows

DDL = (
    "CREATE TABLE customers (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text)",
    "CREATE TABLE notes (id integer PRIMARY KEY, customer integer REFERENCES customers, up integer REFERENCES notes,"
    " text text)",
    "CREATE TABLE files (note integer REFERENCES notes, name text)",
    "CREATE TABLE payments (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants,"
    " note integer REFERENCES notes)",
)
RULES = {
    "customers": {"owned_by": ["tenant"]},
    "notes": {"owned_by": ["customer", "up"]},
    "files": {"owned_by": ["note"]},
    "payments": {"owned_by": ["tenant"]},
}
WHY = "would be another business's now, because what they hang on is"


def same_number(make_pair: MakePair) -> Pair:
    """Key 5 is a customer of a on the source and one of b on the target, where most rows of a are missing."""
    pair = make_pair(RULES, *DDL)
    execute(
        pair.source,
        "INSERT INTO customers VALUES (4, 'a', 'four'), (5, 'a', 'of a')",
        "INSERT INTO notes VALUES (1, 5, NULL, 'secret'), (2, 4, NULL, 'x'), (3, NULL, 1, 'below')",
        "INSERT INTO notes VALUES (4, 5, NULL, 'was')",
        "INSERT INTO files VALUES (1, 'f'), (1, 'f'), (2, 'g')",
        "INSERT INTO payments VALUES (1, 'a', 2)",
    )
    execute(
        pair.target,
        "INSERT INTO customers VALUES (4, 'a', 'four'), (5, 'b', 'of b')",
        "INSERT INTO notes VALUES (4, 4, NULL, 'is')",
    )
    return pair


@HOSTS
@pytest.mark.parametrize("mode", ["merge", "mirror"])
@pytest.mark.parametrize("own", [False, True])
def test_no_row_becomes_anothers(make_pair: MakePair, host: str, mode: str, own: bool) -> None:
    """Rows below a row that another business has under the same key stay in the backup, at any depth, with a key or
    without, or as they are; they are named in the plan, and all others are restored."""
    pair = same_number(make_pair)
    manifest = pair.backup(businesses=["a"]) if own else pair.backup()
    arguments: dict[str, Any] = {} if own else {"businesses": ["a"]}
    planned = pair.control.restore(host, manifest, mode, check=True, **arguments)
    done = pair.control.restore(host, manifest, mode, **arguments)
    assert kept(planned.facts) == kept(done.facts)
    assert kept(done.facts) == [
        ("customers", "belong to another business now", 1, ["5"], ["b"]),
        ("files", WHY, 2, ["f, 1", "f, 1"], []),
        ("notes", WHY, 3, ["1", "3", "4"], []),
    ]
    assert pair.rows("SELECT * FROM customers ORDER BY id") == [(4, "a", "four"), (5, "b", "of b")]
    assert pair.rows("SELECT * FROM notes ORDER BY id") == [(2, 4, None, "x"), (4, 4, None, "is")]
    assert pair.rows("SELECT * FROM files") == [(2, "g")]
    assert pair.rows("SELECT * FROM payments") == [(1, "a", 2)]
    again = pair.control.restore(host, manifest, mode, **arguments)
    assert not again.changed
    assert kept(again.facts) == kept(done.facts)


@pytest.mark.parametrize("on_error", ["abort", "quarantine"])
def test_rows_of_ones_own_that_point_at_such_rows_are_conflicts(make_pair: MakePair, on_error: str) -> None:
    """A row with an owner of its own that points at a row which stays in the backup is in conflict, by key."""
    pair = same_number(make_pair)
    execute(pair.source, "INSERT INTO payments VALUES (2, 'a', 1)")
    manifest, before = pair.backup(), pair.state()
    if on_error == "abort":
        with pytest.raises(RefusedError) as refused:
            pair.control.restore("target", manifest, "mirror", businesses=["a"])
        assert refused.value.reasons == (
            "payments: payments_note_fkey: (note) would point at no row of notes: 1 row, e.g. 2",
        )
        assert pair.state() == before
        return
    done = pair.control.restore("target", manifest, "mirror", businesses=["a"], on_error="quarantine")
    assert done.exit_code == 3
    [run] = quarantines(pair.control.repository)
    assert [(row.table, row.key) for row in read_rows(pair.control.repository, run)] == [("payments", "2")]
    assert pair.rows("SELECT id FROM payments") == [(1,)]


def test_rows_that_a_restored_membership_makes_ones_own_again_come_back(make_pair: MakePair) -> None:
    """Where the restore itself gives the business its share in the row again, what hangs on that row is restored."""
    pair = make_pair(MEMBER_RULES, *MEMBERS)
    pair.fill(
        "INSERT INTO users VALUES ('u', 'u@x', '2026-01-01'), ('w', 'w@x', '2026-01-01')",
        "INSERT INTO members VALUES ('ma', 'u', 'a'), ('mb', 'u', 'b'), ('mw', 'w', 'a')",
        "INSERT INTO permissions VALUES ('p', 'u', 'old'), ('q', 'w', 'old')",
    )
    execute(
        pair.target,
        "DELETE FROM permissions",
        "DELETE FROM members WHERE id = 'ma'",
        "UPDATE members SET tenant = 'b' WHERE id = 'mw'",
    )
    done = pair.control.restore("target", pair.backup(), "mirror", businesses=["a"])
    assert pair.rows("SELECT id FROM permissions") == [("p",)]
    assert ("permissions", WHY, 1, ["q"], []) in kept(done.facts)


def test_rows_of_others_that_rows_point_at_come_along(make_pair: MakePair) -> None:
    """A row that was another business's in the backup too, and is there because a row points at it, is restored."""
    pair = same_number(make_pair)
    execute(pair.source, "INSERT INTO customers VALUES (7, 'b', 'seven')")
    execute(pair.target, "INSERT INTO customers VALUES (7, 'b', 'renamed')")
    execute(pair.source, "INSERT INTO notes VALUES (9, 7, NULL, 'of b')", "INSERT INTO payments VALUES (3, 'a', 9)")
    done = pair.restore("mirror", businesses=["a"])
    assert not [line for line in done.warnings if "another business's now" in line]
    assert pair.rows("SELECT id, customer FROM notes WHERE id = 9") == [(9, 7)]
    assert pair.rows("SELECT id, note FROM payments WHERE id = 3") == [(3, 9)]


def test_a_whole_restore_hands_nothing_to_a_business_that_it_leaves_out(make_pair: MakePair) -> None:
    """The same holds for a restore of everything beside a demo business."""
    pair = same_number(make_pair)
    pair.fill("UPDATE tenants SET demo = true WHERE id = 'b'")
    done = pair.control.restore("target", pair.backup(demo="exclude"), "mirror")
    assert pair.rows("SELECT id FROM notes ORDER BY id") == [(2,), (4,)]
    assert ("notes", WHY, 3, ["1", "3", "4"], []) in kept(done.facts)


@HOSTS
def test_what_hangs_on_a_row_that_is_put_aside(make_pair: MakePair, host: str) -> None:
    """A row whose owner is put aside, and which would find another business's row instead, stays as it is."""
    rules = {"shops": {"owned_by": ["tenant"]}, "sales": {"owned_by": ["code"]}}
    pair = make_pair(
        rules,
        "CREATE TABLE shops (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, code integer UNIQUE)",
        "CREATE TABLE sales (id integer PRIMARY KEY, code integer REFERENCES shops (code))",
    )
    execute(pair.source, "INSERT INTO shops VALUES (1, 'a', 7)", "INSERT INTO sales VALUES (1, 7), (2, 7)")
    execute(pair.target, "INSERT INTO shops VALUES (2, 'b', 7)", "INSERT INTO sales VALUES (1, NULL)")
    done = pair.control.restore(host, pair.backup(businesses=["a"]), "merge", on_error="quarantine")
    assert kept(done.facts)[-1][:3] == ("sales", WHY, 2)
    assert pair.rows("SELECT * FROM sales") == [(1, None)]
    assert pair.rows("SELECT * FROM shops") == [(2, "b", 7)]


@pytest.mark.parametrize("names", [("a_lines", "b_orders", "c_shops"), ("c_lines", "b_orders", "a_shops")])
def test_what_lacks_a_row_that_is_put_aside_is_put_aside_with_it(
    make_pair: MakePair, names: tuple[str, str, str]
) -> None:
    """Rows that would point at nothing go into quarantine at any depth, whoever else they hang on, in any order."""
    lines, orders, shops = names
    rules = {
        "customers": {"owned_by": ["tenant"]},
        shops: {"owned_by": ["tenant"]},
        orders: {"owned_by": ["shop"]},
        lines: {"owned_by": ["order", "customer"]},
    }
    pair = make_pair(
        rules,
        "CREATE TABLE customers (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants)",
        f"CREATE TABLE {shops} (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, code integer UNIQUE)",
        f"CREATE TABLE {orders} (id integer PRIMARY KEY, shop integer REFERENCES {shops})",
        f'CREATE TABLE {lines} (id integer PRIMARY KEY, "order" integer REFERENCES {orders},'
        " customer integer REFERENCES customers)",
    )
    execute(
        pair.source,
        f"INSERT INTO customers VALUES (5, 'a'); INSERT INTO {shops} VALUES (1, 'a', 7);"
        f"INSERT INTO {orders} VALUES (1, 1); INSERT INTO {lines} VALUES (1, 1, 5), (2, NULL, 5)",
    )
    execute(pair.target, f"INSERT INTO customers VALUES (5, 'b'); INSERT INTO {shops} VALUES (2, 'b', 7)")
    done = pair.control.restore("target", pair.backup(businesses=["a"]), "merge", on_error="quarantine")
    [run] = quarantines(pair.control.repository)
    assert {(row.table, row.key) for row in read_rows(pair.control.repository, run)} == {(name, "1") for name in names}
    assert (lines, WHY, 1, ["2"], []) in kept(done.facts)
    assert pair.rows(f"SELECT id FROM {orders} UNION ALL SELECT id FROM {lines}") == []


def test_a_tenant_that_comes_along_has_taken_nothing_over(make_pair: MakePair) -> None:
    """Rows are restored whose only owner in the backup's rows is a tenant that it has because they point at it."""
    rules = {
        "persons": {"owned_by": ["visits.person"]},
        "visits": {"owned_by": ["tenant", "person"], "where": "state <> 'cut'"},
    }
    pair = make_pair(
        rules,
        "CREATE TABLE persons (id integer PRIMARY KEY, name text)",
        "CREATE TABLE visits (id integer PRIMARY KEY, tenant text REFERENCES tenants,"
        " person integer REFERENCES persons, state text)",
    )
    execute(
        pair.source,
        "INSERT INTO tenants VALUES ('c', 'C', false)",
        "INSERT INTO persons VALUES (1, 'P'), (2, 'Q')",
        "INSERT INTO visits VALUES (1, 'a', 1, 'cut'), (2, 'c', 1, 'done'), (3, 'a', 2, 'done')",
    )
    execute(pair.target, "INSERT INTO persons VALUES (2, 'q')", "INSERT INTO visits VALUES (3, 'b', 2, 'done')")
    manifest = pair.backup(businesses=["a"])
    done = pair.control.restore("target", manifest, "mirror")
    assert pair.rows("SELECT * FROM persons ORDER BY id") == [(1, "P"), (2, "q")]
    assert pair.rows("SELECT id, tenant FROM visits ORDER BY id") == [(2, "c"), (3, "b")]
    assert [line[0] for line in kept(done.facts)] == ["persons", "visits"]
    assert not pair.control.restore("target", manifest, "mirror").changed
