"""A backup as one of two sides that are compared: its chunks are read when their rows are asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import partial

from msgspec import structs

from toolkit.model.manifest import Chunk, Manifest, TableEntry
from toolkit.planning.difference.side import Piece
from toolkit.storage.backup_reader import BackupReader


def without_chunks(manifest: Manifest, shared: Collection[str]) -> Manifest:
    """Give a manifest of whose chunks some are not there, so that nobody reads them ahead."""

    def left(chunks: Iterable[Chunk]) -> tuple[Chunk, ...]:
        return tuple(chunk for chunk in chunks if chunk.id not in shared)

    tables = (
        structs.replace(
            entry,
            chunks=left(entry.chunks),
            support=tuple(structs.replace(each, chunks=left(each.chunks)) for each in entry.support),
        )
        for entry in manifest.tables
    )
    return structs.replace(manifest, tables=tuple(tables))


class BackupPieces:
    """Gives the rows of a backup, and counts the chunks that were read.

    Attributes:
        read: the ids of the chunks that were read.
    """

    def __init__(self, manifest: Manifest, reader: BackupReader) -> None:
        self._manifest = manifest
        self._reader = reader
        self.read = set[str]()

    def rows_of(self, entry: TableEntry) -> Iterator[bytes]:
        """Give all rows of a table."""
        for chunk, data in zip(entry.chunks, self._reader.rows_of(entry), strict=True):
            self.read.add(chunk.id)
            yield data

    def pieces(self, table: str, shared: Collection[str] = frozenset()) -> Iterator[Piece]:
        """Give the chunks of a table.

        Args:
            shared: the ids of those that will hardly be asked for: the others are read ahead.
        """
        entry = self._manifest.table(table)
        if entry is None:
            return
        ahead = _Ahead(self, entry, [chunk for chunk in entry.chunks if chunk.id not in shared])
        for chunk in entry.chunks:
            yield Piece(id=chunk.id, rows=chunk.rows, first=chunk.first, load=partial(ahead.load, chunk))


class _Ahead:
    """Reads chunks in the order in which they are probably asked for, and others by themselves."""

    def __init__(self, pieces: BackupPieces, entry: TableEntry, chunks: list[Chunk]) -> None:
        self._pieces = pieces
        self._entry = entry
        self._expected = chunks
        self._next = 0
        self._rows: Iterator[bytes] | None = None

    def load(self, chunk: Chunk) -> bytes:
        if self._next < len(self._expected) and self._expected[self._next] is chunk:
            self._rows = self._rows or self._pieces.rows_of(structs.replace(self._entry, chunks=tuple(self._expected)))
            self._next += 1
            return next(self._rows)
        (data,) = self._pieces.rows_of(structs.replace(self._entry, chunks=(chunk,)))
        return data
