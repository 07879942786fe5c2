"""Two machines of one small application that synchronises devices, and an endpoint that its devices listen to."""

from __future__ import annotations

import _thread
import io
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.control import Control, execute, rows
from toolkit.app.commands import run
from toolkit.app.control import Control as ControlDirectory
from toolkit.app.performing import perform
from toolkit.output.streams import Output

CATALOG: Mapping[str, Any] = {
    "catalog": "application",
    "tenant": {"table": "tenants", "key": "id", "label": "name"},
    "identity": {
        "node": {
            "table": "sync_nodes",
            "key": "nodeId",
            "where": '"isLocal"',
            "order_by": "createdAt",
            "generate": "{{ device.id }}-{{ now }}",
        },
        "clear": ["sync_events", "offline_queue", "sync_configurations"],
        "create": [
            {"table": "sync_nodes", "row": {"nodeId": "{{ node_id }}", "isLocal": True}},
            {
                "table": "sync_configurations",
                "row": {"nodeId": "{{ node_id }}", "syncEnabled": False, "updatedAt": "{{ now }}"},
            },
        ],
    },
    "business": {
        "all": {
            "tenants": "tenant",
            "items": {"owned_by": ["tenant"]},
            "printers": {
                "rule": "shared",
                "references": {"nodeId": {"to": "sync_nodes.nodeId", "on_other_device": "current_node"}},
            },
            "audit_logs": {"owned_by": ["tenant"], "optional": True, "newest_by": "at"},
        }
    },
    "device": {"sync": {"sync_nodes": {}, "sync_events": {}, "offline_queue": {}, "sync_configurations": {}}},
    "transient": {"all": {"sessions": {}}},
}

SCHEMA = (
    "CREATE TABLE tenants (id text PRIMARY KEY, name text)",
    "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text)",
    "CREATE TABLE audit_logs (id integer PRIMARY KEY, tenant text REFERENCES tenants, at timestamptz)",
    "CREATE TABLE sessions (id integer PRIMARY KEY)",
    'CREATE TABLE sync_nodes ("nodeId" text PRIMARY KEY, "isLocal" boolean NOT NULL,'
    ' "createdAt" timestamptz NOT NULL DEFAULT now())',
    'CREATE TABLE printers (id text PRIMARY KEY, "nodeId" text NOT NULL REFERENCES sync_nodes, name text)',
    'CREATE TABLE sync_configurations ("nodeId" text PRIMARY KEY REFERENCES sync_nodes,'
    ' "syncEnabled" boolean NOT NULL DEFAULT true, "updatedAt" timestamptz)',
    'CREATE TABLE sync_events ("eventId" text PRIMARY KEY, "lamportClock" bigint NOT NULL)',
    "CREATE TABLE offline_queue (id text PRIMARY KEY)",
)


SYNC: Mapping[str, Any] = {
    "pause": {"sql": 'UPDATE sync_configurations SET "syncEnabled" = false WHERE "syncEnabled"'},
    "resume": {
        "sql": 'UPDATE sync_configurations SET "syncEnabled" = true WHERE NOT "syncEnabled" AND "nodeId" = %(node)s'
    },
}
"""How this application pauses and resumes sync."""


def fill(conninfo: str, node: str, *, items: int) -> None:
    """Make the tables and fill them as a machine with that node id, which has told of one change and not of another."""
    execute(
        conninfo,
        *SCHEMA,
        "INSERT INTO tenants VALUES ('a', 'A'), ('b', 'B')",
        f"INSERT INTO items SELECT n, CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' END, '{node} ' || n"
        f" FROM generate_series(1, {items}) n",
        "INSERT INTO audit_logs VALUES (1, 'a', '2026-01-01')",
        "INSERT INTO sessions VALUES (1)",
        f"INSERT INTO sync_nodes VALUES ('{node}', true, '2026-01-01'), ('peer', false, '2026-01-01')",
        f"INSERT INTO printers VALUES ('p', '{node}', 'at the till'), ('{node}-q', 'peer', 'in the kitchen')",
        f"INSERT INTO sync_configurations VALUES ('{node}', true, '2026-01-01'), ('peer', false, '2026-01-01')",
        f"INSERT INTO sync_events VALUES ('{node}-1', 1), ('{node}-2', 2)",
        "INSERT INTO offline_queue VALUES ('q1')",
    )


@dataclass
class Ran:
    """A run of a runbook: exit code, what it printed, its report, and what it wrote on the way."""

    code: int
    text: str
    report: dict[str, Any]
    archive: list[dict[str, Any]]


@dataclass
class Machines:
    """A control directory with the hosts `old` and `new`."""

    control: Control
    old: str
    new: str

    def run(
        self,
        playbook: Path,
        *extra: str,
        limit: str = "new",
        check: bool = False,
        sync: Mapping[str, Any] | None = SYNC,
    ) -> Ran:
        """Run a playbook in earnest; a runbook where `sync` says how sync is paused and resumed, or that it is not."""
        out = io.StringIO()
        options = run.Options(
            playbook=(str(playbook),),
            limit=limit,
            check=check,
            extra_vars=(*extra, *(("into=host", json.dumps(sync)) if sync is not None else ())),
        )
        control = ControlDirectory(directory=self.control.directory)
        code = perform(run.COMMAND, options, control, output=Output(out, out))
        reports = sorted((self.control.directory / ".playback" / "reports").glob("*.json"))
        report = json.loads(reports[-1].read_text(encoding="utf-8")) if reports else {}
        archives = sorted((self.control.directory / ".playback" / "reports").glob("*.jsonl"))
        events = [file for file in archives if file.stem.endswith("-sync_events")]
        lines = events[-1].read_text(encoding="utf-8").splitlines() if events else []
        for file in (*reports, *archives):
            file.unlink()
        return Ran(code=code, text=out.getvalue(), report=report, archive=[json.loads(line) for line in lines])


def content(conninfo: str) -> dict[str, list[str]]:
    """Every row of every table."""
    tables = rows(conninfo, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind='r'")
    return {name: sorted(text for (text,) in rows(conninfo, f"SELECT t::text FROM {name} t")) for (name,) in tables}


def syncing(conninfo: str) -> list[str]:
    """The nodes whose sync is on."""
    query = 'SELECT "nodeId" FROM sync_configurations WHERE "syncEnabled" ORDER BY 1'
    return [node for (node,) in rows(conninfo, query)]


@dataclass
class Endpoint:
    """What devices listen to.

    Attributes:
        failing: paths that are answered with 500.
        interrupting: a path that is answered by Ctrl-C, once.
        calls: the paths called, in order, with the JSON sent there.
    """

    url: str = ""
    failing: set[str] = field(default_factory=set)
    interrupting: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """The paths called."""
        return [path for path, _ in self.calls]


@contextmanager
def listening() -> Iterator[Endpoint]:
    """An endpoint on this machine."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            endpoint.calls.append((self.path, json.loads(body) if body else None))
            if self.path == endpoint.interrupting:
                endpoint.interrupting = ""
                _thread.interrupt_main()
                time.sleep(0.2)
            self.send_response(500 if self.path in endpoint.failing else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
