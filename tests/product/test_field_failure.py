"""The failure seen in the field: a backup restored over a database that has far more in it than the backup."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Servers
from tests.control import Control, execute, rows
from toolkit import demo
from toolkit.model.manifest import Manifest
from toolkit.postgres.servers.embedded import EmbeddedServer

EMPTIED = ("product_attributes", "employee_attendance", "receipt_sequences", "audit_logs")
SCOPE: dict[str, Any] = {"demo": "include", "optional": {"audit_logs": {}}}


@pytest.fixture(scope="module")
def templates(pg18: EmbeddedServer) -> Iterator[tuple[str, str]]:
    """Names of databases to copy: five businesses with some empty tables, and nine with all their rows."""
    names = [f"field_{os.getpid()}_{businesses}" for businesses in (5, 9)]
    for name, businesses in zip(names, (5, 9), strict=True):
        pg18.drop_database(name)
        demo.load(pg18.create_database(name), businesses=businesses)
    execute(pg18.conninfo(names[0]), *(f'DELETE FROM "{table}"' for table in EMPTIED))
    yield names[0], names[1]
    for name in names:
        pg18.drop_database(name)


@pytest.fixture
def backup_of_five(control: Control, servers: Servers, templates: tuple[str, str]) -> Manifest:
    """A backup of five businesses with some empty tables; host `target` has nine businesses and all their rows."""
    for host, template in zip(("source", "target"), templates, strict=True):
        control.add_host(host, servers.database(template=template))
    return control.backup("source", **SCOPE)


def counts(conninfo: str, manifest: Manifest) -> dict[str, int]:
    """Rows of a database in the business tables of a backup; device tables are the target's own."""
    names = [table.name for table in manifest.tables if table.category == "business"]
    return dict(rows(conninfo, " UNION ALL ".join(f"""SELECT '{name}', count(*) FROM "{name}" """ for name in names)))


def test_mirror_makes_every_table_exact(control: Control, backup_of_five: Manifest) -> None:
    """After mirror each table holds exactly the backup's rows, the empty ones too; a second run changes nothing."""
    target = control.hosts["target"]["database"]
    before = counts(target, backup_of_five)
    expected = {table.name: table.rows for table in backup_of_five.tables if table.category == "business"}
    extra = sum(before.values()) - sum(expected.values())
    assert extra > 5000
    assert all(expected[table] == 0 < before[table] for table in EMPTIED)
    outcome = control.restore("target", backup_of_five, "mirror")
    assert outcome.facts["kept"] == {}
    assert counts(target, backup_of_five) == expected
    verified = control.verify("target", backup_of_five)
    assert (verified.exit_code, verified.facts["exact"]) == (0, True)
    assert not control.restore("target", backup_of_five, "mirror").changed
    again = control.backup("target", **SCOPE)
    assert again.metadata.checksums == backup_of_five.metadata.checksums


def test_merge_leaves_and_counts_the_extras(control: Control, backup_of_five: Manifest) -> None:
    """After merge every row of the backup is there, every other row still is, and the outcome says how many."""
    target = control.hosts["target"]["database"]
    before = counts(target, backup_of_five)
    outcome = control.restore("target", backup_of_five, "merge")
    after = counts(target, backup_of_five)
    assert outcome.facts["deletes"] == 0
    assert all(after[table] >= before[table] for table in before)
    extra = sum(after.values()) - backup_of_five.metadata.stats.business_records
    assert extra > 5000
    assert outcome.facts["kept"] == {"not in the backup; merge deletes nothing": extra}
    differing: Any = control.verify("target", backup_of_five).facts["tables"]
    assert sum(table["extra"] for table in differing.values()) == extra
    assert all(table["missing"] == table["changed"] == 0 for table in differing.values())
