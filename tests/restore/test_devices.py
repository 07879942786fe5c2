"""Restores on the same and on another device: data, rows that follow, sync state; and then once more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.acting import context_of
from tests.control import execute
from tests.restore.devices import Devices, facts, followed, machine, make_devices
from tests.sweeps import covering
from toolkit.actions.device_outlook import device_outlook
from toolkit.config import inventory


@pytest.fixture
def devices(tmp_path: Path, databases: tuple[str, str], clerk: str) -> Devices:
    """The source is node `A`; the target has the tables and no rows."""
    return make_devices(tmp_path, databases, clerk)


@pytest.mark.parametrize(
    ("mode", "host", "scope"), covering(["merge", "mirror"], ["superuser", "target"], ["business", "full-device"])
)
def test_another_device(devices: Devices, mode: str, host: str, scope: str) -> None:
    """Device data are skipped, the node stays, sync state begins anew, and business rows follow as declared."""
    machine(devices.target, "B")
    execute(devices.target, "INSERT INTO things VALUES (9)", "DELETE FROM items")
    done = devices.go(mode, host=host, scope=scope)
    assert facts(done)["node"] == "kept"
    assert facts(done)["device_data"] == "skipped"
    assert devices.own_nodes() == ["B"]
    assert devices.rows("SELECT id FROM things ORDER BY id") == [(7,), (8,), (9,)]
    assert devices.rows("SELECT node_id, state, clock FROM states") == [("B", "idle", 0)]
    assert devices.rows("SELECT count(*) FROM queue") == [(0,)]
    assert devices.rows("SELECT node FROM printers ORDER BY id") == [("B",), ("B",)]
    assert devices.rows("SELECT thing FROM marks ORDER BY id") == [(None,), (None,)]
    assert facts(done)["cleared"] == {"states": 2, "queue": 2}
    assert facts(done)["created"] == {"states": 1}
    assert any("its node id is B, the backup's is A" in line for line in done.details)


def test_skipped_rows_leave_the_targets_own_alone(devices: Devices) -> None:
    """A row of another device is not restored, nor deleted; rows that need it are skipped or lose their reference."""
    machine(devices.target, None)
    execute(devices.target, "INSERT INTO nodes VALUES ('b', 'B', true)", "INSERT INTO jobs VALUES (3, 'B')")
    done = devices.go()
    # job 1 is not there: its page goes with it, as the job owns it, and the note loses its reference; job 3 stays
    assert devices.rows("SELECT id, node FROM jobs ORDER BY id") == [(2, None), (3, "B")]
    assert devices.rows("SELECT id FROM pages ORDER BY id") == [(2,), (3,)]
    assert devices.rows("SELECT id, job FROM notes ORDER BY id") == [(1, None), (2, 2)]
    assert followed(done) == {
        ("jobs", "skip_row"): 2,
        ("pages", "dragged"): 1,
        ("notes", "detached"): 1,
        ("marks", "null"): 1,
        ("printers", "current_node"): 2,
    }


def test_rows_that_follow_are_restored_so_whatever_the_target_has(devices: Devices) -> None:
    """A thing with the same id on the target is another device's thing: the reference is not kept for its sake."""
    machine(devices.target, "B")
    execute(devices.target, "UPDATE marks SET thing = NULL")
    assert devices.go("merge").facts["tables"] == {
        "printers": {"inserts": 0, "updates": 1, "deletes": 0},
        "queue": {"inserts": 0, "updates": 0, "deletes": 2},
        "states": {"inserts": 1, "updates": 0, "deletes": 2},
    }
    assert devices.rows("SELECT id FROM things ORDER BY id") == [(7,), (8,)]
    assert devices.rows("SELECT thing FROM marks ORDER BY id") == [(None,), (None,)]


@pytest.mark.parametrize(("mode", "host"), covering(["merge", "mirror"], ["target", "superuser"]))
def test_the_same_device_gets_its_own_data_back(devices: Devices, mode: str, host: str) -> None:
    """A full-device backup brings device tables back whole, as it does business tables; merge deletes nothing."""
    machine(devices.target, "A")
    execute(devices.target, "UPDATE states SET clock = 99", "INSERT INTO queue VALUES (3)")
    execute(devices.target, "DELETE FROM queue WHERE id = 1", "DELETE FROM things WHERE id = 8")
    done = devices.go(mode, host=host, scope="full-device")
    assert facts(done)["device_data"] == "restored"
    assert facts(done)["node"] == "kept"
    assert devices.rows("SELECT clock FROM states ORDER BY 1") == [(5,), (9,)]
    assert devices.rows("SELECT id FROM queue ORDER BY 1") == [(1,), (2,), *([(3,)] if mode == "merge" else [])]
    assert devices.rows("SELECT id FROM things ORDER BY 1") == [(7,), (8,)]
    assert followed(done) == {}


