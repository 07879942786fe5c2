"""Whose turn a drill is, where a list says that a backup is good and its manifest says that it is not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from tests.acting import context_of
from tests.control import Control
from tests.storage.samples import NOW, manifest_of, some_rows, write_backup
from toolkit.actions.turns import ALL, Wanted, chosen
from toolkit.config import inventory
from toolkit.planning.drilling import Turn
from toolkit.storage import manifest_file
from toolkit.storage.layout import manifest_name
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository


def test_a_manifest_that_contradicts_itself_is_passed_over(tmp_path: Path) -> None:
    """The next backup has its turn, and what is wrong with the one before is a warning."""
    Control(tmp_path).add_host("demo", "embedded:none")
    repository = Repository.open(LocalStore(tmp_path / "repository"), create=True)
    good, _ = write_backup(repository, {"notes": some_rows(2)})
    older = f"{NOW - timedelta(days=1):%Y%m%dT%H%M%SZ}-nightly-business"
    wrong = manifest_of(older, [], now=NOW - timedelta(days=1))
    stats = replace(wrong.metadata.stats, total_records=7)
    _, data = manifest_file.encode(replace(wrong, metadata=replace(wrong.metadata, stats=stats)))
    repository.store.put(manifest_name(older), data)
    context = context_of(inventory.load(tmp_path / "inventory"), "demo")
    found = chosen(context, repository, Wanted(backups=Turn.OLDEST_UNPROVEN.value, job="", businesses=ALL, seed="1"))
    assert found.manifest == good
    assert [older in warning and "totalRecords is 7" in warning for warning in found.warnings] == [True]
