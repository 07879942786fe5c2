"""Whose part in sync a target takes: kept, given back, taken over or made; and then once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.control import execute
from tests.restore.devices import IDENTITY, Devices, facts, followed, machine, make_devices
from tests.sweeps import covering


@pytest.fixture
def devices(tmp_path: Path, databases: tuple[str, str], clerk: str) -> Devices:
    """The source is node `A`; the target has the tables and no rows."""
    return make_devices(tmp_path, databases, clerk)


@pytest.mark.parametrize(("identity", "node"), [("auto", "B"), ("auto", None), ("source", "B"), ("new", "B")])
def test_a_restore_in_steps(devices: Devices, identity: str, node: str | None) -> None:
    """A restore that is not one transaction comes to the same end."""
    machine(devices.target, node)
    execute(devices.target, "DELETE FROM notes; DELETE FROM pages; DELETE FROM jobs")
    manifest = devices.control.backup("source")
    planned = devices.control.restore("target", manifest, "mirror", identity=identity, check=True)
    done = devices.control.restore("target", manifest, "mirror", identity=identity, atomic=False)
    assert done.facts["tables"] == planned.facts["tables"]
    assert facts(done)["node_id"] == devices.own_nodes()[0]
    assert devices.rows("SELECT count(*) FROM queue") == [(0,)]
    again = "source" if identity == "source" else "auto"
    assert not devices.control.restore("target", manifest, "mirror", identity=again).changed


@pytest.mark.parametrize(("host", "scope"), covering(["target", "superuser"], ["business", "full-device"]))
def test_a_device_without_a_node_gets_one(devices: Devices, host: str, scope: str) -> None:
    """A device that was never initialised gets an id by the template, once, and the rows that go with it."""
    done = devices.go(host=host, scope=scope)
    (node,) = devices.own_nodes()
    assert node.startswith("b-20")
    assert facts(done)["node"] == "generated"
    assert devices.rows("SELECT DISTINCT node FROM printers") == [(node,)]
    assert devices.rows("SELECT node_id FROM states") == [(node,)]
    assert facts(done)["created"] == {"nodes": 1, "states": 1}


def test_two_missing_ids_are_not_equal(devices: Devices) -> None:
    """Without node ids and device ids on either side nothing says that it is the same device."""
    execute(devices.source, "UPDATE nodes SET mine = false")
    devices.declare(None)
    devices.control.add_host("source", devices.source)
    done = devices.go(scope="full-device")
    assert not facts(done)["same_device"]
    assert devices.rows("SELECT count(*) FROM queue") == [(0,)]
    assert devices.own_nodes()[0].startswith("target-20")


@pytest.mark.parametrize("scope", ["business", "full-device"])
def test_a_wiped_device(devices: Devices, scope: str) -> None:
    """A device whose node row is gone is known by its device id, and has its old node id again."""
    devices.declare("a")
    machine(devices.target, None)
    execute(devices.target, "INSERT INTO queue VALUES (5)")
    done = devices.go("merge", scope=scope)
    assert facts(done)["same_device"]
    assert facts(done)["node"] == "source"
    assert devices.own_nodes() == ["A"]
    assert devices.rows("SELECT node FROM printers ORDER BY id") == [("A",), ("peer",)]
    # nothing of its own is thrown away, and what is missing is made
    assert (5,) in devices.rows("SELECT id FROM queue")
    clock = 0 if scope == "business" else 5
    assert devices.rows("SELECT clock FROM states WHERE node_id = 'A'") == [(clock,)]


def test_a_wiped_device_whose_backup_has_not_even_the_node(devices: Devices) -> None:
    """The node id comes back by the manifest where no row of the backup carries it."""
    devices.declare("a")
    execute(devices.source, "DELETE FROM printers", "DELETE FROM jobs WHERE false")
    execute(devices.source, "UPDATE jobs SET node = NULL")
    machine(devices.target, None)
    devices.go("merge")
    assert devices.own_nodes() == ["A"]


@pytest.mark.parametrize(("node", "identity"), covering([None, "B"], ["auto", "source"]))
def test_a_source_that_was_never_initialised(devices: Devices, node: str | None, identity: str) -> None:
    """A backup without a node id restores: the target keeps its id or gets one; there is none to take over."""
    execute(devices.source, "DELETE FROM states; UPDATE nodes SET mine = false")
    machine(devices.target, node)
    done = devices.go("merge", identity)
    if node is not None:
        assert devices.own_nodes() == ["B"]
        assert facts(done)["node"] == "kept"
    elif identity == "auto":
        assert facts(done)["node"] == "generated"
        assert len(devices.own_nodes()) == 1
    else:
        assert devices.own_nodes() == []


@pytest.mark.parametrize(
    ("mode", "host", "scope", "node"),
    covering(["merge", "mirror"], ["target", "superuser"], ["business", "full-device"], [None, "B", "A"]),
)
def test_taking_the_source_over(devices: Devices, host: str, mode: str, scope: str, node: str | None) -> None:
    """The target is the source afterwards, whoever it was; its former node is gone and nothing points at it."""
    machine(devices.target, node)
    done = devices.go(mode, "source", host=host, scope=scope)
    assert devices.own_nodes() == ["A"]
    assert devices.rows("SELECT node FROM printers ORDER BY id") == [("A",), ("peer",)]
    assert devices.rows("SELECT node FROM jobs ORDER BY id") == [("A",), (None,), ("peer",)]
    assert followed(done) == {}
    assert facts(done)["node"] == ("kept" if node == "A" else "source")
    if node == "B" and scope == "business":
        # the sync state of B is not that of A
        assert devices.rows("SELECT node_id, clock FROM states") == [("A", 0)]


def test_a_peer_becomes_the_device_itself(devices: Devices) -> None:
    """New hardware that knew the lost machine as a peer makes the peer's row its own."""
    machine(devices.target, "B")
    execute(devices.target, "INSERT INTO nodes VALUES ('known', 'A', false, '2026-01-01')")
    devices.go("merge", "source")
    assert devices.own_nodes() == ["A"]
    assert devices.rows("SELECT id FROM nodes ORDER BY id") == [("known",), ("peer",)]


