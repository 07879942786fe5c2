"""Finding the backup a task means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from toolkit.actions.arguments import BackupFilter
from toolkit.actions.context import Context
from toolkit.errors import InputError, PlaybackError, RefusedError
from toolkit.model.manifest import Manifest
from toolkit.model.published import published_of
from toolkit.planning.choice import LATEST, Criteria, choose, may_be_meant
from toolkit.storage.repository import Repository, vanished_error

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
    found = _Choosing(repository, wanted, host=context.host.name)
    try:
        chosen = found.chosen(context.now())
    except InputError:
        found.read_all()
        _refuse(found.suspects())
        raise
    # labels begin with the time
    suspects = found.suspects().items()
    _refuse({label: error for label, error in suspects if label[:_TIME] >= chosen.metadata.label[:_TIME]})
    return chosen


class _Choosing:
    """Finds the backup that is meant by the notes beside the manifests; only the one that is chosen is read.

    A note counts until the manifest has been read, which says itself what it is.
    """

    def __init__(self, repository: Repository, wanted: Criteria, *, host: str) -> None:
        self._repository, self._wanted, self._host = repository, wanted, host
        self._notes = repository.all_published(repository.labels())
        self._read: dict[str, Manifest] = {}
        self._unreadable: dict[str, PlaybackError] = {
            label: vanished_error(label, repository.place) for label in repository.vanished()
        }
        self._read_these([label for label, note in self._notes.items() if note is None])

    def chosen(self, now: datetime) -> Manifest:
        """Give the manifest of the newest one that can be read. Raises as `choose`."""
        while True:
            known = {label: note for label, note in self._notes.items() if note and label not in self._unreadable}
            label = choose(known, self._wanted, host=self._host, now=now)
            if label in self._read:
                return self._read[label]
            self._read_these([label])

    def read_all(self) -> None:
        """Read every one that may be meant."""
        unread = {label: note for label, note in self._notes.items() if label not in self._read}
        self._read_these([each for each, note in unread.items() if may_be_meant(note, self._wanted, host=self._host)])

    def suspects(self) -> dict[str, PlaybackError]:
        """Give why those cannot be read that may be meant."""
        lost = self._unreadable.items()
        notes = self._notes | self._repository.all_published(self._unreadable.keys() - self._notes.keys())
        return {label: error for label, error in lost if may_be_meant(notes[label], self._wanted, host=self._host)}

    def _read_these(self, labels: Iterable[str]) -> None:
        for label, result in self._repository.each(labels, lambda manifest: manifest):
            if isinstance(result, PlaybackError):
                self._unreadable[label] = result
            else:
                self._read[label] = result
                self._notes[label] = published_of(result)


def _refuse(suspects: Mapping[str, PlaybackError]) -> None:
    if suspects:
        raise RefusedError(
            "the newest of the backups that are meant may be one that cannot be read",
            [error.message for error in suspects.values()],
            hint="name the backup you want by its label; `invoke check --repository R --repair` takes away what is"
            " damaged or gone",
        )
