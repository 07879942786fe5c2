"""Constraints that are NOT VALID or NOT ENFORCED: only rows that are written, or lose their parent, are looked at."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from tests.control import execute
from tests.installed import needs
from tests.restore.conftest import MakePair, Pair
from tests.restore.laboratory import SUPERUSER
from tests.restore.test_conflicts import refused
from tests.restore.test_deletion import HOSTS
from tests.sweeps import covering
from toolkit.errors import RefusedError

ITEMS = (
    "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, parent integer, name text)"
)
RULES = {"items": {"owned_by": ["tenant"]}}
PARENT = "ALTER TABLE items ADD CONSTRAINT parent FOREIGN KEY (parent) REFERENCES items NOT VALID"
UNENFORCED = "ALTER TABLE items ADD CONSTRAINT parent FOREIGN KEY (parent) REFERENCES items NOT ENFORCED"
SHORT = "ALTER TABLE items ADD CONSTRAINT short CHECK (length(name) < 9) NOT VALID"
OLD_ROWS = "INSERT INTO items VALUES (1, 'a', NULL, 'good'), (2, 'b', 99, 'a very old orphan')"


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    """A row of business b is older than the constraints that it breaks, on both sides."""
    made = make_pair(RULES, ITEMS)
    made.fill(OLD_ROWS, PARENT, SHORT)
    return made


def restored(pair: Pair, host: str, **arguments: object) -> dict[str, object]:
    """What check mode shows, and then happens."""
    manifest = pair.backup()
    planned, done = (
        pair.control.restore(host, manifest, "mirror", check=check, **arguments) for check in (True, False)
    )
    assert {**planned.facts, "untouched": None} == {**done.facts, "untouched": None}
    assert planned.exit_code == done.exit_code == 0
    return dict(done.facts)


@HOSTS
@pytest.mark.parametrize("arguments", [{"businesses": ["a"]}, {"atomic": False}, {}])
def test_an_old_row_of_another_business_stands_in_nobody_s_way(pair: Pair, host: str, arguments: Any) -> None:
    """It is not written, so no constraint that it breaks has a say."""
    execute(pair.target, "UPDATE items SET name = 'hurt' WHERE id = 1", "INSERT INTO items VALUES (3, 'a', 1, 'new')")
    facts = restored(pair, host, **arguments)
    assert (facts["updates"], facts["deletes"]) == (1, 1)
    assert pair.rows("SELECT id, name FROM items ORDER BY id") == [(1, "good"), (2, "a very old orphan")]


@HOSTS
@pytest.mark.parametrize("arguments", [{}, {"atomic": False}])
def test_an_old_orphan_under_a_valid_key_may_be_updated(make_pair: MakePair, host: str, arguments: Any) -> None:
    """Somebody wrote past the key once: the row points at nothing as before, and is the backup's in all else."""
    pair = make_pair(RULES, ITEMS, PARENT.removesuffix(" NOT VALID"))
    for database in (pair.source, pair.target):
        past = make_conninfo(database, user=SUPERUSER, options="-c session_replication_role=replica")
        execute(past, "INSERT INTO items VALUES (1, 'a', 99, 'orphan'), (2, 'b', NULL, 'good')")
    execute(pair.target, "UPDATE items SET name = 'hurt'")
    assert restored(pair, host, **arguments)["updates"] == 2
    assert pair.rows("SELECT id, parent, name FROM items ORDER BY id") == [(1, 99, "orphan"), (2, None, "good")]


@HOSTS
def test_a_row_that_comes_back_is_held_to_what_old_rows_escape(pair: Pair, host: str) -> None:
    """The server lets no such row in anew, so the plan says so, also where a superuser could write past it."""
    execute(pair.target, "DELETE FROM items WHERE id = 2")
    assert refused(pair, host=host) == [
        "items: constraint short says CHECK ((length(name) < 9)) NOT VALID: 1 row, e.g. 2",
        "items: parent: (parent) would point at no row of items: 1 row, e.g. 2",
    ]


@HOSTS
def test_into_an_empty_database_the_same_rows_are_refused_by_name(pair: Pair, host: str) -> None:
    """There, rows are copied without being compared; what is refused then is what the plan has."""
    execute(pair.target, "ALTER TABLE items DROP CONSTRAINT short", "DELETE FROM items")
    assert refused(pair, host=host) == ["items: parent: (parent) would point at no row of items: 1 row, e.g. 2"]


