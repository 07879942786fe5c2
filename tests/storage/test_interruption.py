"""Whatever ends a backup halfway, the repository stays whole and the next run succeeds."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.storage.faults import FaultyStore
from tests.storage.samples import sample_rows, some_rows, write_backup
from toolkit.errors import StorageError
from toolkit.model.outcome import SilentProgress
from toolkit.storage.check import check
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store

ROOT = Path(__file__).parents[2]

BACKUPS_FOR_EVER = """
import itertools, pathlib, sys
from tests.storage.samples import some_rows, write_backup
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository

seed = int(sys.argv[2])
print("ready", flush=True)
for number in itertools.count():
    repository = Repository.open(LocalStore(pathlib.Path(sys.argv[1])), create=True)
    manifest, _ = write_backup(repository, {"orders": some_rows(400, seed + number)}, packed=500)
    print(manifest.metadata.label, flush=True)
"""


def test_a_failure_at_any_call_leaves_a_whole_repository(store: Store) -> None:
    """With the n-th call of the store failing, for every n, no half backup exists and the next run is complete."""
    good = Repository.open(store, create=True)
    before, _ = write_backup(good, sample_rows())
    failures = 0
    for fail_at in range(1, 1000):
        faulty = FaultyStore(store, fail_at=fail_at)
        try:
            write_backup(Repository.open(faulty, create=True), sample_rows(seed=2))
            break
        except StorageError as error:
            assert "on purpose" in error.message  # noqa: PT017 - the last round raises nothing
            failures += 1
            assert good.labels() == [before.metadata.label]
            assert check(good, progress=SilentProgress()).findings == ()
    assert failures > 40
    assert len(good.labels()) == 2
    assert check(good, progress=SilentProgress()).findings == ()


@pytest.mark.parametrize("round_", range(12))
def test_killed_at_any_moment(tmp_path: Path, round_: int) -> None:
    """A process killed while it writes leaves all backups it had finished, no half one, and room for the next."""
    source = random.Random(round_)
    directory = tmp_path / "repository"
    process = subprocess.Popen(
        [sys.executable, "-c", BACKUPS_FOR_EVER, str(directory), str(round_ * 1000)],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(source.uniform(0.0, 0.2))
    process.kill()
    finished = process.stdout.read().split()
    process.wait()
    process.stdout.close()

    store = LocalStore(directory)
    repository = Repository.open(store, create=True)
    labels = repository.labels()
    # the last one may have been published and the process killed before it could say so
    assert set(finished) <= set(labels)
    assert len(labels) <= len(finished) + 1
    assert not repository.manifests().unreadable
    assert not check(repository, progress=SilentProgress()).findings
    manifest, _ = write_backup(repository, {"orders": some_rows(400, round_ * 1000 + len(finished))})
    assert manifest.metadata.label in repository.labels()
    report = check(repository, progress=SilentProgress())
    assert report.findings == ()
    assert report.backups == len(labels) + 1
