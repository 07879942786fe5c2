"""The server crashes or is restarted at one batch of a restore, whichever it is: the restore gets through.

A sample of the batches runs every time; all of them with PLAYBACK_SLOW_TESTS=1, and `-rP` shows how many there were.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Iterator

import pytest

from tests.places import HOME
from tests.restore.crashing import CrashingServer
from tests.restore.proxy import Proxy, Session
from tests.restore.sweeping import WRITE, Bench, Injecting, ignore
from tests.sweeps import EVERYTHING, covering
from toolkit.postgres.write import batches

pytestmark = [
    pytest.mark.server,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
]


@pytest.fixture(scope="module")
def crashing() -> CrashingServer:
    """A server for this process alone."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    return CrashingServer(HOME / f"tests-crash-{worker}")


@pytest.fixture(scope="module")
def bench(crashing: CrashingServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The databases, on a server that may crash."""
    with Proxy(crashing.server.superuser) as proxy:
        made = Bench(crashing.server, proxy, tmp_path_factory.mktemp("control"))
        yield made
        made.close()


@pytest.mark.parametrize(("how", "atomic"), covering(("process killed", "SIGINT", "SIGQUIT", "SIGKILL"), (True, False)))
def test_a_restore_gets_through(
    bench: Bench, crashing: CrashingServer, monkeypatch: pytest.MonkeyPatch, how: str, *, atomic: bool
) -> None:
    """A process of the server is killed, or all of it ends and starts again: the backup is there afterwards."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    monkeypatch.setattr(batches, "BLOCKS", 1)

    def crash(session: Session, statement: str) -> None:
        if how == "process killed":
            crashing.kill_backend(session.pid)
        else:
            crashing.restart(signal.Signals[how])

    choice = random.Random(f"{how} {atomic}")
    roles = ["owner", "superuser"] if EVERYTHING else [choice.choice(["owner", "superuser"])]
    cases = [(role, number) for role in roles for number in range(bench.points(role, atomic=atomic, at=WRITE))]
    cases = cases if EVERYTHING else [choice.choice(cases)]
    for role, number in cases:
        bench.reset()
        injecting = Injecting(WRITE, number, crash)
        bench.proxy.on_statement = injecting
        outcome = bench.restore(role, atomic=atomic)
        bench.proxy.on_statement = ignore
        assert (injecting.failure, injecting.done) == (None, 1)
        assert outcome.changed
        bench.check_complete(role, atomic=atomic, crashed=True)
    print(f"{len(cases)} batches")