def test_rows_of_the_target_move_to_its_new_node(devices: Devices) -> None:
    """When the target's node id changes, its rows that the backup does not have move along; counted and told."""
    machine(devices.target, "B")
    execute(devices.target, "INSERT INTO printers VALUES (30, 'B', 3)", "DELETE FROM notes; DELETE FROM pages")
    execute(devices.target, "DELETE FROM jobs")
    done = devices.go("merge", "new")
    (node,) = devices.own_nodes()
    assert devices.rows("SELECT DISTINCT node FROM printers") == [(node,)]
    assert facts(done)["moved"] == {"printers": 1}
    assert devices.rows("SELECT count(*) FROM nodes WHERE node_id = 'B'") == [(0,)]


@pytest.mark.parametrize("same", [True, False])
def test_a_new_identity(devices: Devices, *, same: bool) -> None:
    """`new` makes an id on any device, and another one each time; device data are skipped, as on another device."""
    machine(devices.target, "A" if same else None)
    execute(devices.target, "DELETE FROM notes; DELETE FROM pages; DELETE FROM jobs")
    done = devices.go("mirror", "new", scope="full-device")
    (first,) = devices.own_nodes()
    assert first.startswith("b-20")
    assert facts(done)["device_data"] == "skipped"
    assert devices.rows("SELECT count(*) FROM queue") == [(0,)]
    manifest = devices.control.backup("source", scope="full-device")
    again = devices.control.restore("target", manifest, "mirror", identity="new")
    assert devices.own_nodes() != [first]
    # nothing but the identity, and what hangs on it, is another
    assert set(again.facts["tables"]) == {"nodes", "states", "printers"}  # type: ignore[call-overload]


def test_a_new_identity_that_is_the_same_each_time(devices: Devices) -> None:
    """A template without the time gives the same id, and then restoring again changes nothing even with `new`."""
    devices.declare(identity={**IDENTITY, "node": {**IDENTITY["node"], "generate": "till-{{ device.name }}"}})
    manifest = devices.control.backup("source")
    assert devices.control.restore("target", manifest, "merge", identity="new").changed
    assert not devices.control.restore("target", manifest, "merge", identity="new").changed
    assert devices.own_nodes() == ["till-b"]