def test_device_data_come_back_whole_with_named_businesses(devices: Devices) -> None:
    """A full-device backup of one business brings the device's own data back like one of all; others' rows stay."""
    machine(devices.target, "A")
    execute(devices.target, "UPDATE states SET clock = 99", "INSERT INTO queue VALUES (3)", "DELETE FROM items")
    execute(devices.target, "INSERT INTO items VALUES (5, 'b')")
    devices.go("mirror", scope="full-device", businesses=["a"])
    assert devices.rows("SELECT clock FROM states ORDER BY 1") == [(5,), (9,)]
    assert devices.rows("SELECT id FROM queue ORDER BY 1") == [(1,), (2,)]
    assert devices.rows("SELECT id FROM items ORDER BY 1") == [(1,), (5,)]


def test_verification_on_another_device(devices: Devices) -> None:
    """Rows that followed the device are right as they are; any other difference is still found."""
    machine(devices.target, "B")
    devices.go("mirror", scope="full-device")
    manifest = devices.control.backup("source", scope="full-device")
    verified = devices.control.verify("target", manifest)
    assert verified.exit_code == 0
    assert "4 device tables not compared" in verified.details[0]
    execute(
        devices.target, "UPDATE printers SET port = 99 WHERE id = 1", "UPDATE printers SET node = 'peer' WHERE id = 2"
    )
    verified = devices.control.verify("target", manifest)
    assert verified.exit_code == 6
    assert verified.facts["tables"] == {"printers": {"missing": 0, "extra": 0, "changed": 2}}


def test_sync_state_that_moved_on_is_cleared_again(devices: Devices) -> None:
    """Rows as declared stay; one that has moved on since, in a column nobody declared, is not such a row."""
    machine(devices.target, "B")
    devices.go("merge")
    execute(devices.target, "UPDATE states SET clock = 1")
    done = devices.go("merge")
    assert facts(done)["cleared"] == facts(done)["created"] == {"states": 1}


def test_single_businesses_leave_the_sync_state(devices: Devices) -> None:
    """Restoring one business among others leaves the queue alone, which has changes of those others to tell."""
    machine(devices.target, "B")
    execute(devices.target, "DELETE FROM items; UPDATE marks SET thing = NULL")
    done = devices.go("merge", businesses=["a"])
    assert devices.rows("SELECT count(*) FROM queue") == [(2,)]
    assert facts(done)["cleared"] == {}
    assert any("single businesses" in line for line in done.details)


def test_one_business_out_of_a_full_device_backup(devices: Devices) -> None:
    """Device data do not come with a business that is picked out, on the same device neither."""
    machine(devices.target, "A")
    execute(devices.target, "DELETE FROM items; DELETE FROM queue; UPDATE states SET clock = 1")
    manifest = devices.control.backup("source", scope="full-device")
    devices.control.restore("target", manifest, "merge", identity="auto", businesses=["a"])
    assert devices.rows("SELECT id FROM items") == [(1,)]
    assert devices.rows("SELECT count(*) FROM queue") == [(0,)]
    assert devices.rows("SELECT DISTINCT clock FROM states") == [(1,)]


@pytest.mark.parametrize(("node", "businesses"), [("A", ()), ("B", ()), ("B", ("a",)), (None, ())])
def test_what_a_restore_would_decide_is_told_beforehand(
    devices: Devices, node: str | None, businesses: tuple[str, ...]
) -> None:
    """Before anything is planned the same facts are given that the report of the restore has, a made id aside."""
    machine(devices.target, node)
    manifest = devices.control.backup("source", scope="full-device")
    context = context_of(inventory.load(devices.control.directory / "inventory"), "target")
    told = device_outlook(context, manifest, None, businesses)
    some = {"businesses": list(businesses)} if businesses else {}
    planned = devices.control.run(
        "restore", "target", {"from": manifest.metadata.label, "mode": "merge", **some}, check=True
    )
    decided: Any = planned.facts["device"]
    made = {"node_id", "facts"} if node is None else set[str]()
    assert {**told, **dict.fromkeys(made)} == {**decided, **dict.fromkeys(made)}
    assert told["same_device"] is (node == "A")
    assert told["tables"]
