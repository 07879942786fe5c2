"""Restores on the same and on another device: data, identity, rows that follow, sync state; and then once more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.control import Control, execute, rows
from tests.restore.conftest import CLERK, Pair
from tests.restore.laboratory import SUPERUSER
from toolkit.errors import InputError, RefusedError
from toolkit.model.outcome import Outcome

IDENTITY: dict[str, Any] = {
    "node": {
        "table": "nodes",
        "key": "node_id",
        "where": "mine",
        "order_by": "created",
        "generate": "{{ device.id | default(host, true) }}-{{ now }}",
    },
    "clear": ["states", "queue"],
    "create": [
        {"table": "nodes", "row": {"id": "n-{{ node_id }}", "node_id": "{{ node_id }}", "mine": True}},
        {"table": "states", "row": {"node_id": "{{ node_id }}", "state": "idle", "since": "{{ now }}"}},
    ],
}

NODE = IDENTITY["create"][0]

BUSINESS: dict[str, Any] = {
    "tenants": "tenant",
    "items": {"owned_by": ["tenant"]},
    "printers": {
        "rule": "shared",
        "references": {"node": {"to": "nodes.node_id", "on_other_device": "current_node"}},
    },
    "marks": {"owned_by": ["tenant"], "references": {"thing": {"to": "things.id", "on_other_device": None}}},
    "jobs": {"rule": "shared", "references": {"node": {"to": "nodes.node_id", "on_other_device": "skip_row"}}},
    "pages": {"owned_by": ["job"]},
    "notes": {"owned_by": ["tenant"]},
}

DDL = (
    "CREATE TABLE tenants (id text PRIMARY KEY, name text)",
    "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants)",
    "CREATE TABLE nodes (id text PRIMARY KEY, node_id text NOT NULL UNIQUE, mine boolean NOT NULL DEFAULT false,"
    " created timestamptz NOT NULL DEFAULT now())",
    "CREATE TABLE states (node_id text PRIMARY KEY, state text, clock integer NOT NULL DEFAULT 0, since timestamptz)",
    "CREATE TABLE queue (id integer PRIMARY KEY)",
    "CREATE TABLE things (id integer PRIMARY KEY)",
    "CREATE TABLE printers (id integer PRIMARY KEY, node text NOT NULL REFERENCES nodes (node_id), port integer)",
    "CREATE TABLE marks (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants,"
    " thing integer REFERENCES things)",
    "CREATE TABLE jobs (id integer PRIMARY KEY, node text REFERENCES nodes (node_id))",
    "CREATE TABLE pages (id integer PRIMARY KEY, job integer REFERENCES jobs)",
    "CREATE TABLE notes (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, job integer REFERENCES jobs)",
)

SOME = (
    "INSERT INTO tenants VALUES ('a', 'A'), ('b', 'B')",
    "INSERT INTO items VALUES (1, 'a'), (2, 'b')",
    "INSERT INTO things VALUES (7), (8)",
    "INSERT INTO marks VALUES (1, 'a', 7), (2, 'a', NULL)",
)


def machine(conninfo: str, node: str | None) -> None:
    """Give a database a node of its own, with all that hangs on it."""
    execute(conninfo, *SOME, "INSERT INTO nodes VALUES ('peer', 'peer', false, '2026-01-01')")
    if node is not None:
        execute(
            conninfo,
            f"INSERT INTO nodes VALUES ('id-{node}', '{node}', true, '2026-01-01')",
            f"INSERT INTO printers VALUES (1, '{node}', 1), (2, 'peer', 2)",
            f"INSERT INTO jobs VALUES (1, '{node}'), (2, NULL), (3, 'peer')",
            "INSERT INTO pages VALUES (1, 1), (2, 2), (3, 3)",
            "INSERT INTO notes VALUES (1, 'a', 1), (2, 'a', 2)",
            f"INSERT INTO states VALUES ('{node}', 'busy', 5, '2026-01-01'), ('peer', 'idle', 9, '2026-01-01')",
            "INSERT INTO queue VALUES (1), (2)",
        )


class Devices(Pair):
    """Hosts `source` (device `a`) and `target` (device `b`, or another one) under one catalog file."""

    def declare(self, device: str | None = "b", **changes: Any) -> None:
        """Write the catalog file and the hosts; `changes` replace tables' rules, `identity` the section."""
        identity = changes.pop("identity", IDENTITY)
        catalog = {
            "catalog": "application",
            "tenant": {"table": "tenants", "key": "id", "label": "name"},
            "identity": identity,
            "business": {"all": {**BUSINESS, **changes}},
            "device": {"all": {"nodes": {}, "states": {}, "queue": {}, "things": {}}},
        }
        self.control.catalog = json.dumps(catalog)
        mine = {} if device is None else {"device": {"id": device, "name": device}}
        self.control.add_host("source", self.source, device={"id": "a", "name": "a"})
        self.control.add_host("target", self.target, **mine)
        for user in (SUPERUSER, CLERK):
            name = "superuser" if user == SUPERUSER else "clerk"
            self.control.add_host(name, psycopg.conninfo.make_conninfo(self.target, user=user), **mine)

    def go(self, mode: str = "mirror", identity: str = "auto", *, host: str = "target", **scope: Any) -> Outcome:
        """Back up the source and restore it: what was planned is done, and, but for `new`, again changes nothing."""
        manifest = self.control.backup("source", demo="include", **scope)
        before = self.state()
        planned = self.control.restore(host, manifest, mode, check=True, identity=identity)
        assert self.state() == before
        done = self.control.restore(host, manifest, mode, identity=identity)
        numbers = ("inserts", "updates", "deletes", "unchanged", "tables")
        assert {name: planned.facts[name] for name in numbers} == {name: done.facts[name] for name in numbers}
        after = self.state()
        if identity != "new":
            again = self.control.restore(host, manifest, mode, identity=identity)
            assert not again.changed, again
            assert self.state() == after
        if mode == "mirror":
            assert self.control.verify("target", manifest).exit_code == 0
        return done

    def own_nodes(self) -> list[str]:
        """The target's own node ids."""
        return [node for (node,) in self.rows("SELECT node_id FROM nodes WHERE mine ORDER BY 1")]


