"""What a restore refuses about devices: all of it named beforehand, and nothing changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.control import execute, rows
from tests.restore.devices import BUSINESS, IDENTITY, NODE, Devices, machine, make_devices
from toolkit.errors import InputError, RefusedError


@pytest.fixture
def devices(tmp_path: Path, databases: tuple[str, str], clerk: str) -> Devices:
    """The source is node `A`; the target has the tables and no rows."""
    return make_devices(tmp_path, databases, clerk)


def test_rows_that_may_not_move_are_a_conflict(devices: Devices) -> None:
    """A row of the target that hangs on the old id and has no rule for moving is refused, with its table."""
    machine(devices.target, "B")
    manifest = devices.control.backup("source")
    before = devices.state()
    with pytest.raises(RefusedError, match="jobs: rows point at this device's own row of nodes"):
        devices.control.restore("target", manifest, "merge", identity="new")
    assert devices.state() == before


def test_rows_without_a_rule_are_refused(devices: Devices) -> None:
    """Every reference to device rows that lacks a rule, or whose rule cannot be followed, is listed with its rows."""
    marks = {"owned_by": ["tenant"]}
    printers = {**BUSINESS["printers"], "references": {"node": {"to": "nodes.node_id", "on_other_device": None}}}
    devices.declare(marks=marks, printers=printers)
    machine(devices.target, "B")
    manifest = devices.control.backup("source")
    before = devices.state()
    for check in (True, False):
        with pytest.raises(RefusedError) as refusal:
            devices.control.restore("target", manifest, "merge", check=check, identity="auto")
        assert refusal.value.reasons == (
            "marks (thing): 1 rows point at things, and the catalog file does not say what becomes of them on another"
            " device",
            "printers (node): 2 rows point at nodes, and on_other_device: null cannot be: the column is NOT NULL",
        )
    assert devices.state() == before
    assert devices.control.restore("target", manifest, "merge", identity="source").changed


def test_rows_that_would_be_doubled_are_refused(devices: Devices) -> None:
    """Several nodes become one: values that were unique per node and no longer are, are found beforehand."""
    devices.fill("ALTER TABLE printers ADD UNIQUE (node, port)")
    execute(devices.source, "UPDATE printers SET port = 1")
    machine(devices.target, None)
    with pytest.raises(RefusedError, match=r"printers: 2 rows would have the same \(node, port\)"):
        devices.go("merge")


def test_rows_that_point_at_sync_state_keep_it_from_being_cleared(devices: Devices) -> None:
    """Clearing takes nothing along that is not declared: rows that point at cleared ones are a conflict."""
    ddl = "CREATE TABLE things_of (id integer PRIMARY KEY, state text REFERENCES states ON DELETE CASCADE)"
    devices.fill(ddl)
    rule = {"rule": "shared", "references": {"state": {"to": "states.node_id", "on_other_device": None}}}
    devices.declare(things_of=rule)
    machine(devices.target, "B")
    execute(devices.target, "INSERT INTO things_of VALUES (1, 'B')")
    manifest = devices.control.backup("source")
    with pytest.raises(RefusedError, match="things_of: rows point at rows of states, which are to be cleared: 1 row"):
        devices.control.restore("target", manifest, "merge", identity="auto")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"node": {**IDENTITY["node"], "key": "nope"}}, "identity.node.key: table nodes has no column 'nope'"),
        (
            {"create": [NODE, {"table": "states", "row": {"nope": 1}}]},
            r"identity.create\[1\].row: table states has no column 'nope'",
        ),
        ({"create": [NODE, {"table": "states", "row": {"clock": 1}}]}, "column states.node_id is NOT NULL"),
        ({"create": [{"table": "queue", "row": {"id": 1}}]}, "node.generate: column nodes.id is NOT NULL"),
        (
            {"create": [NODE, {"table": "states", "row": {"node_id": "x", "clock": "soon"}}]},
            r"identity.create\[1\].row: states: invalid input syntax",
        ),
        ({"create": [NODE, {"table": "queue", "row": {"id": "{{ nobody }}"}}]}, "the variable nobody is undefined"),
        ({"node": {**IDENTITY["node"], "generate": "{{ '' }}"}}, "the template gives no node id"),
    ],
)
def test_an_identity_section_that_does_not_fit(devices: Devices, change: dict[str, Any], problem: str) -> None:
    """What the section says and the database does not bear out is named with its place, before anything is done."""
    devices.declare(identity={**IDENTITY, **change})
    execute(devices.source, "DELETE FROM printers")
    with pytest.raises(InputError, match=problem):
        devices.go("merge", "new")


def test_a_node_that_would_not_be_found_again_is_refused(devices: Devices) -> None:
    """A declared node row for which `where` does not hold would make every restore generate another."""
    create = [{"table": "nodes", "row": {"id": "x", "node_id": "{{ node_id }}", "mine": False}}]
    devices.declare(identity={**IDENTITY, "create": create})
    with pytest.raises(RefusedError, match="every restore would make another node"):
        devices.go("merge")


def test_missing_privileges_are_named(devices: Devices, clerk: str) -> None:
    """What a role may not read of the identity's tables, or not write, is named before anything is changed."""
    machine(devices.target, "B")
    execute(devices.target, f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {clerk}")
    execute(devices.target, f"REVOKE SELECT ON states FROM {clerk}")
    manifest = devices.control.backup("source")
    with pytest.raises(RefusedError, match=r"no SELECT on table public\.states"):
        devices.control.restore("clerk", manifest, "merge", identity="auto")
    execute(devices.target, f"GRANT SELECT ON states TO {clerk}")
    with pytest.raises(RefusedError) as refusal:
        devices.control.restore("clerk", manifest, "merge", identity="auto")
    assert refusal.value.reasons == ("no DELETE on table public.queue", "no DELETE on table public.states")
    execute(devices.target, f"GRANT DELETE ON queue, states TO {clerk}")
    assert devices.control.restore("clerk", manifest, "merge", identity="auto").changed
    assert rows(devices.target, "SELECT node_id FROM states") == [("B",)]
