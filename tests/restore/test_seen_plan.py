"""A restore bound to a plan that a person has seen: it does exactly that, or nothing, and says what is different."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from tests.restore.devices import machine, make_devices
from tests.restore.test_plan import changed
from toolkit.errors import InputError, RefusedError
from toolkit.model.manifest import Manifest

CHANGES = (
    ("UPDATE items SET note = 'new' WHERE id = 10", "items: as many rows, but other rows or other values"),
    ("UPDATE items SET note = 'new' WHERE id = 20", "items: as many rows, but other rows or other values"),
    ("INSERT INTO items VALUES (40, 'b', '', 1, NULL)", "items: 2 deletes, 1 in the plan that was seen"),
    ("INSERT INTO items VALUES (9, 'a', '', 1, '')", "items: 0 inserts, 1 in the plan that was seen; 4 updates, 3 in"),
    ("UPDATE locks SET item = 20", "items: as many rows, but other rows or other values"),
    ("UPDATE tenants SET name = 'C' WHERE id = 'a'", "tenants: 1 update, 0 in the plan that was seen"),
)


def seen(pair: Pair, manifest: Manifest, mode: str = "mirror", **arguments: Any) -> Any:
    """What check mode gives for the argument `plan`."""
    plan = pair.control.restore("target", manifest, mode, check=True, **arguments).plan
    assert plan is not None
    return plan["seen"]


def refused(pair: Pair, manifest: Manifest, mode: str = "mirror", **arguments: Any) -> tuple[str, ...]:
    """Why a restore is refused; it has changed nothing."""
    before = pair.state()
    with pytest.raises(RefusedError) as error:
        pair.control.restore("target", manifest, mode, **arguments)
    assert pair.state() == before
    assert error.value.facts["plan_differs"] == list(error.value.reasons)
    return error.value.reasons


def test_what_was_seen_is_done_or_refused_by_what_is_different(make_pair: MakePair) -> None:
    """Every change between plan and restore is told by its table, equal numbers or not, and nothing is done."""
    pair = changed(make_pair)
    manifest = pair.backup()
    plan = seen(pair, manifest)
    assert plan == seen(pair, manifest)
    for change, said in CHANGES:
        execute(pair.target, change)
        reasons = refused(pair, manifest, plan=plan)
        assert reasons[0].startswith(said), change
        former, plan = plan, seen(pair, manifest)
    assert len(refused(pair, manifest, plan=former["digest"])) == len(plan["tables"])
    done = pair.control.restore("target", manifest, "mirror", plan=seen(pair, manifest), exclusive=True)
    assert done.changed
    assert not pair.control.restore("target", manifest, "mirror", plan=seen(pair, manifest)["digest"]).changed


def test_another_backup_mode_or_business_than_the_one_seen_is_refused(make_pair: MakePair) -> None:
    """The plan of a mirror is none of a merge, nor that of one business one of all, though the rows were the same."""
    pair = changed(make_pair)
    manifest = pair.backup()
    whole = seen(pair, manifest)
    assert refused(pair, manifest, "merge", plan=whole)[0].startswith("items: 0 deletes, 1 in the plan")
    assert refused(pair, manifest, businesses=["b"], plan=whole)
    parts: tuple[dict[str, Any], ...] = ({"businesses": ["a"]}, {"tables": ["items"]})
    for part in parts:
        plan = seen(pair, manifest, "merge", **part)
        assert pair.control.restore("target", manifest, "merge", plan=plan, **part).changed


def test_rows_that_a_merge_leaves_are_other_peoples_work(make_pair: MakePair) -> None:
    """While others add rows, the plan of a merge stays what it was: it has nothing to do with them."""
    pair = changed(make_pair)
    manifest = pair.backup()
    plan = seen(pair, manifest, "merge")
    execute(pair.target, "INSERT INTO items VALUES (41, 'a', 'sold meanwhile', 1, NULL)")
    assert pair.control.restore("target", manifest, "merge", plan=plan).changed


def test_what_is_made_by_chance_is_no_part_of_a_plan(make_pair: MakePair) -> None:
    """An answer to drift that gives every row another value at every look does not make another plan of it."""
    pair = changed(make_pair)
    manifest = pair.backup()
    execute(
        pair.target,
        "ALTER TABLE items ADD token text NOT NULL DEFAULT ''",
        "ALTER TABLE items ALTER token DROP DEFAULT",
    )
    drift: dict[str, Any] = {"defaults": {"items.token": {"sql": "gen_random_uuid()::text"}}}
    plan = seen(pair, manifest, **drift)
    execute(pair.target, "UPDATE items SET price = 0 WHERE id = 10")
    assert refused(pair, manifest, plan=plan, **drift) == ("items: as many rows, but other rows or other values",)
    assert pair.control.restore("target", manifest, "mirror", plan=seen(pair, manifest, **drift), **drift).changed


def test_a_node_id_that_is_made_is_no_part_of_a_plan(tmp_path: Path, databases: tuple[str, str], clerk: str) -> None:
    """Each look would give a device without an id another one; rows of sync state that go count by their keys."""
    devices = make_devices(tmp_path, databases, clerk)
    machine(devices.target, None)
    execute(devices.target, "INSERT INTO queue VALUES (7)")
    manifest = devices.control.backup("source")
    plan = seen(devices, manifest, identity="new")
    assert plan == seen(devices, manifest, identity="new")
    execute(devices.target, "INSERT INTO queue VALUES (8)")
    assert refused(devices, manifest, plan=plan, identity="new")[0].startswith("queue: 2 deletes, 1 in the plan")
    plan = seen(devices, manifest, identity="new")
    done = devices.control.restore("target", manifest, "mirror", plan=plan, identity="new")
    assert done.facts["identity"]["node"] == "generated"  # type: ignore[index]


@pytest.mark.parametrize("argument", [{"atomic": False}, {"scratch": {"like": "target"}}])
def test_where_nobody_can_have_seen_the_plan_it_is_refused(make_pair: MakePair, argument: dict[str, Any]) -> None:
    """A restore in steps makes its plan again, and a scratch database is made anew: both say so."""
    pair = make_pair({})
    with pytest.raises(InputError, match=r"restore\.plan: .*leave"):
        pair.control.restore("target", pair.backup(), "merge", plan="p-0", **argument)
