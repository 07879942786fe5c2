"""Records of proofs in a repository: written beside each other, read back strictly, known to check, prune and copy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.planning.test_proving import tried
from tests.storage.samples import NOW, some_rows, write_backup
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import SilentProgress
from toolkit.model.proof import Asserted, Proof
from toolkit.planning.clock import stamp
from toolkit.storage.check import check
from toolkit.storage.layout import PROOFS
from toolkit.storage.locks import LockKind, locked
from toolkit.storage.proofs import read_proofs, record_proof
from toolkit.storage.prune import GRACE, prune
from toolkit.storage.repository import Repository

STORES = ("local", "bundle", "moto")


def proof_of(manifest: Manifest, repository: Repository, time: datetime = NOW, *, failure: str = "") -> Proof:
    """An attempt on a backup."""
    return msgspec.structs.replace(
        tried(3, failure=failure),
        label=manifest.metadata.label,
        checksum=manifest.checksum,
        repository=repository.id,
        time=stamp(time, "milliseconds"),
        assertions=(Asserted(name="orders", holds=True), Asserted(name="paid", holds=False, found="0")),
    )


def test_attempts_stand_beside_each_other(repository: Repository) -> None:
    """Of many that are noted at once none is lost, all are read back as they were, and none is foreign to a check."""
    first, _ = write_backup(repository, {"notes": some_rows(2)})
    second, _ = write_backup(repository, {"notes": some_rows(2)}, now=NOW + timedelta(days=1))
    proofs = [proof_of(first, repository, NOW + timedelta(milliseconds=number)) for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: record_proof(repository, each), proofs))
    assert read_proofs(repository).attempts == {first.metadata.label: tuple(proofs)}
    assert read_proofs(repository, [first.metadata.label]).standing(first).proven == proofs[-1]
    assert read_proofs(repository, [second.metadata.label]).standing(second).tried == ()
    assert check(repository, progress=SilentProgress()).findings == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"age":', b'"aged":'),
        (b'"time":"2026', b'"time":"soon'),
        (b'"time":"2026-11-20T02:00:00.000Z', b'"time":"2026-11-20T02:00:00Z'),
        (b'"seconds":1.5', b'"seconds":"long"'),
        (b'"label":"2026', b'"label":"2027'),
        (b"{", b""),
    ],
)
def test_what_is_no_record_is_told(repository: Repository, old: bytes, new: bytes) -> None:
    """A file that is not what was written proves nothing, and is named."""
    manifest, _ = write_backup(repository, {"notes": some_rows(2)})
    record_proof(repository, proof_of(manifest, repository))
    (file,) = repository.store.list(PROOFS)
    data = repository.store.get(file.name)
    assert old in data
    repository.store.put(file.name, data.replace(old, new, 1))
    found = read_proofs(repository)
    assert (found.unreadable, found.attempts) == ((file.name,), {})
    assert found.standing(manifest).proven is None


def test_a_prune_leaves_the_history(repository: Repository) -> None:
    """What was tried stays known for a year after its backup is gone, and for as long as the backup is there."""
    now = datetime.now(UTC)
    gone, _ = write_backup(repository, {"notes": some_rows(2)})
    there, _ = write_backup(repository, {"notes": some_rows(2)}, now=NOW + timedelta(days=1))
    times = [now - timedelta(days=days) for days in (300, 400)]
    for manifest in (gone, there):
        for time in times:
            record_proof(repository, proof_of(manifest, repository, time))
    with locked(repository, LockKind.EXCLUSIVE, purpose="prune", now=lambda: now) as lock:
        prune(repository, [gone.metadata.label], grace=GRACE, lock=lock, progress=SilentProgress())
    known = {label: len(found) for label, found in read_proofs(repository).attempts.items()}
    assert known == {gone.metadata.label: 1, there.metadata.label: 2}
