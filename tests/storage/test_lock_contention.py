"""Locks under contention: whatever order the calls come in, two never hold what conflicts."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from tests.storage.faults import FaultyStore
from toolkit.storage.local import LocalStore
from toolkit.storage.locks import Lock, LockKind, locked
from toolkit.storage.repository import Repository

STORES = ("local", "moto", "ceph")

CONTENDER = """
import sys, time, random
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from toolkit.errors import LockedError
from toolkit.storage.local import LocalStore
from toolkit.storage.locks import Lock, LockKind, locked
from toolkit.storage.repository import Repository

STORES = ("local", "moto", "ceph")
place, log, seed, rounds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
repository, source = Repository.open(LocalStore(place), create=False), random.Random(seed)
with log.open("a", buffering=1) as file:
    for _ in range(rounds):
        kind = source.choice(list(LockKind))
        try:
            wait = source.choice([0, 20])
            with locked(repository, kind, purpose="contend", now=lambda: datetime.now(UTC), wait=wait):
                entered = time.monotonic_ns()
                time.sleep(source.uniform(0, 0.004))
                file.write(f"{kind} {entered} {time.monotonic_ns()}\\n")
        except LockedError:
            pass
"""


def intervals(logs: list[Path]) -> list[tuple[str, int, int]]:
    """Kind, begin and end of every time a lock was held."""
    lines = [line.split() for log in logs for line in log.read_text("utf-8").splitlines()]
    return [(kind, int(begin), int(end)) for kind, begin, end in lines]


def test_processes_never_hold_what_conflicts(tmp_path: Path) -> None:
    """Several processes that take and give back locks as fast as they can never hold conflicting ones at once."""
    Repository.open(LocalStore(tmp_path / "place"), create=True)
    logs = [tmp_path / f"log{number}" for number in range(4)]
    commands = [
        [sys.executable, "-c", CONTENDER, str(tmp_path / "place"), str(log), str(seed), "12"]
        for seed, log in enumerate(logs)
    ]
    running = [subprocess.Popen(command) for command in commands]
    assert [process.wait(120) for process in running] == [0] * len(running)
    found = intervals(logs)
    assert len(found) > 10
    for kind, begin, end in found:
        beside = [each for each in found if each != (kind, begin, end) and each[1] < end and begin < each[2]]
        assert kind == LockKind.SHARED or not beside
        assert all(each[0] == LockKind.SHARED for each in beside)


class Interleaved(FaultyStore):
    """A store whose calls happen in an order that is drawn from a seed: before each, threads are let go at random."""

    def __init__(self, repository: Repository, source: random.Random) -> None:
        super().__init__(repository.store)
        self._source = source

    def _count(self, name: str) -> None:
        time.sleep(self._source.choice([0, 0, 0.001, 0.003]))


def test_threads_never_hold_what_conflicts(repository: Repository) -> None:
    """Of several at once, calls to the store mixed at random, two never hold conflicting locks, and some get one."""
    source = random.Random(5)
    inside: list[LockKind] = []
    successes: list[LockKind] = []
    wrong: list[str] = []
    guard = threading.Lock()

    def contend(seed: int) -> None:
        own = random.Random(seed)
        mine = Repository(Interleaved(repository, source), repository.id)
        for _ in range(6):
            kind = own.choice([LockKind.SHARED, LockKind.EXCLUSIVE])
            with locked(mine, kind, purpose="contend", now=lambda: datetime.now(UTC)):
                with guard:
                    if inside and LockKind.EXCLUSIVE in (kind, *inside):
                        wrong.append(f"{kind} beside {inside}")
                    inside.append(kind)
                time.sleep(own.uniform(0, 0.01))
                with guard:
                    inside.remove(kind)
                    successes.append(kind)

    threads = [threading.Thread(target=contend, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert wrong == []
    assert len(successes) == 18


WAITER = """
import sys, time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from toolkit.storage.local import LocalStore
from toolkit.storage.locks import Lock, LockKind, locked
from toolkit.storage.repository import Repository
class Slow(LocalStore):
    def list(self, prefix=""):
        time.sleep(0.1)
        return super().list(prefix)
repository = Repository.open(Slow(Path(sys.argv[1])), create=False)
def note(text):
    print("waiting", flush=True)
with locked(repository, LockKind.EXCLUSIVE, purpose="wait", now=lambda: datetime.now(UTC), wait=60, note=note):
    print("held", flush=True)
"""


def test_who_only_tries_keeps_nobody_out(tmp_path: Path) -> None:
    """A run that waits for its turn asks again and again; others that find it asking do not take it for a holder."""

    def shared() -> AbstractContextManager[Lock]:
        own = Repository.open(LocalStore(tmp_path), create=True)
        return locked(own, LockKind.SHARED, purpose="read", now=lambda: datetime.now(UTC))

    command = [sys.executable, "-c", WAITER, str(tmp_path)]
    with shared(), subprocess.Popen(command, stdout=subprocess.PIPE) as waiter:
        try:
            assert waiter.stdout is not None
            assert waiter.stdout.readline().strip() == b"waiting"
            for _ in range(10):
                with shared():
                    time.sleep(0.05)
                time.sleep(0.05)
        finally:
            waiter.kill()
