"""The commands on repositories, end to end on the reference application."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from jsonschema import Draft202012Validator

from tests.app.invoking import ROOT, Place, invoke
from tests.conftest import Servers


@pytest.fixture
def shop(tmp_path: Path, servers: Servers, demo_template: Callable[[int], str]) -> tuple[Place, str]:
    """A copy of the small demo with a backup of it; the place and the database's conninfo."""
    place = Place(tmp_path)
    conninfo = servers.database(18, template=demo_template(18))
    ran = place.run(conninfo, "{backup: {scope: business, job: first}}", "{backup: {scope: business, demo: only}}")
    assert ran.code == 0, ran.text
    return place, conninfo


def test_what_is_in_a_repository_can_be_listed_shown_checked_and_verified(
    shop: tuple[Place, str],
) -> None:
    """backups lists, show describes, check reads back and verify compares; each says so when something is wrong."""
    place, conninfo = shop
    given = ("--inventory", str(place.inventory))

    listed = invoke("backups", *given)
    assert listed.code == 0
    assert listed.out.splitlines()[0].split() == [
        *("label", "repository", "host", "job", "scope", "time", "proven", "rows", "bytes", "stored")
    ]
    labels = [line.split()[0] for line in listed.out.splitlines()[1:]]
    assert [label.split("-", 1)[1] for label in labels] == ["first-business", "playbook-business"]
    assert "business, demo only" in listed.out

    manifest = json.loads((place.repository / "backups" / labels[0] / "manifest.json").read_text(encoding="utf-8"))
    shown = invoke("show", labels[0], *given)
    assert shown.code == 0
    for entry in manifest["tables"]:
        line = next(line for line in shown.out.splitlines() if line.startswith(f"{entry['name']} "))
        assert line.split()[2] == f"{entry['rows']:,}"
    assert "left out:" in shown.out
    assert "optional: audit_logs" in shown.out

    checked = invoke("check", "--repository", "here", *given)
    assert checked.code == 0
    assert "repository here is sound: 2 backups" in checked.out

    verified = invoke("verify", labels[0], "--host", "shop", *given)
    assert verified.code == 0
    with psycopg.connect(conninfo) as connection:
        connection.execute("UPDATE businesses SET name = name || '!' WHERE \"isDemo\" IS NOT TRUE")
    assert invoke("verify", labels[0], "--host", "shop", *given).code == 6

    chunk = max((place.repository / "chunks").glob("*/*"), key=lambda file: file.stat().st_size)
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    damaged = invoke("check", *given)
    assert damaged.code == 6
    assert "repository here is DAMAGED" in damaged.out
    assert labels[0] in damaged.out

    missing = invoke("show", "20200101T000000Z-none-business", *given)
    assert missing.code == 2
    assert "there is no backup 20200101T000000Z-none-business" in missing.err

    place.repository.rename(place.directory / "unmounted")
    for command in ("backups", "check", "unlock", "quarantine.list"):
        gone = invoke(command, *given)
        assert gone.code == 4, command
        assert "there is none now" in gone.text


def test_a_run_that_moves_rows_says_how_many(shop: tuple[Place, str], tmp_path: Path) -> None:
    """A run ends with the table of what moved, and its report has the same numbers."""
    place, conninfo = shop
    ran = place.run(conninfo, "backup: {scope: business, job: first}")
    assert ran.code == 0
    lines = ran.out.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("host "))
    header, row = lines[start : start + 2]
    assert header.split() == ["host", "moved", "tables", "rows", "bytes", "stored", "seconds"]
    assert row.startswith("shop  backup shop")
    report = tmp_path / "report.json"
    again = invoke(
        *("run", str(tmp_path / "playbook.yml"), "--inventory", str(place.inventory), "--report", str(report))
    )
    assert again.code == 0
    document = json.loads(report.read_text(encoding="utf-8"))
    schema = json.loads((ROOT / "schemas" / "run-report.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(document)
    assert document["moved"][0]["stored"] == 0
    assert f"{document['moved'][0]['rows']:,}" in row
