"""Two databases of one application that synchronises devices, for tests of restores on this or another device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg

from tests.control import Control, execute
from tests.restore.conftest import CLERK, Pair
from tests.restore.laboratory import SUPERUSER
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


def make_devices(directory: Path, databases: tuple[str, str], clerk: str) -> Devices:
    """The source is node `A`; the target has the tables and no rows."""
    pair = Devices(Control(directory), *databases)
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
