"""Locks on a repository: shared for whoever reads or adds, exclusive for whoever removes.

One mechanism serves every store. Whoever wants a lock writes a file of its own, then lists all: it holds the lock once
a list shows its own file and none that conflicts. Of two, the one that wrote second lists after both files are there,
so never do both hold conflicting locks. It needs nothing of a store but that a list shows what was written before it
(docs/repository-format.md#locks, docs/adr/0010-locks-are-written-then-listed.md).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta

import msgspec

from toolkit.errors import LockedError, StorageError
from toolkit.planning.clock import stamp
from toolkit.stopping import pause
from toolkit.storage.layout import LOCKS
from toolkit.storage.lock_files import (
    TERMS,
    LockContent,
    LockFile,
    LockKind,
    LockTerms,
    list_locks,
    lock_name,
    new_lock_id,
    read_lock,
)
from toolkit.storage.processes import this_process
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store

__all__ = ["Lock", "LockKind", "LockTerms", "locked", "store_time"]

_RIVALS = 5.0
"""Seconds that the elder of two who ask at once waits for the younger to withdraw."""

_CLAIM = timedelta(seconds=5)
"""A lock asked for so recently may be that of someone who only tries, and withdraws in a moment."""

_PATIENCE = 3.0
"""Seconds for which even who does not want to wait tries again beside such a lock."""

_REMEDY = (
    "wait until it has ended, or let this task wait (`lock_wait`); if it has died, `invoke unlock --repository R`"
    " shows the locks and removes those that no longer count"
)

_held: dict[str, int] = {}
"""The locks that this process holds or asks for, by id, each with its thread."""


class Lock:
    """A lock that is held. `warnings` says what a user has to know about it."""

    def __init__(self, store: Store, kind: LockKind, *, purpose: str, now: Callable[[], datetime], terms: LockTerms):
        self.id = new_lock_id()
        self.kind = kind
        self.warnings: tuple[str, ...] = ()
        self.since = ""
        self._store = store
        self._purpose = purpose
        self._now = now
        self._terms = terms
        self._written = False
        self._refreshed = (now(), time.monotonic())
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._refresh_regularly, name="lock-refresher", daemon=True)

    @property
    def name(self) -> str:
        """Its file."""
        return lock_name(self.kind, self.id)

    def check(self) -> None:
        """Raise LockedError when the lock is not held any more: removed by someone, or too long not refreshed."""
        if self.warnings:
            return
        if self._expired():
            fact = "could not be refreshed in time"
        elif not self._store.exists(self.name):
            fact = "was removed by someone else"
        else:
            return
        raise self._lost(fact)

    def store_time(self) -> datetime:
        """Give the time by the store's clock, in UTC; the lock is refreshed for it. Raises as `check` does."""
        self.check()
        self.write()
        for found in list_locks(self._store):
            if found.id == self.id:
                return found.modified
        raise self._lost("was removed by someone else")

    def ask(self) -> None:
        """Write the file for the first time; who asks again, having withdrawn, stands behind those who came since."""
        self.since = stamp(self._now(), "microseconds")
        self.write()

    def write(self) -> None:
        """Write the file anew."""
        now = self._now()
        content = LockContent(
            holder=this_process(), purpose=self._purpose, since=self.since, refreshed=stamp(now, "microseconds")
        )
        # before the file is there, or another thread would take it for a leftover of this process
        _held.setdefault(self.id, threading.get_ident())
        self._written = True
        self._store.put(self.name, msgspec.json.encode(content))
        self._refreshed = (now, time.monotonic())

    def withdraw(self) -> None:
        """Remove the file, if it was written."""
        if self._written:
            self._store.delete(self.name)
            self._written = False
        _held.pop(self.id, None)

    def hold(self) -> None:
        """Keep the file fresh from now on."""
        self._thread.start()

    def release(self) -> None:
        """Give the lock back. A file that cannot be removed is left: it counts no more once this process has ended."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(StorageError):
            self.withdraw()
        _held.pop(self.id, None)

    def _lost(self, fact: str) -> LockedError:
        return LockedError(
            f"the lock of {self._purpose} on {self._store.place} {fact} while it ran",
            hint="it stopped before going on without it; run again when nothing else uses the repository",
        )

    def _expired(self) -> bool:
        # both clocks, since one may stand still while the machine sleeps and the other may be set
        now, clock = self._refreshed
        elapsed = max((self._now() - now).total_seconds(), time.monotonic() - clock)
        return elapsed > self._terms.lost.total_seconds()

    def _refresh_regularly(self) -> None:
        interval = self._terms.refresh.total_seconds()
        pause = interval
        while not self._ending.wait(pause):
            # a lock that others may have taken for stale must not come back to life
            if self._expired():
                return
            try:
                if not self._store.exists(self.name):
                    return
                self.write()
                pause = interval
            except StorageError:
                pause = interval / 10


@contextmanager
def locked(
    repository: Repository,
    kind: LockKind,
    *,
    purpose: str,
    now: Callable[[], datetime],
    wait: float = 0,
    reading: bool = False,
    note: Callable[[str], None] = lambda text: None,
    terms: LockTerms = TERMS,
) -> Iterator[Lock]:
    """Hold a lock on a repository; while it is held, what is published in it depends on it (`Repository.guard`).

    A store in one file changes as a whole while its lock is held: what is written takes effect at the end of the block.
    So whoever writes has it alone, whatever kind of lock that is, and who reads needs none.

    Args:
        purpose: what runs, for others to read, e.g. `prune (nightly)`.
        now: gives an aware time.
        wait: seconds to wait for others; for a lock of this very process there is no limit.
        reading: nothing will be written: a lock that cannot be written is then a warning, not an error.
        note: is told what is waited for, about once a second; what it raises ends the waiting.

    Raises:
        LockedError: another run holds a lock that conflicts; it is named.
        StorageError: the lock cannot be written or the others cannot be listed.
    """
    one_file = repository.store.one_file
    store = repository.store if one_file is None or reading else one_file.locks
    lock = Lock(store, LockKind.EXCLUSIVE if one_file else kind, purpose=purpose, now=now, terms=terms)
    if one_file and reading:
        yield lock
        return
    start, before = time.monotonic(), repository.guard
    try:
        while rival := _attempt(lock, store, reading=reading, terms=terms):
            _refuse_own_thread(rival)
            patience = max(wait, _PATIENCE if _may_withdraw(rival, lock) else 0)
            if time.monotonic() - start >= patience and rival.id not in _held:
                raise LockedError(f"{repository.place} is locked: {rival}", hint=_REMEDY)
            note(f"waiting for {rival}")
            pause(random.uniform(0.2, 1.0))
        if not lock.warnings:
            lock.hold()
        repository.guard = lock.check
        with one_file.changing() if one_file else nullcontext():
            yield lock
            if one_file:
                lock.check()
    finally:
        repository.guard = before
        lock.release()


def store_time(store: Store) -> datetime:
    """Give the time by the store's clock, in UTC: that of a file written for it."""
    name = f"{LOCKS}clock-{new_lock_id()}"
    store.put(name, b"")
    try:
        return next(file.modified for file in store.list(name)).astimezone(UTC)
    except StopIteration:
        raise StorageError(f"{name} was written to {store.place}, but a list does not show it") from None
    finally:
        store.delete(name)


