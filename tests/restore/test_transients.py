"""Business rows that point at transient rows, which no backup has: what a restore and a verification make of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.invoking import invoke
from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from toolkit.errors import InputError, RefusedError

DDL = (
    "CREATE TABLE sessions (id integer PRIMARY KEY, what text)",
    "CREATE TABLE carts (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, session integer"
    " REFERENCES sessions)",
    "CREATE TABLE lines (id integer PRIMARY KEY, cart integer NOT NULL REFERENCES carts)",
    "CREATE TABLE notes (id integer PRIMARY KEY, tenant text REFERENCES tenants, cart integer REFERENCES carts)",
)
ROWS = (
    "INSERT INTO sessions VALUES (1, 'here'), (2, 'gone')",
    "INSERT INTO carts VALUES (1, 'a', 1), (2, 'a', 2), (3, 'b', NULL), (4, 'b', 2)",
    "INSERT INTO lines VALUES (1, 1), (2, 2), (4, 4)",
    "INSERT INTO notes VALUES (1, 'a', 2)",
)


def paired(make_pair: MakePair, on_restore: str | None) -> Pair:
    """Carts of sessions of which the target has only the first, under a rule; None for an undeclared reference."""
    carts: dict[str, Any] = {"owned_by": ["tenant"]}
    if on_restore:
        carts["references"] = {"session": {"to": "sessions.id", "on_restore": on_restore}}
    rules = {"carts": carts, "lines": {"owned_by": ["cart"]}, "notes": {"owned_by": ["tenant"]}}
    pair = make_pair(rules, *DDL, transient={"sessions": {}})
    execute(pair.source, *ROWS)
    execute(pair.target, "INSERT INTO sessions VALUES (1, 'here')")
    return pair


@pytest.mark.parametrize("mode", ["merge", "mirror"])
def test_null(make_pair: MakePair, mode: str) -> None:
    """The reference becomes NULL where the row is gone, and stays where it is there; that is said and verified."""
    pair = paired(make_pair, "null")
    manifest = pair.backup()
    assert not manifest.warnings
    planned = pair.control.restore("target", manifest, mode, check=True)
    done = pair.control.restore("target", manifest, mode)
    said = "carts (session): 2 rows pointed at transient rows that are not there; now NULL, e.g. 2; 4"
    assert said in planned.details
    assert said in done.details
    assert pair.rows("SELECT id, session FROM carts ORDER BY id") == [(1, 1), (2, None), (3, None), (4, None)]
    assert not pair.control.restore("target", manifest, mode).changed
    verified = pair.control.verify("target", manifest)
    assert (verified.facts["exact"], verified.details) == (True, (said,))
    # where all is there nothing changes, the references included
    assert not pair.control.restore("source", manifest, mode).changed
    execute(pair.target, "UPDATE carts SET session = 1 WHERE id = 2")
    assert pair.control.verify("target", manifest).facts["tables"] == {
        "carts": {"missing": 0, "extra": 0, "changed": 1}
    }


def test_skip_row(make_pair: MakePair) -> None:
    """The row is left out with all that cannot be without it; one that the target has stays as it is."""
    pair = paired(make_pair, "skip_row")
    manifest = pair.backup()
    execute(pair.target, "INSERT INTO carts VALUES (4, 'b', 1)")
    done = pair.control.restore("target", manifest, "mirror")
    assert "carts (session): 2 rows point at transient rows that are not there, and are not restored, e.g. 2; 4" in (
        done.details
    )
    assert pair.rows("SELECT id, session FROM carts ORDER BY id") == [(1, 1), (3, None), (4, 1)]
    assert pair.rows("SELECT id FROM lines ORDER BY id") == [(1,), (4,)]
    assert pair.rows("SELECT id, cart FROM notes") == [(1, None)]
    assert not pair.control.restore("target", manifest, "mirror").changed
    assert pair.control.verify("target", manifest).facts["exact"]


def test_one_business(make_pair: MakePair) -> None:
    """Of a restore of one business only its own rows follow the rule."""
    pair = paired(make_pair, "null")
    done = pair.control.restore("target", pair.backup(), "mirror", businesses=["a"])
    assert "carts (session): 1 rows pointed at transient rows that are not there; now NULL, e.g. 2" in done.details
    assert pair.rows("SELECT id, session FROM carts ORDER BY id") == [(1, 1), (2, None)]


def test_refuse(make_pair: MakePair) -> None:
    """A restore with such rows is refused, in check mode too; with the transient row there it goes through."""
    pair = paired(make_pair, "refuse")
    inventory = str(pair.control.directory / "inventory")
    explained = invoke("explain", "carts", "2", "--host", "source", "--inventory", inventory)
    assert "the row of sessions that it points at (session) is gone, a restore goes by on_restore: the restore is" in (
        explained.out
    )
    manifest, state = pair.backup(), pair.state()
    for check in (True, False):
        with pytest.raises(RefusedError, match="point at transient rows that are gone") as refusal:
            pair.control.restore("target", manifest, "merge", check=check)
        assert refusal.value.reasons == (
            "carts (session): rows point at rows of sessions, which is transient, that the target does not have,"
            " e.g. 2; 4",
        )
    assert pair.state() == state
    execute(pair.target, "INSERT INTO sessions VALUES (2, 'back')")
    assert pair.control.restore("target", manifest, "merge").changed
    assert pair.control.verify("target", manifest).facts["exact"]


def test_what_is_not_declared_is_asked_for(make_pair: MakePair) -> None:
    """A foreign key without a rule is named by backup and restore; its rows are conflicts."""
    pair = paired(make_pair, None)
    asked = (
        "carts (session) points at sessions, which is transient: say in inventory/catalogs/application.yml what a"
        " restore does where that row is gone, `references: {session: {to: sessions.id, on_restore: null | skip_row |"
        " refuse}}`"
    )
    manifest = pair.backup()
    assert manifest.warnings == (asked,)
    planned = pair.control.restore("target", manifest, "merge", check=True)
    assert (planned.exit_code, asked in planned.warnings) == (4, True)


def test_null_needs_a_column_that_may_be_null(make_pair: MakePair) -> None:
    """A rule that cannot be followed is an error of the catalog file."""
    pair = paired(make_pair, "null")
    execute(pair.source, "DELETE FROM notes", "DELETE FROM lines", "DELETE FROM carts WHERE id = 3")
    execute(pair.source, "ALTER TABLE carts ALTER session SET NOT NULL")
    with pytest.raises(InputError, match=r"references\.session: on_restore: null cannot be: the column is NOT NULL"):
        pair.backup()
