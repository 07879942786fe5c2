"""The reference application out of its backup: one business of it, and all of it into its empty schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.control import Control
from tests.formats.loading import content, load
from tests.sweeps import slow_only


@slow_only
def test_the_demo_comes_back(
    demo_host: Callable[..., str], empty_host: Callable[..., str], control: Control, tmp_path: Path
) -> None:
    """One business is told from the others without a database; psql loads everything, whole device included."""
    source, elsewhere = demo_host("till"), empty_host("elsewhere")
    manifest = control.backup("till", demo="include", scope="full-device")
    business = sorted(manifest.selection.tenants)[0]
    own = control.backup("till", demo="include", businesses=[business])
    given = {"backup": manifest.metadata.label, "format": "jsonl", "directory": "out", "businesses": [business]}
    found = control.run("export", "till", given).facts["tables"]
    assert isinstance(found, dict)
    assert {name: rows for name, rows in found.items() if rows} == {
        entry.name: entry.rows for entry in own.tables if entry.rows
    }
    for kind in ("sql", "copy"):
        file = tmp_path / f"{kind}.sql"
        outcome = control.run("export", "till", {"backup": manifest.metadata.label, "format": kind, "file": str(file)})
        assert outcome.warnings == ()
    load(elsewhere, tmp_path / "sql.sql")
    tables = [f'"{entry.name}"' for entry in manifest.tables]
    assert content(elsewhere, tables) == content(source, tables)
