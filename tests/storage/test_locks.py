"""Locks: who may go on at the same time, who is told what, and what becomes of locks whose holder has died."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.storage.faults import FaultyStore
from toolkit.errors import LockedError, StorageError
from toolkit.storage.local import LocalStore
from toolkit.storage.lock_files import (
    LockContent,
    LockKind,
    LockTerms,
    list_locks,
    lock_name,
    new_lock_id,
    read_lock,
)
from toolkit.storage.locks import Lock, locked
from toolkit.storage.processes import Process, has_ended, this_process
from toolkit.storage.repository import Repository
from toolkit.storage.store import StoredFile

SHARED, EXCLUSIVE = LockKind.SHARED, LockKind.EXCLUSIVE
ELSEWHERE = Process(host="till.example", user="operator", process=4711)
QUICK = LockTerms(refresh=timedelta(seconds=0.05), lost=timedelta(minutes=1), stale=timedelta(minutes=2))
"""Refreshed all the time, and not lost where a busy machine lets the holder wait."""


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@contextmanager
def held(repository: Repository, kind: LockKind, **options: object) -> Iterator[Lock]:
    """A lock as an action holds it."""
    with locked(repository, kind, purpose=f"test {kind}", now=utc_now, **options) as lock:  # type: ignore[arg-type]
        yield lock


def leave_lock(
    repository: Repository, holder: Process, *, kind: LockKind = EXCLUSIVE, since: str = "2020-11-20T02:00:00.000000Z"
) -> str:
    """A lock file that some process left; gives its id."""
    content = LockContent(holder=holder, purpose="prune (nightly)", since=since, refreshed=since)
    identity = new_lock_id()
    repository.store.put(lock_name(kind, identity), msgspec.json.encode(content))
    return identity


class AgedStore(LocalStore):
    """A directory whose lock files by other holders than this process look old."""

    def __init__(self, directory: Path, age: timedelta, aged: Callable[[], set[str]]) -> None:
        super().__init__(directory)
        self._age, self._aged = age, aged

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """List, some of it older than it is."""
        for file in super().list(prefix):
            age = self._age if file.name in self._aged() else timedelta(0)
            yield StoredFile(name=file.name, size=file.size, modified=file.modified - age)


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [(SHARED, SHARED, True), (SHARED, EXCLUSIVE, False), (EXCLUSIVE, SHARED, False), (EXCLUSIVE, EXCLUSIVE, False)],
)
def test_who_may_go_on_beside_whom(repository: Repository, first: LockKind, second: LockKind, together: bool) -> None:
    """Shared locks bear each other; an exclusive one bears none, and leaves no trace when it is refused."""
    identity = leave_lock(repository, ELSEWHERE, kind=first)
    if together:
        with held(repository, second):
            assert len(list_locks(repository.store)) == 2
    else:
        with pytest.raises(LockedError), held(repository, second):
            pass
    assert [lock.id for lock in list_locks(repository.store)] == [identity]


def test_the_holder_is_named(repository: Repository) -> None:
    """Who is refused reads who holds the lock, where, since when and what to do; the exit code is 5."""
    leave_lock(repository, ELSEWHERE)
    with pytest.raises(LockedError) as caught, held(repository, SHARED):
        pass
    assert caught.value.exit_code == 5
    assert caught.value.message == (
        f"{repository.place} is locked: prune (nightly) by operator on till.example (process 4711)"
        " since 2020-11-20 02:00:00 UTC, exclusive"
    )
    assert "invoke unlock" in caught.value.hint


def test_a_lock_is_given_back_whatever_happens(repository: Repository) -> None:
    """A lock is there while it is held, names this process, and is gone after an error."""

    def fail() -> None:
        with held(repository, EXCLUSIVE) as lock:
            (found,) = list_locks(repository.store)
            read = read_lock(repository.store, found)
            assert read is not None
            assert read.content is not None
            assert (read.id, read.content.holder, read.content.purpose) == (lock.id, this_process(), "test exclusive")
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fail()
    assert list_locks(repository.store) == []


def test_a_lock_of_a_dead_process_does_not_count(repository: Repository) -> None:
    """A process of this machine that has ended holds nothing; its lock is removed by the next who wants one."""
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        ended.wait()
        holder = msgspec.structs.replace(this_process(), process=ended.pid)
        assert has_ended(holder)
        leave_lock(repository, holder)
    with held(repository, SHARED) as lock:
        assert [found.id for found in list_locks(repository.store)] == [lock.id]


def test_a_living_process_and_one_elsewhere_keep_their_locks(repository: Repository) -> None:
    """A process that runs on this machine, and one of another machine or container, count as alive."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        here = msgspec.structs.replace(this_process(), process=running.pid)
        assert not has_ended(here)
        assert not has_ended(ELSEWHERE)
        assert not has_ended(msgspec.structs.replace(here, process=2**22 + 1, space="another container"))
        leave_lock(repository, here, kind=SHARED)
        with pytest.raises(LockedError), held(repository, EXCLUSIVE):
            pass
        running.communicate(b"\n")


