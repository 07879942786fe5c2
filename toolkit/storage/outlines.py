"""What lists say of all backups of a repository, without what their manifests say of tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from toolkit.errors import PlaybackError
from toolkit.model.outline import Outline
from toolkit.storage import manifest_file
from toolkit.storage.layout import BACKUPS, label_of, manifest_name
from toolkit.storage.prefetch import prefetch
from toolkit.storage.remembered import Remembered
from toolkit.storage.repository import Repository, vanished_error


class Outlines(Struct, frozen=True, kw_only=True):
    """All backups of a repository.

    Attributes:
        outlines: label → outline of those that can be read, by label.
        unreadable: label → what is wrong, of those that cannot.
    """

    outlines: Mapping[str, Outline]
    unreadable: Mapping[str, PlaybackError]


def read_outlines(repository: Repository, *, memory: Path | None = None) -> Outlines:
    """Give the outlines of all backups; one that cannot be read, or that has vanished, is reported beside the others.

    Args:
        memory: where what was read is remembered, so that each manifest is read once; None for nowhere.

    Raises:
        StorageError: they cannot be listed.
    """
    unreadable: dict[str, PlaybackError] = {}

    def read(names: Iterable[str]) -> Iterator[tuple[str, Outline]]:
        workers = repository.store.parallel
        each = prefetch(
            names, lambda name: _read(repository, name), size=lambda _: 1, workers=workers, in_flight=2 * workers
        )
        for name, found in each:
            if isinstance(found, Outline):
                yield name, found
            else:
                unreadable[label_of(name) or name] = found

    labels = {label: stored for stored in repository.store.list(BACKUPS) if (label := label_of(stored.name))}
    known = Remembered(memory, repository, "outlines-1", Outline).read(list(labels.values()), read)
    unreadable.update((label, vanished_error(label, repository.place)) for label in repository.vanished(labels))
    outlines = {label: known[name] for label in sorted(labels) if (name := manifest_name(label)) in known}
    return Outlines(outlines=outlines, unreadable=unreadable)


def _read(repository: Repository, name: str) -> tuple[str, Outline | PlaybackError]:
    try:
        data = repository.store.get(name, limit=manifest_file.LIMIT)
        return name, manifest_file.outline(data, label=label_of(name) or "", file=f"{repository.place}/{name}")
    except PlaybackError as error:
        return name, error
