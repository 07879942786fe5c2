"""The lock that an action holds on a repository while it works in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from toolkit.actions.context import Context
from toolkit.storage.locks import Lock, LockKind, locked
from toolkit.storage.repository import Repository


@contextmanager
def shared_lock(
    context: Context, repository: Repository, action: str, *, wait: float = 0, reading: bool = False
) -> Iterator[Lock]:
    """Hold off prune and repair; others may read and add beside it.

    Args:
        wait: seconds to wait for who holds the repository.
        reading: the action writes nothing; where no lock can be written, it goes on and `Lock.warnings` says so.

    Raises:
        LockedError: a prune or repair holds the repository.
    """
    with locked(
        repository,
        LockKind.SHARED,
        purpose=purpose(context, action),
        now=context.now,
        wait=wait,
        reading=reading,
        note=context.progress.note,
    ) as lock:
        yield lock


@contextmanager
def exclusive_lock(context: Context, repository: Repository, action: str, *, wait: float = 0) -> Iterator[Lock]:
    """Have the repository alone. Before each removal, ask `Lock.check`. Raises LockedError where others use it."""
    with locked(
        repository,
        LockKind.EXCLUSIVE,
        purpose=purpose(context, action),
        now=context.now,
        wait=wait,
        note=context.progress.note,
    ) as lock:
        yield lock


def purpose(context: Context, action: str) -> str:
    """Give what runs, for whoever finds the lock, e.g. `backup of till-1 (nightly)`."""
    return f"{action} of {context.host.name} ({context.playbook})"