def test_what_this_process_left_behind_does_not_count(repository: Repository) -> None:
    """A lock that this process could not give back does not keep it out later."""
    leave_lock(repository, this_process())
    with held(repository, EXCLUSIVE):
        assert len(list_locks(repository.store)) == 1


@pytest.mark.parametrize(("minutes", "counts"), [(29, True), (31, False)])
def test_a_lock_that_nobody_refreshes_goes_stale(tmp_path: Path, minutes: int, counts: bool) -> None:
    """By the store's clock, half an hour after its last refresh, a lock of whatever machine is removed."""
    old: set[str] = set()
    repository = Repository.open(AgedStore(tmp_path, timedelta(minutes=minutes), lambda: old), create=True)
    old.add(lock_name(EXCLUSIVE, leave_lock(repository, ELSEWHERE)))
    if counts:
        with pytest.raises(LockedError), held(repository, SHARED):
            pass
    else:
        with held(repository, SHARED):
            pass
    assert bool(list_locks(repository.store)) == counts


def test_garbage_counts_as_a_lock_until_it_is_stale(repository: Repository) -> None:
    """A lock file that cannot be read is respected, as its name says; other files in `locks/` are not."""
    repository.store.put("locks/readme", b"hello")
    with held(repository, EXCLUSIVE):
        pass
    repository.store.put(lock_name(SHARED, "0" * 32), b"\xff{")
    with held(repository, SHARED):
        pass
    with pytest.raises(LockedError, match="cannot be read"), held(repository, EXCLUSIVE):
        pass


def test_a_lock_is_refreshed_while_it_is_held(repository: Repository) -> None:
    """The file is written anew again and again, so that it outlives the time after which it would be stale."""
    seen = set[str]()
    with held(repository, EXCLUSIVE, terms=QUICK) as lock:
        while len(seen) < 4:
            [found] = list_locks(repository.store)
            read = read_lock(repository.store, found)
            assert read
            assert read.content
            seen.add(read.content.refreshed)
            time.sleep(0.02)
        lock.check()
        assert found.stale(found.modified + QUICK.stale, QUICK) == ""


def test_a_lock_that_is_taken_away_is_noticed(repository: Repository) -> None:
    """Whoever asks after its lock was removed is stopped, and the lock does not come back."""
    with held(repository, EXCLUSIVE, terms=QUICK) as lock:
        lock.check()
        repository.store.delete(lock.name)
        with pytest.raises(LockedError, match="was removed by someone else"):
            lock.check()
        time.sleep(0.2)
        assert list_locks(repository.store) == []


def check_until_lost(lock: Lock) -> None:
    """Ask after a lock again and again, also while its store fails."""
    while True:
        with suppress(StorageError):
            lock.check()
        time.sleep(0.01)


def test_a_lock_that_could_not_be_refreshed_is_lost(repository: Repository) -> None:
    """A holder that could not refresh its lock for long stops before others may remove it, and never revives it."""
    faulty = FaultyStore(repository.store)
    terms = msgspec.structs.replace(QUICK, lost=timedelta(seconds=0.5))
    with held(Repository(faulty, repository.id), EXCLUSIVE, terms=terms) as lock:
        faulty.fail_at = 1
        with pytest.raises(LockedError, match="could not be refreshed in time"):
            check_until_lost(lock)
        faulty.fail_at = 0
        written = list_locks(repository.store)
        time.sleep(0.2)
        assert list_locks(repository.store) == written


