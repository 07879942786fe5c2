"""Whether a backup counts as proven, given all attempts."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace

from tests.storage.samples import manifest_of
from toolkit.model.manifest import seal
from toolkit.model.proof import Proof
from toolkit.planning.proving import standing

HERE, THERE = "id-here", "id-there"
MANIFEST = seal(manifest_of("20261120T020000Z-nightly-business", []))


def tried(hour: int, *, failure: str = "", repository: str = HERE, businesses: tuple[str, ...] = ()) -> Proof:
    """An attempt on the backup, at that hour of the day."""
    return Proof(
        label=MANIFEST.metadata.label,
        checksum=MANIFEST.checksum,
        host="demo",
        job="nightly",
        scope="business",
        backed_up=MANIFEST.metadata.timestamp,
        time=f"2026-11-20T{hour:02}:00:00.000Z",
        repository=repository,
        businesses=businesses,
        place="embedded:scratch",
        postgres="18.1",
        seconds=1.5,
        age=hour * 3600 - 7200.0,
        failure=failure,
        playbook="drill",
        tool="playback 0.1.0",
        by="operator@till",
    )


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_last_word_counts(order: tuple[int, ...]) -> None:
    """A failure voids the proofs before it, a later proof counts again; the order of the files says nothing."""
    attempts = [tried(3), tried(4, failure="orders differs"), tried(5, businesses=("b1",))]
    two = [attempts[place] for place in order if place < 2]
    assert (standing(MANIFEST, two, repository=HERE).proven, standing(MANIFEST, two, repository=HERE).failed) == (
        None,
        attempts[1],
    )
    found = standing(MANIFEST, [attempts[place] for place in order], repository=HERE)
    assert (found.proven, found.failed, dict(found.businesses)) == (None, None, {"b1": attempts[2]})
    assert found.tried == tuple(attempts)
    again = tried(6)
    assert standing(MANIFEST, [again, *attempts], repository=HERE).proven == again


def test_what_came_with_a_copy() -> None:
    """A proof from elsewhere counts until the files here fail; a failure elsewhere says nothing about those here."""
    theirs, ours = tried(9, repository=THERE), tried(3)
    assert standing(MANIFEST, [theirs], repository=HERE).proven == theirs
    failed = tried(4, failure="damaged")
    assert standing(MANIFEST, [theirs, failed], repository=HERE) == replace(
        standing(MANIFEST, [failed], repository=HERE), tried=(failed, theirs)
    )
    elsewhere = tried(5, failure="damaged", repository=THERE)
    found = standing(MANIFEST, [ours, elsewhere], repository=HERE)
    assert (found.proven, found.failed) == (ours, None)
    assert standing(MANIFEST, [elsewhere], repository=HERE).failed == elsewhere


def test_what_says_nothing_about_the_backup() -> None:
    """An attempt that a server or today's schema made impossible takes nothing back, and is told."""
    proven = tried(3)
    hindered = msgspec.structs.replace(tried(4, failure="no such extension"), conclusive=False)
    found = standing(MANIFEST, [proven, hindered], repository=HERE)
    assert (found.proven, found.failed, found.hindered) == (proven, None, hindered)
    assert standing(MANIFEST, [proven, hindered, tried(5)], repository=HERE).hindered is None


def test_another_backup_of_that_label() -> None:
    """What was tried on a backup that had the label before says nothing."""
    other = msgspec.structs.replace(tried(3), checksum="0" * 64)
    assert standing(MANIFEST, [other], repository=HERE).tried == ()


def test_a_proof_from_the_future() -> None:
    """What a machine with a wrong clock recorded proves nothing, and hides no failure of today; its failures count."""
    now = datetime(2026, 11, 20, 6, tzinfo=UTC)
    ahead, today = tried(9), tried(5, failure="orders differs")
    found = standing(MANIFEST, [ahead, today], repository=HERE, now=now)
    assert (found.proven, found.failed) == (None, today)
    assert standing(MANIFEST, [ahead], repository=HERE, now=now).proven is None
    assert standing(MANIFEST, [ahead, tried(4)], repository=HERE, now=now).proven == tried(4)
    bad = tried(9, failure="damaged")
    assert standing(MANIFEST, [bad, tried(4)], repository=HERE, now=now).failed == bad
