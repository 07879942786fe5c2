"""Rows that the target cannot take are put aside with their reasons, and tried again later; the rest is restored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from tests.restore.test_deletion import HOSTS
from toolkit.actions.quarantine import ACTION as RETRY
from toolkit.errors import InputError, RefusedError
from toolkit.model.quarantine import QuarantinedRow
from toolkit.model.retention import RetentionPolicy
from toolkit.planning.retention import decide
from toolkit.storage.quarantine import quarantines, read_rows
from toolkit.storage.references import summaries

RULES: dict[str, Any] = {
    "items": {"owned_by": ["tenant"]},
    "parts": {"owned_by": ["item"]},
    "notes": {"owned_by": ["part"]},
}
DDL = (
    "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text UNIQUE, size int)",
    "CREATE TABLE parts (id integer PRIMARY KEY, item integer NOT NULL REFERENCES items, name text)",
    "CREATE TABLE notes (id integer PRIMARY KEY, part integer NOT NULL REFERENCES parts, text text)",
)


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    """A source with three items and what hangs on them; business b of the target holds the name of the second."""
    made = make_pair(RULES, *DDL)
    execute(
        made.source,
        "INSERT INTO items VALUES (1, 'a', 'x', 1), (2, 'a', 'y', 1), (3, 'a', 'z', -1)",
        "INSERT INTO parts VALUES (1, 1, 'ours'), (2, 2, E'tab\\t, back\\\\ and\\nline'), (3, 3, NULL)",
        "INSERT INTO notes VALUES (1, 1, 'x'), (2, 2, 'y')",
    )
    execute(
        made.target,
        "INSERT INTO items VALUES (9, 'b', 'y', 1)",
        "ALTER TABLE items ADD CONSTRAINT positive CHECK (size > 0)",
    )
    return made


def aside(pair: Pair) -> dict[tuple[str, str], QuarantinedRow]:
    """Everything in quarantine, by table and key."""
    repository = pair.control.repository
    return {(row.table, row.key): row for each in quarantines(repository) for row in read_rows(repository, each)}


@HOSTS
@pytest.mark.parametrize("atomic", [True, False])
def test_rows_in_conflict_are_put_aside_with_all_that_wait_for_them(pair: Pair, host: str, atomic: bool) -> None:
    """The rest is restored, the run is partial, and trying again brings them back once nothing is in the way."""
    manifest = pair.backup(businesses=["a"])
    arguments: dict[str, Any] = {"on_error": "quarantine", "atomic": atomic}
    planned = pair.control.restore(host, manifest, "mirror", check=True, **arguments)
    assert aside(pair) == {}
    done = pair.control.restore(host, manifest, "mirror", **arguments)
    assert planned.exit_code == done.exit_code == 3
    assert planned.facts["quarantined"] == done.facts["quarantined"]
    union = "SELECT id FROM items UNION ALL SELECT 10 + id FROM parts UNION ALL SELECT 20 + id FROM notes ORDER BY 1"
    assert pair.rows(union) == [(1,), (9,), (11,), (21,)]
    found = aside(pair)
    assert {place: (row.sqlstate, row.waits_for) for place, row in found.items()} == {
        ("items", "2"): ("23505", None),
        ("items", "3"): ("23514", None),
        ("parts", "2"): ("23503", "items 2"),
        ("parts", "3"): ("23503", "items 3"),
        ("notes", "2"): ("23503", "parts 2"),
    }
    assert found["parts", "2"].columns == {"id": "2", "item": "2", "name": "tab\t, back\\ and\nline"}
    assert found["parts", "3"].columns["name"] is None

    backups, _ = summaries(pair.control.repository)
    (decision,) = decide(backups, RetentionPolicy(minimum=0, last=1), now=datetime.now(UTC) + timedelta(days=999))
    assert "rows of it are in quarantine" in decision.reasons
    assert pair.control.run(RETRY, host, {}).exit_code == 3
    assert aside(pair).keys() == found.keys()
    execute(pair.target, "UPDATE items SET name = 'free' WHERE id = 9", "ALTER TABLE items DROP CONSTRAINT positive")
    retried = pair.control.run(RETRY, host, {})
    assert retried.exit_code == 0
    assert retried.facts["restored"] == 5
    assert aside(pair) == {}
    assert pair.control.verify("target", manifest).exit_code == 0
    with pytest.raises(InputError, match="no rows of host"):
        pair.control.run(RETRY, host, {})


def test_a_failed_restore_leaves_nothing_in_quarantine(pair: Pair) -> None:
    """Rows of a restore that was rolled back were not put aside: they are all still to come."""
    manifest = pair.backup(businesses=["a"])
    execute(
        pair.target,
        "CREATE FUNCTION no() RETURNS text LANGUAGE plpgsql AS $$ BEGIN UPDATE public.tenants SET name = 'default'"
        " WHERE id = 'b'; RETURN 'no'; END $$",
        "ALTER TABLE parts ADD extra text",
        "ALTER TABLE parts ALTER extra SET DEFAULT no()",
    )
    state = pair.state()
    with pytest.raises(Exception, match="tenants: rows outside the restore changed"):
        pair.control.restore("target", manifest, "mirror", on_error="quarantine")
    assert pair.state() == state
    assert aside(pair) == {}


def test_a_row_that_a_trigger_refuses_is_found(pair: Pair) -> None:
    """No plan foresees what a trigger says: the very row is named, or put aside."""
    execute(pair.target, "ALTER TABLE items DROP CONSTRAINT positive", "DELETE FROM items")
    execute(
        pair.target,
        "CREATE FUNCTION picky() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.id = 2 THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER picky BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION picky()",
    )
    manifest = pair.backup()
    with pytest.raises(RefusedError) as refusal:
        pair.control.restore("target", manifest, "mirror", triggers="fire")
    assert refusal.value.reasons == ("items (2): not this one",)
    outcome = pair.control.restore("target", manifest, "mirror", triggers="fire", on_error="quarantine")
    assert outcome.exit_code == 3
    assert aside(pair).keys() == {("items", "2"), ("parts", "2"), ("notes", "2")}
    assert aside(pair)["items", "2"].sqlstate == "P0001"
    assert pair.rows("SELECT id FROM items ORDER BY id") == [(1,), (3,)]