def _attempt(lock: Lock, store: Store, *, reading: bool, terms: LockTerms) -> LockFile | None:
    """Try once; gives None when the lock is held, else, after withdrawing, a lock in its way."""
    try:
        lock.ask()
        lock.warnings = ()
    except StorageError as error:
        with suppress(StorageError):
            lock.withdraw()
        if not reading:
            raise
        lock.warnings = (
            f"no lock could be written: {error.message}; a prune or repair at the same time is not kept away",
        )
        return _rival(lock, store, terms)
    patience = time.monotonic() + _RIVALS
    # twice, because on some file systems a list may miss a file that is replaced at that very moment
    while rival := _rival(lock, store, terms) or _rival(lock, store, terms):
        elder = rival.content is not None and (lock.since, lock.id) < (rival.content.since, rival.id)
        if not elder or time.monotonic() > patience:
            lock.withdraw()
            return rival
        pause(random.uniform(0.02, 0.2))
    return None


def _rival(lock: Lock, store: Store, terms: LockTerms) -> LockFile | None:
    """The oldest lock that is in the way of this one; stale ones are removed."""
    listed = list_locks(store)
    own = next((found for found in listed if found.id == lock.id), None)
    if own is None and not lock.warnings:
        raise StorageError(
            f"the lock {lock.name} was written to {store.place}, but a list does not show it",
            hint="someone removed it, or this storage lists files late and cannot be used safely; run again",
        )
    now = own.modified if own else datetime.now(UTC)
    found = [each for each in listed if each.id != lock.id and each.conflicts_with(lock.kind)]
    read = [content for each in found if (content := read_lock(store, each))]
    stale = [each for each in read if each.stale(now, terms) or _left_by_this_process(each)]
    if stale and own:
        store.delete_many([each.name for each in stale])
    rivals = [each for each in read if each not in stale]
    return min(rivals, key=lambda each: (each.content.since if each.content else "", each.id), default=None)


def _may_withdraw(rival: LockFile, lock: Lock) -> bool:
    """Whether a lock is so new that its owner may still be trying."""
    since = rival.content.since if rival.content else ""
    return since > stamp(datetime.fromisoformat(lock.since) - _CLAIM, "microseconds")


def _left_by_this_process(lock: LockFile) -> bool:
    """Whether this process wrote it, or one that had its number before, and does not hold it any more."""
    return lock.content is not None and lock.content.holder == this_process() and lock.id not in _held


def _refuse_own_thread(rival: LockFile) -> None:
    if _held.get(rival.id) == threading.get_ident():
        raise RuntimeError(f"this thread waits for a lock that it holds itself: {rival}")