def test_a_clock_that_jumps_loses_the_lock(repository: Repository) -> None:
    """A machine that slept knows by its clock that it holds nothing any more."""
    jumped = [timedelta(0)]
    with locked(repository, EXCLUSIVE, purpose="prune", now=lambda: utc_now() + jumped[0]) as lock:
        lock.check()
        jumped[0] = timedelta(minutes=21)
        with pytest.raises(LockedError):
            lock.check()


def test_waiting(repository: Repository) -> None:
    """With a time to wait, a lock is taken as soon as the other is given back; meanwhile it says for what it waits."""
    identity = leave_lock(repository, ELSEWHERE)
    heard: list[str] = []

    def note(text: str) -> None:
        heard.append(text)
        repository.store.delete(lock_name(EXCLUSIVE, identity))

    with held(repository, EXCLUSIVE, wait=30, note=note):
        pass
    assert len(heard) == 1
    assert heard[0].startswith("waiting for prune (nightly) by operator on till.example")


def test_waiting_ends(repository: Repository) -> None:
    """After the time to wait the lock is refused as without it, and nothing is left behind."""
    identity = leave_lock(repository, ELSEWHERE)
    start = time.monotonic()
    with pytest.raises(LockedError), held(repository, SHARED, wait=1):
        pass
    assert 1 <= time.monotonic() - start < 60
    assert [lock.id for lock in list_locks(repository.store)] == [identity]


def test_tasks_of_one_run_wait_for_each_other(repository: Repository) -> None:
    """A run on several hosts at once does not lock itself out."""
    order: list[str] = []
    inside = threading.Event()

    def other() -> None:
        inside.wait()
        with held(repository, EXCLUSIVE):
            order.append("second")

    thread = threading.Thread(target=other)
    thread.start()
    with held(repository, SHARED):
        inside.set()
        time.sleep(0.5)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_thread_cannot_wait_for_itself(repository: Repository) -> None:
    """A mistake of ours is an error at once and no endless wait."""
    with held(repository, SHARED), pytest.raises(RuntimeError, match="holds itself"), held(repository, EXCLUSIVE):
        pass


def test_who_only_reads_may_do_so_without_a_lock(repository: Repository) -> None:
    """Where no lock can be written, a reader goes on with a warning; a writer does not."""
    readonly = Repository(ReadOnlyStore(repository.store), repository.id)
    with pytest.raises(StorageError, match="read-only"), held(readonly, SHARED):
        pass
    with held(readonly, SHARED, reading=True) as lock:
        lock.check()
        assert len(lock.warnings) == 1
        assert lock.warnings[0].startswith("no lock could be written: ")
    assert list_locks(repository.store) == []


def test_a_reader_without_a_lock_respects_others(repository: Repository) -> None:
    """Even who cannot write a lock is kept out while a prune runs."""
    leave_lock(repository, ELSEWHERE)
    readonly = Repository(ReadOnlyStore(repository.store), repository.id)
    with pytest.raises(LockedError), held(readonly, SHARED, reading=True):
        pass


class ReadOnlyStore(FaultyStore):
    """A store that refuses to be written to."""

    def put(self, name: str, data: bytes) -> None:
        """Refuse."""
        raise StorageError(f"cannot write {name}: read-only file system")


class FailsOnce(FaultyStore):
    """A store of which one call fails."""

    def _count(self, name: str) -> None:
        self.calls += 1
        if self.calls == self.fail_at:
            raise StorageError(f"call {self.calls} fails on purpose: {name}")


def test_a_failing_store_leaves_no_lock(repository: Repository) -> None:
    """Whichever call fails while a lock is asked for or held, it is an error or success, and a later run gets in."""
    for number in range(1, 6):
        faulty = FailsOnce(repository.store, fail_at=number)
        with (
            suppress(StorageError),
            held(Repository(faulty, repository.id), EXCLUSIVE) as lock,
        ):
            lock.check()
        assert faulty.calls >= number
    with held(repository, EXCLUSIVE):
        assert len(list_locks(repository.store)) == 1
