"""What an import makes of values that only the server knows: none is read as something else without a word."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.control import Control, execute, rows
from toolkit.errors import ExitCode
from toolkit.storage.quarantine import quarantines, read_rows

COLUMNS = {
    "pair": "pair",
    "pairs": "pair[]",
    "whole": "interval(0)",
    "days": "interval day",
    "waits": "interval",
    "price": "money",
    "during": "tsrange",
    "at": "point",
    "letter": '"char"',
    "label": "name",
    "net": "cidr",
    "amounts": "amount[]",
    "notes": "text[]",
    "doc": "jsonb",
}
EXACT: dict[str, object] = {
    "pair": '(1.2,"2024-01-01 00:00:00",abc)',
    "pairs": ['(1.2,,"a b")', None],
    "whole": "00:00:02",
    "days": "1 day",
    "waits": "1 mon 2 days 00:00:00.5",
    "price": "$1.50",
    "during": '["2024-01-01 00:00:00",)',
    "at": "(0.1,1)",
    "letter": "a",
    "label": "x",
    "net": "10.0.0.0/8",
    "amounts": "{1.5,NULL}",
    "notes": ["\u00e9", None],
    "doc": {"a": 1},
}
WRONG: list[dict[str, object]] = [
    {"pair": "(1.25,,abc)"},
    {"pair": '(1.2,"2024-01-01 00:00:00+05",abc)'},
    {"pairs": ["(1.25,,)"]},
    {"whole": "1.6 s"},
    {"days": "1 day 5 hours"},
    {"waits": "0.0000001 s"},
    {"waits": "1.5 months"},
    {"price": "1.005"},
    {"during": "[2024-01-01T00:00:00+05:00,)"},
    {"during": "[now,)"},
    {"at": "(0.1000000000000000055,1)"},
    {"letter": "ab"},
    {"label": "x" * 70},
    {"net": "10"},
    {"amounts": ["1.55"]},
    {"notes": json.loads("[[[[[[[1]]]]]]]")},
    {"notes": ["\ud83d"]},
    {"doc": "\ud83d"},
    {"notes": "[0:1]={{a,b}"},
]


@pytest.fixture
def control(tmp_path: Path, new_database: Callable[[], str]) -> Control:
    """A control directory with a host that has the table."""
    catalog = {
        "catalog": "application",
        "tenant": {"table": "tenants", "key": "id", "label": "id"},
        "business": {"all": {"tenants": "tenant", "items": {"owned_by": ["tenant"]}}},
    }
    made = Control(tmp_path, catalog=json.dumps(catalog))
    conninfo = psycopg.conninfo.make_conninfo(new_database(), user="postgres")
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    execute(
        conninfo,
        "CREATE DOMAIN amount AS numeric(3,1)",
        "CREATE TYPE pair AS (n numeric(4,1), t timestamp(0), v varchar(3))",
        "CREATE TABLE tenants (id text PRIMARY KEY)",
        f"CREATE TABLE items (id text PRIMARY KEY, tenant text REFERENCES tenants, {columns})",
    )
    made.add_host("shop", conninfo)
    return made


def test_only_what_is_read_as_it_is_written_is_taken(control: Control) -> None:
    """What the server would round, cut off or guess at is refused by its record, and what it takes as it is is not."""
    records: list[dict[str, object]] = [{"id": "good", "tenant": "t", **EXACT}]
    records += [{"id": f"bad-{number:02}", "tenant": "t", **each} for number, each in enumerate(WRONG)]
    file = control.directory / "old.json"
    file.write_text(json.dumps({"tenants": [{"id": "t"}], "items": records}), encoding="utf-8")
    done = control.run("import", "shop", {"file": "old.json", "on": "host", "on_error": "quarantine"})
    assert done.exit_code == ExitCode.PARTIAL
    assert done.facts["rows"] == 2
    assert any('items.whole: PostgreSQL would read it as "00:00:02"' in line for line in done.warnings)
    (record,) = quarantines(control.repository)
    target = psycopg.conninfo.make_conninfo(str(control.hosts["shop"]["database"]), user="postgres")
    execute(target, "INSERT INTO tenants VALUES ('t')", "INSERT INTO items (id, tenant) VALUES ('bad-00', 't')")
    plan = control.restore("shop", control.repository.manifest(str(done.facts["label"])), "mirror")
    assert any("put aside when the file was imported" in line for line in plan.warnings)
    assert rows(target, "SELECT id FROM items ORDER BY id") == [("bad-00",), ("good",)]
    assert sorted(row.key for row in read_rows(control.repository, record)) == [
        f"bad-{number:02}" for number in range(len(WRONG))
    ]