@pytest.fixture
def devices(tmp_path: Path, databases: tuple[str, str], clerk: str) -> Devices:
    """The source is node `A`; the target has the tables and no rows."""
    pair = Devices(Control(tmp_path), *databases)
    pair.fill("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", f"GRANT USAGE ON SCHEMA public TO {clerk}", *DDL)
    pair.declare()
    machine(pair.source, "A")
    return pair


def facts(outcome: Outcome) -> Any:
    """The device decision of a restore."""
    return outcome.facts["identity"]


def followed(outcome: Outcome) -> dict[tuple[str, str], int]:
    """Rows that were rewritten or skipped, by table and what became of them."""
    return {(each["table"], each["what"]): each["rows"] for each in facts(outcome)["followed"]}


@pytest.mark.parametrize(("mode", "host"), [("merge", "superuser"), ("mirror", "target")])
@pytest.mark.parametrize("scope", ["business", "full-device"])
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


@pytest.mark.parametrize("host", ["target", "superuser"])
@pytest.mark.parametrize("scope", ["business", "full-device"])
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


@pytest.mark.parametrize("mode", ["merge", "mirror"])
@pytest.mark.parametrize("host", ["target", "superuser"])
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


@pytest.mark.parametrize("node", [None, "B"])
@pytest.mark.parametrize("identity", ["auto", "source"])
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


@pytest.mark.parametrize(("mode", "host"), [("merge", "target"), ("mirror", "superuser")])
@pytest.mark.parametrize("scope", ["business", "full-device"])
@pytest.mark.parametrize("node", [None, "B", "A"])
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


def test_rows_that_may_not_move_are_a_conflict(devices: Devices) -> None:
    """A row of the target that hangs on the old id and has no rule for moving is refused, with its table."""
    machine(devices.target, "B")
    manifest = devices.control.backup("source")
    before = devices.state()
    with pytest.raises(RefusedError, match="jobs: rows point at this device's own row of nodes"):
        devices.control.restore("target", manifest, "merge", identity="new")
    assert devices.state() == before


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
    with pytest.raises(RefusedError, match="things_of: rows point at rows of states, which are to be cleared: 1 rows"):
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
