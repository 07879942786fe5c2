"""`check`: a repository is read back; damage is a failed task, and can be taken away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from msgspec import Meta

from toolkit.actions.action import Action
from toolkit.actions.arguments import Arguments, LockWait, RepositoryName, about, matching
from toolkit.actions.context import Context
from toolkit.actions.locking import exclusive_lock, shared_lock
from toolkit.actions.targets import repository_config, repository_of
from toolkit.errors import ExitCode, InputError, Problem
from toolkit.model.outcome import Outcome
from toolkit.model.result import CheckedRepository
from toolkit.planning.sampling import Sample
from toolkit.storage.checking import examined, mended
from toolkit.storage.locks import Lock
from toolkit.storage.repository import Repository

Part = (
    Annotated[
        str,
        matching(
            "^([0-9]{1,3}([.][0-9]{1,3})?%|[0-9]{1,9})$", "a part is a percentage such as 5%, or a number of chunks"
        ),
    ]
    | Annotated[int, Meta(ge=0)]
)


class CheckArguments(Arguments, frozen=True, kw_only=True):
    """Which repository is read back, and how much of it."""

    repository: RepositoryName = ""
    read_data_subset: Annotated[
        Part | None,
        about(
            "Read only a part of the chunks, e.g. 5%, or so many; which ones depends on the day, so that checks of"
            " several days read different ones. Default: all of them.",
            "5%",
            100,
        ),
    ] = None
    repair: Annotated[
        bool,
        about("Take away what cannot be restored, with the repository locked; the task fails all the same.", False),
    ] = False
    lock_wait: LockWait = 0


def run(arguments: CheckArguments, context: Context) -> Outcome:
    """Read a repository back and remember that; damage is exit code 6.

    Raises:
        InputError: there is no such repository, or the part is none.
        LockedError: a prune or repair holds the repository, or, for a repair, anybody does.
        RefusedError: something could not be read, so that nobody knows whether it is damaged.
        StorageError: the repository cannot be read or written.
    """
    sample = _sample(arguments, context)
    repository = repository_of(context, arguments.repository)
    repairing, again = arguments.repair, tuple[str, ...]()
    with _lock(arguments, context, repository) as lock:
        found = examined(
            repository,
            lock,
            sample=sample,
            repairing=repairing and not context.check,
            progress=context.progress,
            now=context.now,
            playbook=context.playbook,
        )
        if repairing and lock is not None:
            again = mended(repository, found.plan, lock)
    return Outcome(
        changed=repairing and bool(found.plan or again),
        result=CheckedRepository(
            repository=repository_config(context, arguments.repository).name,
            report=found.report,
            plan=found.plan,
            repairing=repairing,
            check=context.check,
            whole_again=again,
        ),
        warnings=lock.warnings if lock is not None else (),
        exit_code=ExitCode.DIFFERENCES if found.report.damaged else 0,
    )


@contextmanager
def _lock(arguments: CheckArguments, context: Context, repository: Repository) -> Iterator[Lock | None]:
    """The lock that it needs; None in check mode, which writes nothing."""
    if context.check:
        yield None
    elif arguments.repair:
        with exclusive_lock(context, repository, "repair", wait=arguments.lock_wait) as lock:
            yield lock
    else:
        with shared_lock(context, repository, "check", wait=arguments.lock_wait, reading=True) as lock:
            yield lock


def _sample(arguments: CheckArguments, context: Context) -> Sample | None:
    if arguments.read_data_subset is None:
        return None
    try:
        return Sample.parse(str(arguments.read_data_subset), context.now().date())
    except ValueError as error:
        raise InputError([Problem(path="check.read_data_subset", message=str(error))]) from error


ACTION = Action(
    name="check",
    does="Read a repository back and check all that is stored in it; damage is a failed task.",
    examples=({"repository": "local"}, {"repository": "offsite", "read_data_subset": "5%"}),
    arguments=CheckArguments,
    run=run,
)
