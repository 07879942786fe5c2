"""Applications that take the node that was seen last for their own: a peer's call can make that the peer's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.control import execute
from tests.restore.devices import IDENTITY, Devices, facts, machine, make_devices
from toolkit.errors import RefusedError

LAST_SEEN: dict[str, Any] = {
    **IDENTITY,
    "node": {**IDENTITY["node"], "where": "mine", "order_by": "created DESC"},
    "create": [
        {"table": "nodes", "row": {"id": "n-{{ node_id }}", "node_id": "{{ node_id }}", "mine": True}},
        *IDENTITY["create"][1:],
    ],
}
"""In this application `mine` means active, and `created` last seen."""

SEEN = "UPDATE nodes SET mine = true, created = '{}' WHERE node_id = '{}'"


@pytest.fixture
def devices(tmp_path: Path, databases: tuple[str, str], clerk: str) -> Devices:
    """The source is node `A`, seen last; the target has the tables and no rows. Peers are active on both."""
    made = make_devices(tmp_path, databases, clerk)
    made.declare(identity=LAST_SEEN)
    execute(made.source, SEEN.format("2026-01-02", "A"), SEEN.format("2026-01-01", "peer"))
    return made


def same_machine(devices: Devices, **device: str) -> None:
    """Make the target a copy of the source, whose peer has called since."""
    devices.declare("a", identity=LAST_SEEN)
    devices.control.add_host("target", devices.target, device={"id": "a", "name": "a", **device})
    machine(devices.target, "A")
    execute(devices.target, SEEN.format("2026-01-02", "A"), SEEN.format("2026-02-01", "peer"))


def test_a_peer_that_called_is_refused_with_both_facts(devices: Devices) -> None:
    """Where device.id says the same device and the node another, nothing is decided, in check mode as well."""
    same_machine(devices)
    manifest = devices.control.backup("source", scope="full-device")
    before = devices.state()
    for check in (True, False):
        with pytest.raises(RefusedError) as refused:
            devices.control.restore("target", manifest, "mirror", check=check, identity="auto")
        [reason] = refused.value.reasons
        assert "device.id, a, is that of the backup; the node id found is peer, and the backup's, A, is known" in reason
        assert "device: {node: NODE-ID}" in refused.value.hint
    assert devices.state() == before


def test_the_inventory_names_the_node(devices: Devices) -> None:
    """The node that the inventory names decides: it is the same device still, and what speaks against it is said."""
    same_machine(devices, node="A")
    manifest = devices.control.backup("source", scope="full-device")
    done = devices.control.restore("target", manifest, "mirror", identity="auto")
    assert facts(done)["same_device"]
    assert "the inventory names node A for this device; by the catalog file it would be peer" in str(facts(done))
    assert devices.rows("SELECT node_id, clock FROM states WHERE node_id = 'A'") == [("A", 5)]
    assert not devices.control.restore("target", manifest, "mirror", identity="auto").changed
    assert devices.control.verify("target", manifest).exit_code == 0


def test_a_backup_records_the_node_that_the_inventory_names(devices: Devices) -> None:
    """A peer that called before the backup does not become its source."""
    execute(devices.source, SEEN.format("2026-03-01", "peer"))
    assert devices.control.backup("source").metadata.source_node_id == "peer"
    devices.control.add_host("source", devices.source, device={"id": "a", "name": "a", "node": "A"})
    assert devices.control.backup("source").metadata.source_node_id == "A"


def test_another_device_keeps_its_peers(devices: Devices) -> None:
    """Only the own node's row gives way to another identity; active peers are peers."""
    machine(devices.target, "B")
    execute(devices.target, SEEN.format("2026-01-05", "B"), SEEN.format("2026-01-04", "peer"))
    execute(devices.target, "DELETE FROM notes; DELETE FROM pages; DELETE FROM jobs")
    done = devices.go("merge", "new")
    node = str(facts(done)["node_id"])
    assert devices.rows("SELECT node_id FROM nodes WHERE node_id <> 'peer'") == [(node,)]
    assert devices.rows("SELECT count(*) FROM nodes WHERE node_id = 'peer'") == [(1,)]


def test_a_node_named_on_a_wiped_machine_is_made(devices: Devices) -> None:
    """On another device without a node row, the node that the inventory names is made, not another one."""
    devices.control.add_host("target", devices.target, device={"id": "b", "name": "b", "node": "B-1"})
    machine(devices.target, None)
    done = devices.go("merge")
    assert facts(done)["node_id"] == "B-1"
    assert devices.rows("SELECT count(*) FROM nodes WHERE node_id = 'B-1'") == [(1,)]


def test_an_identity_that_would_not_be_found_is_refused(devices: Devices) -> None:
    """Taking a node over while a peer was seen later would leave the peer for the own node: said before a change."""
    machine(devices.target, "B")
    execute(devices.target, "INSERT INTO nodes VALUES ('late', 'late', true, '2026-06-01')")
    execute(devices.target, SEEN.format("2026-07-01", "B"))
    manifest = devices.control.backup("source")
    before = devices.state()
    with pytest.raises(RefusedError, match=r"`identity\.node` would find late, not A"):
        devices.control.restore("target", manifest, "merge", identity="source")
    assert devices.state() == before
    devices.control.add_host("target", devices.target, device={"id": "b", "name": "b", "node": "A"})
    taken = devices.control.restore("target", manifest, "merge", identity="source")
    assert facts(taken)["node_id"] == "A"
