"""`unlock`: locks of runs that have died are taken off a repository."""

from __future__ import annotations

from typing import Annotated

from toolkit.actions.action import Action
from toolkit.actions.arguments import Arguments, Names, RepositoryName, about, names
from toolkit.actions.context import Context
from toolkit.actions.targets import repository_config, repository_of
from toolkit.model.outcome import Outcome
from toolkit.model.result import Unlocked
from toolkit.storage.unlocking import doomed, found_locks, remove


class UnlockArguments(Arguments, frozen=True, kw_only=True):
    """Of which repository, and which locks beside those that no longer count."""

    repository: RepositoryName = ""
    remove: Annotated[
        Names,
        about(
            "Remove the locks of these ids as well, although their runs may still be alive: only where somebody knows"
            " that they have died. One that is gone already is no mistake.",
            "5f0c6bd2a5f54f0bb4a6a0a4cf1f3a3e",
        ),
    ] = ()
    force: Annotated[
        bool, about("Remove all locks of the repository, although their runs may still be alive.", False)
    ] = False


def run(arguments: UnlockArguments, context: Context) -> Outcome:
    """Remove the locks that no longer count, and those that are named.

    Raises:
        InputError: there is no such repository.
        StorageError: locks cannot be listed or removed.
    """
    repository, named = repository_of(context, arguments.repository), names(arguments.remove)
    locks = doomed(found_locks(repository), named=named, force=arguments.force)
    if not context.check:
        remove(repository, locks)
    known = [each.id for each in locks]
    return Outcome(
        changed=any(each.removed for each in locks),
        result=Unlocked(
            repository=repository_config(context, arguments.repository).name,
            locks=locks,
            check=context.check,
            absent=[each for each in named if each not in known],
        ),
    )


ACTION = Action(
    name="unlock",
    does="Take locks of runs that have died off a repository.",
    examples=({"repository": "local"}, {"repository": "offsite", "remove": "5f0c6bd2a5f54f0bb4a6a0a4cf1f3a3e"}),
    arguments=UnlockArguments,
    run=run,
)
