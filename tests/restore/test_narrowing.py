"""One business out of a backup of all of them, into a database that others share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.control import Control, execute
from tests.restore.conftest import MakePair
from tests.restore.test_deletion import HOSTS
from toolkit.errors import InputError, RefusedError

ITEMS = "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, maker integer, name text)"
MAKERS = "CREATE TABLE makers (id integer PRIMARY KEY, name text)"
RULES = {"items": {"owned_by": ["tenant"], "references": {"maker": "makers.id"}}, "makers": "referenced"}


@HOSTS
@pytest.mark.parametrize("mode", ["merge", "mirror"])
def test_only_the_business_and_what_it_needs_comes_back(make_pair: MakePair, host: str, mode: str) -> None:
    """Its rows are as in the backup, rows it points at are added where missing, and all else is as before."""
    pair = make_pair(RULES, MAKERS, ITEMS)
    execute(
        pair.source,
        "INSERT INTO makers VALUES (1, 'old name'), (2, 'missing'), (3, 'of the other')",
        "INSERT INTO items VALUES (1, 'a', 1, 'x'), (2, 'a', 2, 'y'), (3, 'b', 3, 'z')",
    )
    execute(
        pair.target,
        "INSERT INTO makers VALUES (1, 'new name')",
        "INSERT INTO items VALUES (1, 'a', 1, 'changed'), (4, 'a', 1, 'extra'), (5, 'b', 1, 'theirs')",
    )
    manifest = pair.backup()
    planned = pair.control.restore(host, manifest, mode, check=True, businesses=["a"])
    done = pair.control.restore(host, manifest, mode, businesses=["a"])
    assert planned.facts["tables"] == done.facts["tables"]
    extra = [] if mode == "mirror" else [(4, "extra")]
    assert pair.rows("SELECT id, name FROM items ORDER BY id") == [(1, "x"), (2, "y"), *extra, (5, "theirs")]
    assert pair.rows("SELECT * FROM makers ORDER BY id") == [(1, "new name"), (2, "missing")]
    # tenant b, its item, the maker that was there, in a mirror also tenant a, which does not differ
    assert int(str(done.facts["untouched"])) >= 4
    assert not pair.control.restore(host, manifest, mode, businesses=["a"]).changed


def test_few_rows_of_a_large_table_are_looked_up(make_pair: MakePair) -> None:
    """One business, and then all, restored over a table that others fill: what differs of each is put right."""
    pair = make_pair(RULES, MAKERS, ITEMS)
    owner = "CASE WHEN n <= 10 THEN 'a' ELSE 'b' END"
    pair.fill(f"INSERT INTO items SELECT n, {owner}, NULL, 'same' FROM generate_series(1, 3000) n")
    execute(pair.target, "ANALYZE")
    changes = ("UPDATE items SET name = 'other' WHERE id IN (1, 2, 2000)", "DELETE FROM items WHERE id IN (3, 2001)")
    execute(pair.target, *changes, "INSERT INTO items VALUES (9001, 'a', NULL, 'x'), (9002, 'b', NULL, 'x')")
    manifest = pair.backup()
    differing = "SELECT id FROM items WHERE name <> 'same' ORDER BY id"
    assert pair.control.restore("target", manifest, "mirror", businesses=["a"]).changed
    assert pair.rows(differing) == [(2000,), (9002,)]
    assert pair.rows("SELECT count(*) FROM items WHERE id = 3") == [(1,)]
    pair.control.restore("target", manifest, "mirror")
    assert pair.rows(differing) == []
    assert pair.control.verify("target", manifest).exit_code == 0


def test_what_cannot_be_narrowed_is_refused(make_pair: MakePair) -> None:
    """A business that the backup does not have, and restoring it in steps."""
    pair = make_pair(RULES, MAKERS, ITEMS)
    manifest = pair.backup()
    with pytest.raises(RefusedError, match="does not have the businesses z"):
        pair.control.restore("target", manifest, "mirror", businesses=["a", "z"])
    with pytest.raises(InputError, match="does not have the businesses y, z"):
        pair.control.restore("target", manifest, "mirror", businesses=["z", "y"])
    with pytest.raises(InputError, match="in one transaction only"):
        pair.control.restore("target", manifest, "mirror", businesses=["a"], atomic=False)


def test_a_change_outside_the_restore_is_said(make_pair: MakePair) -> None:
    """The digests of all other rows notice what a trigger that is heard does to another business."""
    pair = make_pair(RULES, MAKERS, ITEMS)
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', NULL, 'x')")
    execute(
        pair.target,
        "INSERT INTO items VALUES (2, 'b', NULL, 'theirs')",
        "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " UPDATE public.items SET name = 'meddled' WHERE id = 2; RETURN NULL; END $$",
        "CREATE TRIGGER meddle AFTER INSERT ON items FOR EACH STATEMENT EXECUTE FUNCTION meddle()",
    )
    manifest = pair.backup()
    done = pair.control.restore("target", manifest, "mirror", businesses=["a"])
    assert not [line for line in done.warnings if "outside the restore" in line]
    assert pair.rows("SELECT name FROM items ORDER BY id") == [("x",), ("theirs",)]
    execute(pair.target, "DELETE FROM items WHERE id = 1")
    done = pair.control.restore("target", manifest, "mirror", businesses=["a"], triggers="fire")
    assert [line for line in done.warnings if line.startswith("items: rows outside the restore changed")]
    assert pair.rows("SELECT name FROM items ORDER BY id") == [("x",), ("meddled",)]


def test_what_no_trigger_does_is_noticed_too(make_pair: MakePair) -> None:
    """Where the server's counts are not the plan's, rows are looked at: they show that a default changed another."""
    pair = make_pair(RULES, MAKERS, ITEMS)
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', NULL, 'x'), (2, 'b', NULL, 'theirs')")
    execute(
        pair.target,
        "INSERT INTO items VALUES (2, 'b', NULL, 'theirs')",
        "CREATE FUNCTION meddle() RETURNS text LANGUAGE plpgsql AS $$ BEGIN"
        " UPDATE public.items SET name = 'meddled' WHERE id = 2; RETURN 'default'; END $$",
        "ALTER TABLE items ADD extra text",
        "ALTER TABLE items ALTER extra SET DEFAULT meddle()",
    )
    state, manifest = pair.state(), pair.backup()
    with pytest.raises(Exception, match="items: rows outside the restore changed"):
        pair.control.restore("target", manifest, "mirror", businesses=["a"])
    assert pair.state() == state


def test_a_business_of_the_demo_equals_its_own_backup(
    control: Control, demo_host: Callable[..., str], empty_host: Callable[..., str]
) -> None:
    """Picked out of a backup of everything it is, row for row, what a backup of it alone is."""
    demo_host("source")
    empty_host("target")
    whole = control.backup("source", demo="include")
    for business in sorted(whole.selection.tenants)[1:3]:
        own = control.backup("source", demo="include", businesses=[business])
        outcome = control.restore("target", whole, "mirror", businesses=[business])
        again = control.backup("target", demo="include", businesses=[business])
        assert again.metadata.checksums == own.metadata.checksums
        assert int(str(outcome.facts["inserts"])) > 100
