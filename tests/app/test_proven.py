"""How `backups`, `show` and `proofs` say whether a backup is proven."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec

from tests.control import Control
from tests.planning.test_proving import tried
from tests.storage.samples import some_rows, write_backup
from toolkit.app.command import Command
from toolkit.app.commands import backups, proofs, show
from toolkit.app.control import Control as CommandControl
from toolkit.app.performing import perform
from toolkit.model.proof import Asserted
from toolkit.output.streams import Output
from toolkit.storage.layout import PROOFS
from toolkit.storage.local import LocalStore
from toolkit.storage.proofs import record_proof
from toolkit.storage.repository import Repository


def said(directory: Path, command: Command[Any], given: Any, *, code: int = 0) -> str:
    """What a command prints, ending with this exit code."""
    out = StringIO()
    assert perform(command, given, CommandControl(directory=directory), output=Output(out, out)) == code
    return out.getvalue()


def test_proven_or_not(tmp_path: Path) -> None:
    """The last word counts: no, some businesses, when, failed and why; a record that cannot be read is named."""
    Control(tmp_path).add_host("demo", "embedded:none")
    repository = Repository.open(LocalStore(tmp_path / "repository"), create=True)
    manifest, _ = write_backup(repository, {"notes": some_rows(2)})
    label = manifest.metadata.label
    Control(tmp_path, hosts={"demo": {}}).add_host("other", "embedded:none")
    known = {"label": label, "checksum": manifest.checksum, "repository": repository.id}
    asserted = (Asserted(name="a", holds=True), Asserted(name="b", holds=False, found="it gave 1, not true"))
    steps: tuple[tuple[Mapping[str, Any] | None, str, str], ...] = (
        (None, "no", "proven: no"),
        ({"businesses": ("b1",)}, "1 business", "proven: b1: 2026-11-20T01:00:00Z restored in 1.50 s into embedded:"),
        ({}, "2026-11-20T02:00Z", "proven: the whole backup: 2026-11-20T02:00:00Z restored in 1.50 s into"),
        ({"failure": "no server", "conclusive": False}, "2026-11-20T02:00Z", "hindered: 2026-11-20T03:00:00Z"),
        (
            {"failure": "1 of 2 broken: b", "assertions": asserted},
            "FAILED 2026-11-20T04:00Z",
            "1 of 2 assertions held, by operator@till: 1 of 2 broken: b",
        ),
    )
    for hour, (changes, listed, shown) in enumerate(steps):
        if changes is not None:
            record_proof(repository, msgspec.structs.replace(tried(hour), **known, **changes))
        assert f"  {listed}  " in said(tmp_path, backups.COMMAND, backups.Options())
        assert shown in " ".join(said(tmp_path, show.COMMAND, show.Options(label=(label,))).split())
    repository.store.put(f"{PROOFS}{label}/20261121T020000Z-00000000.json", b"{")
    assert "20261121T020000Z-00000000.json cannot be read" in said(tmp_path, backups.COMMAND, backups.Options())
    lines = said(tmp_path, proofs.COMMAND, proofs.Options()).splitlines()
    assert lines[0].endswith("20261121T020000Z-00000000.json cannot be read")
    assert [line.split()[1] for line in lines[2:6]] == ["FAILED", "hindered", "proven", "proven"]
    assert "b1" in lines[5]
    assert lines[6].endswith("1 of 2 broken: b")
    assert "none of 4 attempts is like that" in said(tmp_path, proofs.COMMAND, proofs.Options(host="other"))


def test_what_nobody_knows_has_no_proofs(tmp_path: Path) -> None:
    """A backup that nobody has tried is said to be one; a label and a host that nobody knows are mistakes."""
    Control(tmp_path).add_host("demo", "embedded:none")
    repository = Repository.open(LocalStore(tmp_path / "repository"), create=True)
    manifest, _ = write_backup(repository, {"notes": some_rows(2)})
    label = manifest.metadata.label
    none = "nobody has tried to prove"
    assert f"{none} a backup yet" in said(tmp_path, proofs.COMMAND, proofs.Options())
    assert f"{none} these backups yet" in said(tmp_path, proofs.COMMAND, proofs.Options(label=(label,)))
    for given, wrong in (
        (proofs.Options(label=(label, "20200101T000000Z-x-business")), "there is no backup 20200101T000000Z-x-busin"),
        (proofs.Options(host="demmo"), "--host: unknown host demmo; did you mean demo?"),
    ):
        assert wrong in said(tmp_path, proofs.COMMAND, given, code=2)
