"""Something goes wrong at one batch of a restore, whichever it is: the restore gets through, and nothing is left of it.

A sample of the batches runs every time; all of them with PLAYBACK_SLOW_TESTS=1, and `-rP` shows how many there were.
"""

from __future__ import annotations

import random
from functools import partial

import pytest

from tests.restore.faults import FAULTS, Fault
from tests.restore.sweeping import Bench, Injecting, ignore
from tests.sweeps import EVERYTHING, covering
from toolkit.postgres.write import batches, recovery


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    monkeypatch.setattr(batches, "BLOCKS", 1)


CASES = [
    pytest.param(fault, atomic, id=f"{fault.name}-{'atomic' if atomic else 'stepwise'}")
    for fault, atomic in (
        *covering([fault for fault in FAULTS if fault.atomic], (True, False)),
        *((fault, False) for fault in FAULTS if not fault.atomic),
    )
]


def chosen(bench: Bench, fault: Fault, *, atomic: bool) -> list[tuple[str, int]]:
    """Roles and batches: one, or all when asked for."""
    choice = random.Random(f"{fault.name} {atomic}")
    roles = ["owner", "superuser"] if EVERYTHING else [choice.choice(["owner", "superuser"])]
    found = [(role, number) for role in roles for number in range(bench.points(role, atomic=atomic, at=fault.at))]
    return found if EVERYTHING else [choice.choice(found)]


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("fault", "atomic"), CASES)
def test_a_restore_gets_through(bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Fault, *, atomic: bool) -> None:
    """Whatever befalls one batch, the backup is there afterwards, with all triggers and constraints as before."""
    cases = chosen(bench, fault, atomic=atomic)
    monkeypatch.setattr(recovery, "LOCK_SECONDS", fault.lock_seconds)
    for role, number in cases:
        bench.reset()
        injecting = Injecting(fault.at, number, partial(fault.run, bench), fault.times)
        bench.proxy.on_statement = injecting
        outcome = bench.restore(role, atomic=atomic)
        bench.proxy.on_statement = ignore
        place = f"{fault.name} at batch {number} as {role}"
        assert (injecting.failure, injecting.done) == (None, fault.times), place
        assert outcome.changed, place
        if atomic:
            assert injecting.begun == fault.begun, place
        bench.check_complete(role, atomic=atomic)
    print(f"{len(cases)} batches")
