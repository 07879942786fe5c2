"""Backups of the application that came before: imported, restored, and every value compared with what it was."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from tests.actions.test_import import CATALOG as SHOP
from tests.actions.test_import import SCHEMA as SHOP_SCHEMA
from tests.control import ROOT, Control, execute
from tests.old_backups import LEGACY, OldBackup, columns_of, connected, dumped, read_table, varied, write
from tests.sweeps import SEED, slow_only
from toolkit.demo.load import create_schema
from toolkit.shipped import DEMO_INVENTORY

CATALOG = (DEMO_INVENTORY / "catalogs" / "multi-business.yml").read_text(encoding="utf-8").replace(
    "catalog: multi-business", "catalog: application"
).replace(
    "    businesses: tenant\n", "    businesses: tenant\n    legacy_files: {owned_by: [businessId]}\n", 1
) + "\nmodels: {WiFiUsage: wifi_usage_analytics}\n"
RULES = yaml.safe_load(CATALOG)
POINTED_AT = ("device_registry", "sync_nodes")
"""Device tables that business rows point at; format 1 knows no other parts than one."""


def tables_of(category: str) -> frozenset[str]:
    """The tables of a category."""
    return frozenset(name for group in RULES[category].values() for name in group)


def old_backup(conninfo: str, seed: int, *, device: bool) -> OldBackup:
    """Give a backup of a demo database with other values of every kind, and a 145th model that has every type."""
    random = Random(seed)
    with connected(conninfo) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
                " ORDER BY relname"
            )
            if name in tables_of("business") or name in (tables_of("device") if device else POINTED_AT)
        ]
        columns = {name: columns_of(connection, name) for name in names}
        tables = {name: read_table(connection, name) for name in names}
    business, blank = tables["businesses"][0]["id"], dict.fromkeys(columns["legacy_files"].types)
    tables["legacy_files"] = [{**blank, "id": f"file-{number:02}", "businessId": business} for number in range(60)]
    # what tells a device's own node stays
    varying = {name for name in names if name != "sync_nodes"}
    nodes = sorted((row["lastSeen"], row["nodeId"]) for row in tables.get("sync_nodes", ()) if row["isActive"])
    return OldBackup(
        tables={
            name: varied(rows, columns[name], random, one_in=3 if name in varying else 10**9)
            for name, rows in tables.items()
        },
        columns=columns,
        random=random,
        device=tables_of("device") & set(names) if device else frozenset(),
        models={"wifi_usage_analytics": "WiFiUsage"},
        metadata={"sourceNodeId": nodes[-1][1]} if nodes else {},
    )


@pytest.fixture
def schema(tmp_path: Path, new_database: Callable[[], str]) -> Callable[[str], str]:
    """Adds a host with the schema of 145 tables and no rows to the control directory; gives its conninfo."""
    control = Control(tmp_path, catalog=CATALOG)

    def add(name: str) -> str:
        conninfo = psycopg.conninfo.make_conninfo(new_database(), user="postgres")
        create_schema(conninfo)
        execute(conninfo, LEGACY)
        control.add_host(name, conninfo)
        return conninfo

    add.control = control  # type: ignore[attr-defined]
    return add


@slow_only
@pytest.mark.parametrize("form", ["json-1", "json-2.0"])
def test_every_value_of_the_application_is_what_it_was(
    schema: Any, servers: Any, demo_template: Callable[[int], str], form: str
) -> None:
    """A backup of all models is imported and restored into an empty database, where every value is what it was."""
    control: Control = schema.control
    source = psycopg.conninfo.make_conninfo(servers.database(18, template=demo_template(18)), user="postgres")
    execute(source, LEGACY)
    backup = old_backup(source, SEED, device=form == "json-2.0")
    missing = {"product_images", "saved_reports"}
    for name in missing:
        del backup.tables[name]
    backup.tables["reprint_logs"] = []
    write(control.directory / "old.json.gz", backup.first() if form == "json-1" else backup.second())
    schema("model")
    outcome = control.run("import", "model", {"file": "old.json.gz", "on": "host"})
    manifest = control.repository.manifest(str(outcome.facts["label"]))
    assert {left.table for left in manifest.left_out if left.reason == "file"} == missing
    target = schema("target")
    control.restore("target", manifest, "merge")
    with connected(target) as connection:
        for table, rows in backup.tables.items():
            found = read_table(connection, table)
            if form == "json-1" and table in POINTED_AT:
                assert any(f"of device table {table} are in the file" in line for line in outcome.warnings)
                continue
            for now, before in zip(found, rows, strict=True):
                differing = [name for name in before if now[name] != before[name]]
                assert not differing, (table, now, before)


@slow_only
def test_the_demo_comes_back_the_same(demo_host: Callable[..., str], control: Control) -> None:
    """The reference application, exported as json-2.0 and imported again, has the same tables to the byte."""
    conninfo = psycopg.conninfo.make_conninfo(demo_host("owner"), user="postgres")
    control.add_host("shop", conninfo)
    with psycopg.connect(conninfo) as connection:
        # the one thing that JSON cannot tell from NULL
        connection.execute("SET session_replication_role = replica")
        for table, column in connection.execute(
            "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'"
            " WHERE a.atttypid = 'jsonb'::regtype AND NOT a.attnotnull AND relnamespace = 'public'::regnamespace"
        ).fetchall():
            query = sql.SQL("UPDATE {0} SET {1} = NULL WHERE {1} = 'null'")
            connection.execute(query.format(sql.Identifier(table), sql.Identifier(column)))
    first = control.backup("shop", scope="full-device", demo="include", optional={"audit_logs": {}})
    done = control.run("export", "shop", {"format": "json-2.0", "file": "out.json"})
    assert not any("the null of JSON" in line for line in done.warnings)
    again = control.run("import", "shop", {"file": "out.json", "on": "host", "job": "again"})
    second = control.repository.manifest(str(again.facts["label"]))
    digests = {entry.name: entry.digest for entry in first.tables}
    assert {entry.name: entry.digest for entry in second.tables} == digests
    assert second.metadata.checksums == first.metadata.checksums
    assert second.selection == first.selection


MEASURED = """
import resource, sys
from pathlib import Path
from tests.acting import act, context_of
from toolkit.config import inventory
directory = Path(sys.argv[1])
context = context_of(inventory.load(directory / "inventory"), "model")
outcome = act("import", {"file": "large.json.gz"}, context)
status = Path("/proc/self/status")
if status.exists():
    # Linux lets ru_maxrss of a child begin with what its parent had
    (peak,) = (int(line.split()[1]) >> 10 for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)
print(outcome.facts["rows"], peak)
"""


@slow_only
def test_the_length_of_a_file_takes_no_memory(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """A file of 300 MB is imported in less than 250 MiB, on a server of our own."""
    pytest.importorskip("resource")
    control = Control(tmp_path, catalog=SHOP)
    conninfo = psycopg.conninfo.make_conninfo(new_database(), user="postgres")
    execute(conninfo, *SHOP_SCHEMA)
    control.add_host("model", conninfo)
    count, row = 0, {"tenantId": "t1", "name": "Tea", "price": "1.50", "documentBody": {"a": [1, {"b": "x" * 400}]}}
    with gzip.open(tmp_path / "large.json.gz", "wt", encoding="utf-8", compresslevel=1) as file:
        file.write('{"tenants":[{"id":"t1","name":"One","demo":false}],"shopProducts":[')
        while count * 520 < 300 << 20:
            records = (dumped({"id": f"p{count + place:08}", **row}) for place in range(1000))
            file.write(("," if count else "") + ",".join(records))
            count += 1000
        file.write("]}")
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path)], capture_output=True, check=True, cwd=ROOT, text=True
    )
    rows, peak = map(int, done.stdout.split()[-2:])
    assert rows == count + 1
    assert peak < 250
