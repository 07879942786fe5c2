"""Restores whose process is killed or asked to stop at one batch, whichever it is, and the runs that follow them.

A sample of the batches runs every time; all of them with PLAYBACK_SLOW_TESTS=1, and `-rP` shows how many there were.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from tests.control import ROOT
from tests.restore.proxy import Session
from tests.restore.sweeping import COMMIT, WRITE, Bench, Injecting, ignore
from tests.sweeps import EVERYTHING
from toolkit.model.outcome import Outcome
from toolkit.postgres.write import batches

pytestmark = [pytest.mark.timeout(7200), pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")]

SIGNALS: list[signal.Signals] = [
    getattr(signal, name) for name in ("SIGKILL", "SIGINT", "SIGTERM") if hasattr(signal, name)
]

RESUMED = re.compile(r"was not finished: (\d+) batches with (\d+) rows were committed; going on")


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    monkeypatch.setattr(batches, "BLOCKS", 1)


def command(bench: Bench, role: str, *, atomic: bool) -> list[str]:
    """The command line that restores the backup, in a control directory of its own."""
    shutil.copy(ROOT / "tasks.py", bench.control.directory)
    playbook = bench.control.directory / "restore.yml"
    arguments = {"from": bench.manifest.metadata.label, "mode": "mirror", "identity": "source", "atomic": atomic}
    play = {"name": "restore", "hosts": role, "tasks": [{"name": "restore", "restore": arguments}]}
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    inventory = str(bench.control.directory / "inventory")
    return [sys.executable, "-m", "tests.restore.small_batches", "run", str(playbook), "--inventory", inventory]


def stopped(
    bench: Bench, role: str, number: int, how: signal.Signals, *, at: re.Pattern[str], atomic: bool, late: bool = False
) -> tuple[int, str]:
    """Run a restore and send its process a signal at one batch; gives its exit code and what it printed.

    Args:
        late: the server has carried the statement out by then.
    """
    started = threading.Event()

    def stop(session: Session, statement: str) -> None:
        started.wait()
        if late:
            session.send(statement)
            session.answer()
        process.send_signal(how)
        if how is signal.SIGKILL:
            process.wait()
            session.cut()

    injecting = Injecting(at, number, stop)
    bench.proxy.on_statement = injecting
    with subprocess.Popen(
        command(bench, role, atomic=atomic),
        cwd=bench.control.directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        started.set()
        printed = process.communicate(timeout=120)[0].decode()
    bench.proxy.on_statement = ignore
    assert injecting.done == 1, printed
    return process.returncode, printed


def chosen(bench: Bench, name: str, *, at: re.Pattern[str], atomic: bool) -> list[tuple[str, int]]:
    """Roles and batches: one, or all when asked for."""
    choice = random.Random(f"{name} {atomic}")
    roles = ["owner", "superuser"] if EVERYTHING else [choice.choice(["owner", "superuser"])]
    found = [(role, number) for role in roles for number in range(bench.points(role, atomic=atomic, at=at))]
    return found if EVERYTHING else [choice.choice(found)]


@pytest.mark.parametrize("how", SIGNALS, ids=lambda how: how.name)
def test_an_atomic_restore_that_is_stopped_changes_nothing(bench: Bench, how: signal.Signals) -> None:
    """Killed or asked to stop before the commit: every row, trigger and constraint is as before; a rerun restores."""
    cases = chosen(bench, how.name, at=WRITE, atomic=True)
    for role, number in cases:
        bench.reset()
        state = bench.state()
        code, printed = stopped(bench, role, number, how, at=WRITE, atomic=True)
        place = f"{how.name} at batch {number} as {role}: {printed}"
        assert code == (-signal.SIGKILL if how is signal.SIGKILL else 130), place
        assert "Traceback" not in printed, place
        bench.check_clean()
        assert bench.state() == state, place
        assert bench.restore(role, atomic=True).changed
        bench.check_complete(role, atomic=True)
    print(f"{len(cases)} batches")


@pytest.mark.parametrize("how", SIGNALS, ids=lambda how: how.name)
def test_a_restore_in_steps_goes_on_where_it_was_stopped(bench: Bench, how: signal.Signals) -> None:
    """Killed or asked to stop at a batch: the next run says how far the other came, and does what is left."""
    cases = chosen(bench, how.name, at=WRITE, atomic=False)
    for role, number in cases:
        total = reset(bench)
        code, printed = stopped(bench, role, number, how, at=WRITE, atomic=False)
        place = f"{how.name} at batch {number} as {role}: {printed}"
        assert code == (-signal.SIGKILL if how is signal.SIGKILL else 130), place
        assert "Traceback" not in printed, place
        bench.check_clean()
        outcome = bench.restore(role, atomic=False)
        [said] = outcome.warnings
        found = RESUMED.search(said)
        assert found, place
        assert int(found[2]) + changes(outcome) == total, place
        told = f"interrupted; {found[1]} batches with {found[2]} rows are committed and stay" in printed
        assert told == (how is not signal.SIGKILL and found[1] != "0"), place
        assert "changed since" not in said, place
        bench.check_complete(role, atomic=False)
    print(f"{len(cases)} batches")


def test_a_batch_whose_commit_nobody_saw_is_compared_again(bench: Bench) -> None:
    """Killed when the server had committed, before the ledger says so: that batch is in doubt, and not done twice."""
    cases = chosen(bench, "late", at=COMMIT, atomic=False)
    for role, number in cases:
        total = reset(bench)
        code, printed = stopped(bench, role, number, signal.SIGKILL, at=COMMIT, atomic=False, late=True)
        place = f"killed after commit {number} as {role}: {printed}"
        assert code == -signal.SIGKILL, place
        bench.check_clean()
        outcome = bench.restore(role, atomic=False)
        [said] = outcome.warnings
        found = RESUMED.search(said)
        assert found, place
        # the first commit is the plan's, the second prepares
        assert int(found[1]) == max(number - 2, 0), place
        assert ("was in doubt and is compared again" in said) == (number > 0), place
        assert int(found[2]) + changes(outcome) <= total, place
        assert "changed since" not in said, place
        bench.check_complete(role, atomic=False)
    print(f"{len(cases)} batches")


def reset(bench: Bench) -> int:
    """Make the target anew; gives how many rows differ."""
    bench.reset()
    return changes(bench.control.restore("target", bench.manifest, "mirror", check=True))


def changes(outcome: Outcome) -> int:
    """How many rows a restore wrote and deleted, or would, those outside its scope that let go of others included."""
    moved, let_go = outcome.facts["tables"], outcome.facts["set_null"]
    assert isinstance(moved, dict)
    assert isinstance(let_go, int)
    return sum(sum(table.values()) for table in moved.values()) + let_go
