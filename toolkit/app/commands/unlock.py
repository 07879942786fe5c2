"""`unlock`: show the locks of repositories; remove those that no longer count, and others that are named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.app import command
from toolkit.app.command import INVENTORY, JSON, REPOSITORY, Call, Command
from toolkit.errors import InputError
from toolkit.output.answer import WARNING, Answer, Line

if TYPE_CHECKING:
    from toolkit.model.lock import FoundLock
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
        locks: each with why it no longer counts and whether it was removed.
    """

    repository: str
    locks: tuple[FoundLock, ...]

    def lines(self) -> Iterator[Line]:
        """Give a line for each, then how many were removed and what a person can do about the others."""
        from toolkit.views import unlock as views

        if not self.locks:
            yield Line(f"repository {self.repository} is not locked")
            return
        yield from map(Line, views.lock_lines(self.repository, self.locks))
        yield Line(views.verdict(self.locks))
        if not all(each.removed for each in self.locks):
            how = f"invoke unlock --repository {self.repository} --remove ID"
            yield Line(f"if you know that such a run has died: {how}", WARNING)

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        from toolkit.views import unlock as views

        return views.document(self.repository, self.locks)


def _unlock(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.repositories import Unread, opened

    if (given.remove or given.force) and not call.repository:
        raise InputError("no repository is named", hint="invoke unlock --repository R shows its locks")
    for name, repository in opened(call):
        yield repository if isinstance(repository, Unread) else _locks(name, repository, given)


def _locks(name: str, repository: Repository, given: Options) -> Locks:
    from toolkit.storage.unlocking import doomed, found_locks, remove

    locks = found_locks(repository)
    if given.remove and given.remove not in [lock.id for lock in locks]:
        message = f"there is no lock {given.remove} in {name}"
        raise InputError(message, hint=f"invoke unlock --repository {name} shows them")
    locks = doomed(locks, named=(given.remove,), force=given.force)
    remove(repository, locks)
    return Locks(repository=name, locks=locks)


COMMAND = Command(
    name="unlock",
    summary="Show the locks, and remove those of dead runs",
    usage="[--repository R] [--remove ID]",
    needs=(REPOSITORY, INVENTORY, JSON),
    options=Options,
    body=_unlock,
    listing="repositories",
)
