"""The locks of a repository for whoever looks at them: which there are, which no longer count, and taking them away."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime

from msgspec.structs import replace

from toolkit.errors import StorageError
from toolkit.model.lock import FoundLock
from toolkit.storage.lock_files import LockFile, list_locks, lock_name, read_lock
from toolkit.storage.locks import LockKind, store_time
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store


def found_locks(repository: Repository) -> tuple[FoundLock, ...]:
    """Give the locks of a repository; StorageError where they cannot be listed."""
    store = _store_of(repository)
    locks = [lock for each in list_locks(store) if (lock := read_lock(store, each))]
    if not locks:
        return ()
    now = datetime.now(UTC)
    with suppress(StorageError):  # where nothing can be written, nobody else's clock is known
        now = store_time(store)
    return tuple(_told(lock, lock.stale(now)) for lock in locks)


def doomed(locks: Collection[FoundLock], *, named: Collection[str] = (), force: bool = False) -> tuple[FoundLock, ...]:
    """Say which locks are removed: those that no longer count, those that are named by their ids, or all."""
    return tuple(replace(each, removed=bool(each.stale) or force or each.id in named) for each in locks)


def remove(repository: Repository, locks: Collection[FoundLock]) -> None:
    """Remove those that are to be removed; StorageError where that cannot be done."""
    names = [lock_name(LockKind(each.kind), each.id) for each in locks if each.removed]
    if names:
        _store_of(repository).delete_many(names)


def _store_of(repository: Repository) -> Store:
    one_file = repository.store.one_file
    return one_file.locks if one_file else repository.store


def _told(lock: LockFile, stale: str) -> FoundLock:
    found = FoundLock(id=lock.id, text=str(lock), kind=lock.kind.value, stale=stale)
    if lock.content is None:
        return found
    holder = lock.content.holder
    return replace(
        found,
        purpose=lock.content.purpose,
        user=holder.user,
        host=holder.host,
        process=holder.process,
        since=lock.content.since,
    )
