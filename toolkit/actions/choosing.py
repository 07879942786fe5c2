"""Finding the backup a task means, and reading its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from toolkit.actions.context import Context
from toolkit.model.manifest import Manifest, TableEntry
from toolkit.model.outcome import Progress
from toolkit.planning.choice import choose
from toolkit.storage.chunks import ChunkReader
from toolkit.storage.repository import Repository


def backup_of(context: Context, repository: Repository, wanted: Any) -> Manifest:
    """The manifest of the backup that `latest`, a label or a mapping means.

    A backup whose manifest cannot be read is an error only where a label names it.
    """
    wanted = wanted or "latest"
    if isinstance(wanted, str) and wanted != "latest":
        return repository.manifest(wanted)
    return choose(repository.manifests().manifests.values(), wanted, host=context.host.name)


def rows_reader(repository: Repository, label: str) -> Callable[[TableEntry], Iterator[bytes]]:
    """Gives the rows of a table chunk by chunk, each checked against its SHA-256 and what the manifest says of it."""

    def rows_of(entry: TableEntry) -> Iterator[bytes]:
        return ChunkReader(repository, label=label, table=entry).read_all(entry.chunks)

    return rows_of


def check_chunks(repository: Repository, manifest: Manifest, progress: Progress) -> None:
    """Read every chunk of a backup and check it.

    Raises:
        DamageError: a chunk is missing or is not what was written; it is named.
    """
    label = manifest.metadata.label
    progress.start("check", rows=manifest.metadata.stats.total_records, bytes=manifest.metadata.stats.uncompressed_size)
    rows_of = rows_reader(repository, label)
    for entry in manifest.tables:
        progress.note(entry.name)
        for data in rows_of(entry):
            progress.advance(bytes=len(data))
        progress.advance(rows=entry.rows)
