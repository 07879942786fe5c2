"""How a database's own node is found: by what the inventory says of the device, and never in a scratch database."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.control import execute
from tests.restore.devices import IDENTITY, NODE, Devices, machine, make_devices
from toolkit.errors import InputError


@pytest.fixture
def devices(tmp_path: Path, databases: tuple[str, str], clerk: str) -> Devices:
    """The source is node `A`; the target has the tables and no rows."""
    return make_devices(tmp_path, databases, clerk)


def declare(devices: Devices, where: str, **device: str) -> None:
    """Let a condition find the node of the target, whose device is this one."""
    devices.declare(identity={**IDENTITY, "node": {**IDENTITY["node"], "where": where}})
    devices.control.add_host("source", devices.source, device={"id": "A"})
    devices.control.add_host("target", devices.target, **({"device": device} if device else {}))


def test_the_condition_may_be_a_template(devices: Devices) -> None:
    """It sees the host's device and the environment; quotes in what they say stay within the quotes around them."""
    machine(devices.target, "B")
    execute(devices.target, "INSERT INTO nodes VALUES ('quoted', 'o''b')")
    declare(devices, "id = 'id-{{ device.id }}'", id="B")
    manifest = devices.control.backup("source")
    assert manifest.metadata.source_node_id == "A"
    said = devices.control.restore("target", manifest, "merge", check=True, identity="auto").details[0]
    assert said.startswith("this is another device than the backup's: its node id is B, the backup's is A")
    declare(devices, "node_id = '{{ device.id }}' AND '{{ env.PATH }}' <> ''", id="o'b")
    said = devices.control.restore("target", manifest, "merge", check=True, identity="auto").details[0]
    assert said.startswith("this is another device than the backup's: its node id is o'b")


def test_what_the_inventory_does_not_say_is_an_error(devices: Devices) -> None:
    """A condition that asks for it is named with the catalog file, and what to write."""
    declare(devices, "id = 'id-{{ device.id }}'", id="B")
    manifest = devices.control.backup("source")
    declare(devices, "id = 'id-{{ device.id }}'")
    with pytest.raises(InputError, match=r"identity\.node\.where: .* no attribute 'id'") as error:
        devices.control.restore("target", manifest, "merge", identity="auto")
    assert error.value.hint == "give host target a `device` in the inventory, with what the condition asks for"


def test_a_scratch_database_has_the_device_rows_of_the_source(devices: Devices) -> None:
    """They are compared there, also where the only node that came along is a peer's, which could pass for its own."""
    devices.declare(
        identity={**IDENTITY, "node": {"table": "nodes", "key": "node_id", "order_by": "mine DESC"}, "create": [NODE]}
    )
    execute(devices.source, "DELETE FROM printers WHERE node = 'A'", "UPDATE jobs SET node = NULL")
    manifest = devices.control.backup("source")
    devices.control.restore("target", manifest, "mirror", identity="source")
    execute(devices.target, "DELETE FROM nodes WHERE node_id = 'A'")
    scratch = f"source:{psycopg.conninfo.conninfo_to_dict(devices.target)['dbname']}"
    arguments = {"backup": manifest.metadata.label, "host": scratch}
    assert devices.control.run("verify", "source", arguments).facts["exact"]
    execute(devices.target, "UPDATE nodes SET created = now() WHERE node_id = 'peer'")
    found = devices.control.run("verify", "source", arguments)
    assert (found.facts["tables"], found.facts["not_compared"]) == (
        {"nodes": {"missing": 0, "extra": 0, "changed": 1}},
        [],
    )


def test_another_device_by_mistake_shows(devices: Devices) -> None:
    """Where device.id is the backup's and the node is not, check mode warns and shows the rows it would clear."""
    machine(devices.target, "B")
    devices.declare(device="a")
    manifest = devices.control.backup("source", scope="full-device")
    state = devices.state()
    planned = devices.control.restore("target", manifest, "merge", check=True, identity="auto")
    assert planned.warnings[0].startswith(
        "this is taken for another device, although the inventory's device.id is the backup's, a"
    )
    assert [line for line in planned.details if line.startswith("- ")] == [
        "- queue 1",
        "- queue 2",
        "- states B",
        "- states peer",
    ]
    assert devices.state() == state
    verified = devices.control.verify("target", manifest)
    assert verified.facts["not_compared"] == ["nodes", "queue", "states", "things"]
