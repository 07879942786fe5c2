"""`unlock`: show the locks of repositories; remove those that no longer count, and others that are named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import INVENTORY, JSON, REPOSITORY, Call, Command
from toolkit.errors import InputError
from toolkit.output.answer import WARNING, Answer, Line

if TYPE_CHECKING:
    from toolkit.storage.lock_files import LockFile
    from toolkit.storage.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `unlock` is given."""

    remove: str = command.text("remove the lock of this id although its run may still be alive")
    force: bool = command.switch("remove all locks of the repository although their runs may still be alive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Locks(Answer):
    """The locks that a repository had.

    Attributes:
        locks: each with why it no longer counts, which is empty for one that does, and whether it was removed.
    """

    repository: str
    locks: tuple[tuple[LockFile, str, bool], ...]

    def lines(self) -> Iterator[Line]:
        """Give a line for each, then how many were removed and what a person can do about the others."""
        if not self.locks:
            yield Line(f"repository {self.repository} is not locked")
            return
        for lock, stale, _ in self.locks:
            word = f"no longer counts: {stale}" if stale else "holds the repository"
            yield Line(f"{self.repository}: {lock.id}: {lock}; {word}")
        removed = sum(gone for _, _, gone in self.locks)
        yield Line(f"{removed} of {wording.counted(len(self.locks), 'lock')} removed")
        if removed < len(self.locks):
            how = f"invoke unlock --repository {self.repository} --remove ID"
            yield Line(f"if you know that such a run has died: {how}", WARNING)

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        return {
            "repository": self.repository,
            "locks": [
                {"id": lock.id, "text": str(lock), "stale": stale or None, "removed": removed}
                for lock, stale, removed in self.locks
            ],
        }


def _unlock(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.repositories import Unread, opened

    if (given.remove or given.force) and not call.repository:
        raise InputError("no repository is named", hint="invoke unlock --repository R shows its locks")
    for name, repository in opened(call):
        yield repository if isinstance(repository, Unread) else _locks(name, repository, given)


def _locks(name: str, repository: Repository, given: Options) -> Locks:
    from toolkit.storage.lock_files import list_locks, read_lock
    from toolkit.storage.locks import store_time

    one_file = repository.store.one_file
    store = one_file.locks if one_file else repository.store
    locks = [lock for each in list_locks(store) if (lock := read_lock(store, each))]
    if given.remove and given.remove not in [lock.id for lock in locks]:
        message = f"there is no lock {given.remove} in {name}"
        raise InputError(message, hint=f"invoke unlock --repository {name} shows them")
    if not locks:
        return Locks(repository=name, locks=())
    now = store_time(store)
    stale = {lock.id: lock.stale(now) for lock in locks}
    doomed = [lock for lock in locks if stale[lock.id] or given.force or lock.id == given.remove]
    store.delete_many([lock.name for lock in doomed])
    return Locks(repository=name, locks=tuple((lock, stale[lock.id], lock in doomed) for lock in locks))


COMMAND = Command(
    name="unlock",
    summary="Show the locks, and remove those of dead runs",
    usage="[--repository R] [--remove ID]",
    needs=(REPOSITORY, INVENTORY, JSON),
    options=Options,
    body=_unlock,
    listing="repositories",
)