@HOSTS
def test_a_reference_that_led_nowhere_before_may_go_on_so(pair: Pair, host: str) -> None:
    """The server looks at a foreign key only where its columns change."""
    execute(pair.source, "ALTER TABLE items DROP CONSTRAINT short")
    execute(pair.target, "ALTER TABLE items DROP CONSTRAINT short", "UPDATE items SET name = 'hurt' WHERE id = 2")
    assert restored(pair, host)["updates"] == 1
    execute(pair.target, "UPDATE items SET parent = NULL WHERE id = 2")
    assert refused(pair, host=host) == ["items: parent: (parent) would point at no row of items: 1 row, e.g. 2"]


@HOSTS
@pytest.mark.parametrize("arguments", [{}, {"atomic": False}])
def test_rows_that_lead_nowhere_swap_values_only_past_their_key(pair: Pair, host: str, arguments: Any) -> None:
    """To swap, a row is written twice, and the second time the server looks at its key: refused in check mode too."""
    pair.fill("ALTER TABLE items DROP CONSTRAINT parent, DROP CONSTRAINT short, ADD code integer UNIQUE")
    pair.fill("UPDATE items SET code = id")
    pair.fill("INSERT INTO items VALUES (3, 'b', 98, 'old too', 3)", PARENT)
    execute(pair.target, "UPDATE items SET code = -code WHERE id > 1", "UPDATE items SET code = 5 - id WHERE id > 1")
    if host == "superuser" and not arguments:
        assert restored(pair, host)["updates"] == 2
        return
    manifest = pair.backup()
    with pytest.raises(RefusedError) as refusal:
        pair.restore(of=manifest, host=host, **arguments)
    planned = pair.restore(of=manifest, host=host, check=True, **arguments)
    assert list(refusal.value.reasons) == planned.facts["conflicts"]
    assert "which point at nothing by a foreign key that is NOT VALID" in refusal.value.reasons[0]
    assert pair.rows("SELECT code FROM items ORDER BY id") == [(1,), (3,), (2,)]


@HOSTS
def test_a_parent_is_not_taken_from_a_row_under_a_key_that_is_not_valid(pair: Pair, host: str) -> None:
    """Rows that lead somewhere now lead somewhere afterwards: the parent is kept."""
    execute(pair.target, "INSERT INTO items VALUES (3, 'a', NULL, 'extra'), (4, 'b', 3, 'child')")
    facts = restored(pair, host, businesses=["a"])
    assert facts["deletes"] == 0
    assert pair.rows("SELECT id FROM items ORDER BY id") == [(1,), (2,), (3,), (4,)]


@HOSTS
@needs(18)
def test_a_key_that_is_not_enforced_asks_for_nothing(make_pair: MakePair, host: str) -> None:
    """Its rows may point at nothing, and come back as they were."""
    pair = make_pair(RULES, ITEMS, UNENFORCED)
    execute(pair.source, OLD_ROWS)
    assert restored(pair, host)["inserts"] == 2
    execute(pair.target, "UPDATE items SET parent = 7, name = 'hurt'")
    assert restored(pair, host)["updates"] == 2
    assert pair.rows("SELECT parent FROM items ORDER BY id") == [(None,), (99,)]


@pytest.mark.parametrize(("host", "arguments"), covering(("target", "superuser"), ({"businesses": ["a"]}, {})))
def test_an_old_value_of_a_domain_stands_in_nobody_s_way(make_pair: MakePair, host: str, arguments: Any) -> None:
    """A constraint of a domain that is NOT VALID looks at rows that are written, as those of tables do."""
    pair = make_pair(RULES, "CREATE DOMAIN word AS text", ITEMS.replace("name text", "name word"))
    pair.fill(OLD_ROWS, "ALTER DOMAIN word ADD CHECK (length(VALUE) < 9) NOT VALID")
    execute(pair.target, "UPDATE items SET name = 'hurt' WHERE id = 1")
    assert restored(pair, host, **arguments)["updates"] == 1
    execute(pair.target, "UPDATE items SET parent = 98 WHERE id = 2")
    if not arguments:
        said = 'items: column name cannot hold them: value for domain word violates check constraint "word_check"'
        assert refused(pair, host=host) == [f"{said}: 1 row, e.g. 2"]
