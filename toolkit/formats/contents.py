"""What an export holds, before it has any form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from msgspec import Struct

from toolkit.model.manifest import Manifest, SequenceEntry, StoredColumn
from toolkit.model.schema import Table

PIECE_BYTES = 1 << 20
"""About how many bytes of rows are made into text at once: values one by one take many times their size."""


class ExportedTable(Struct, kw_only=True):
    """A table of an export.

    Attributes:
        columns: those of its rows, in their order.
        table: what is known of the table itself.
        category: `business` or `device`.
        runs: gives its rows as COPY text, several whole rows at a time.
        at_most: no more bytes than so many come out of `runs`.
        rows: how many rows were given so far.
        size: their bytes.
    """

    columns: tuple[StoredColumn, ...]
    table: Table
    category: str
    runs: Callable[[], Iterator[bytes]]
    at_most: int
    rows: int = 0
    size: int = 0

    @property
    def name(self) -> str:
        """By which the table is known in the backup."""
        return self.table.name

    def read(self) -> Iterator[bytes]:
        """Give its rows and count them."""
        self.rows = self.size = 0
        for data in self.runs():
            self.rows += data.count(b"\n")
            self.size += len(data)
            yield from _pieces(data)


def _pieces(data: bytes) -> Iterator[bytes]:
    """Cut rows into runs of rows."""
    begin = 0
    while begin < len(data):
        end = data.find(b"\n", min(begin + PIECE_BYTES, len(data) - 1)) + 1
        yield data[begin:end]
        begin = end


class Contents(Struct, frozen=True, kw_only=True):
    """What is exported.

    Attributes:
        manifest: of the backup; its schema says how the tables hang together.
        tables: by their names.
        sequences: those that go with these tables.
        chosen: how the rows were chosen, in sentences.
        missing: what is not in the export, in sentences.
        warnings: what was said when rows were chosen.
    """

    manifest: Manifest
    tables: Sequence[ExportedTable]
    sequences: Sequence[SequenceEntry]
    chosen: Sequence[str] = ()
    missing: Sequence[str] = ()
    warnings: Sequence[str] = ()

    def table(self, name: str) -> ExportedTable:
        """Give the table of that name."""
        return next(each for each in self.tables if each.name == name)


class Target(Protocol):
    """Takes the files of an export."""

    def file(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Begin a file; a form that is one file has no name for it."""

    def called(self, name: str) -> str:
        """Give what the file is called where it is."""


class Form(Protocol):
    """Writes exports in one form."""

    def write(self, contents: Contents, target: Target) -> None:
        """Write all of it."""

    def remarks(self) -> Sequence[str]:
        """Give what is to be said of what was written."""
