"""Finding the backup a task means."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.actions.arguments import BackupFilter
from toolkit.actions.context import Context
from toolkit.errors import InputError, PlaybackError, RefusedError
from toolkit.model.manifest import Manifest
from toolkit.planning.choice import LATEST, Criteria, choose, may_be_meant
from toolkit.storage.repository import Repository

_TIME = len("20261120T020000Z")


def backup_of(context: Context, repository: Repository, choice: str | BackupFilter) -> Manifest:
    """Give the manifest of the backup that `latest`, a label or a mapping means.

    Raises:
        InputError: there is none, or it cannot be told which.
        RefusedError: the newest may be one whose manifest cannot be read or is gone, or is dated in the future.
    """
    if isinstance(choice, str) and choice != LATEST:
        return repository.manifest(choice)
    wanted = Criteria() if isinstance(choice, str) else choice.criteria
    found, host = repository.manifests(), context.host.name
    suspects = {
        label: error
        for label, error in found.unreadable.items()
        if may_be_meant(repository.published(label), wanted, host=host)
    }
    try:
        chosen = choose(found.manifests.values(), wanted, host=host, now=context.now())
    except InputError:
        _refuse(suspects)
        raise
    # labels begin with the time
    _refuse({label: error for label, error in suspects.items() if label[:_TIME] >= chosen.metadata.label[:_TIME]})
    return chosen


def _refuse(suspects: Mapping[str, PlaybackError]) -> None:
    if suspects:
        raise RefusedError(
            "the newest of the backups that are meant may be one that cannot be read",
            [error.message for error in suspects.values()],
            hint="name the backup you want by its label; `invoke check --repository R --repair` takes away what is"
            " damaged or gone",
        )
