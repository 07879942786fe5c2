"""Whose turn it is: what has waited longest, by chance among equals; whoever waits gets their turn in the end."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.planning.test_proving import tried
from toolkit.model.proof import Proof
from toolkit.planning.drilling import Candidate, Turn, next_backup, next_businesses


def attempt(day: int, *, job: str = "nightly", businesses: tuple[str, ...] = ()) -> Proof:
    """An attempt on that day."""
    return msgspec.structs.replace(tried(3), time=f"2027-01-{day:02}T03:00:00.000Z", job=job, businesses=businesses)


def candidate(label: str, *, job: str = "nightly", last: str = "", proven: bool = False) -> Candidate:
    """A backup; labels are in the order of time."""
    return Candidate(label=label, time=label, job=(job, "business"), tried=last, proven=proven)


def test_the_oldest_unproven_of_the_job_that_waited_longest() -> None:
    """A job with many backups does not keep the others waiting; one that keeps failing lets the others go first."""
    backups = [candidate("a"), candidate("b"), candidate("c", job="weekly"), candidate("d", proven=True)]
    tried_nightly = [attempt(3)]
    assert next_backup(backups, Turn.OLDEST_UNPROVEN, tried_nightly, Random(1)) == "c"
    both = [attempt(3), attempt(4, job="weekly")]
    assert next_backup(backups, Turn.OLDEST_UNPROVEN, both, Random(1)) == "a"
    failing = [candidate("a", last="2027-01-01"), candidate("b")]
    assert next_backup(failing, Turn.OLDEST_UNPROVEN, [], Random(1)) == "b"
    assert next_backup([candidate("a", proven=True)], Turn.OLDEST_UNPROVEN, [], Random(1)) is None


def test_a_random_one() -> None:
    """Those never tried come by chance, the same for the same seed; then that which was tried longest ago."""
    backups = [candidate(f"{number}") for number in range(8)]
    drawn = {next_backup(backups, Turn.RANDOM, [], Random(seed)) for seed in range(40)}
    assert len(drawn) == 8
    assert len({next_backup(backups, Turn.RANDOM, [], Random(7)) for _ in range(5)}) == 1
    old = [candidate("a", last="2027-01-02", proven=True), candidate("b", last="2027-01-01", proven=True)]
    assert next_backup(old, Turn.RANDOM, [], Random(1)) == "b"


@given(st.integers(1, 7), st.integers(1, 4), st.integers(0, 99), st.integers(0, 2**12 - 1))
def test_every_business_gets_its_turn(many: int, count: int, seed: int, whole: int) -> None:
    """In as many drills as there are businesses, each is taken; drills of whole backups are nobody's turn."""
    tenants = {f"b{number}": f"Shop {number}" for number in range(many)}
    attempts: list[Proof] = []
    for day in range(1, 13):
        taken = next_businesses(tenants, count, attempts, Random(seed + day))
        assert len(taken) == min(count, many)
        attempts.append(attempt(day, businesses=taken))
        if whole >> day & 1:
            attempts.append(attempt(day))
    rounds = -(-many // count)
    for start in range(13 - rounds):
        days = {f"2027-01-{day:02}T03:00:00.000Z" for day in range(start + 1, start + rounds + 1)}
        seen = {business for each in attempts if each.time in days for business in each.businesses}
        assert seen == set(tenants)
