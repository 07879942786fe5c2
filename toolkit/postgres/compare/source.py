"""The backup that is restored: its manifest, and its rows as stored or as changed on stage.

Staged rows are temporary tables of the target, with the target's own column types. Whoever changes them (a business
picked out of a wider backup, rows that follow another device) leaves behind a backup like any other, but for the chunks
of its rows, which nobody knows: such tables are compared row by row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
import psycopg
from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.manifest import Manifest, TableEntry
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.relation import Relation, Sql
from toolkit.postgres.schema.row_sources import Temporary
from toolkit.postgres.schema.rows import write_rows
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.session.connection import first_line

RowsOf = Callable[[TableEntry], Iterator[bytes]]
"""Gives the rows of a table of the backup, chunk by chunk, each checked against its SHA-256."""


@dataclass(frozen=True, slots=True)
class Staged:
    """One staged table.

    Attributes:
        names: the columns that the backup has values of.
        bytes: of its rows as they were stored.
        added: further columns, whose values only rows that are inserted get.
    """

    table: Temporary
    names: tuple[str, ...]
    bytes: int
    added: tuple[str, ...] = ()

    @property
    def relation(self) -> Relation:
        """The staged rows, to be selected from like any table."""
        return Relation(self.table, rows=self.table.rows, bytes=self.bytes)


class Source:
    """Loads tables of a backup on stage once each, on demand, and lets them be changed there.

    Attributes:
        rows_of: gives the stored rows of a table.
        entries: the tables of the backup that the target has, by name; what they say is true of the rows as they are
            after `settle`.
    """

    def __init__(self, workspace: Workspace, manifest: Manifest, rows_of: RowsOf) -> None:
        self._workspace = workspace
        self._connection = workspace.connection
        self._schema = workspace.schema
        self.rows_of = rows_of
        self._staged: dict[str, Staged] = {}
        self._edited: set[str] = set()
        self.manifest = manifest
        self.entries = {entry.name: entry for entry in manifest.tables if entry.name in self._schema.tables}

    def staged(self, name: str) -> Staged:
        """Give the staged table of that name, loaded when it is first asked for."""
        if name not in self._staged:
            self._staged[name] = self._load(self.entries[name])
        return self._staged[name]

    def add(self, entry: TableEntry) -> None:
        """Begin a table that the backup does not have; it is empty until it is edited."""
        self.entries[entry.name] = entry

    def begin(self, name: str, *, added: tuple[str, ...]) -> Staged:
        """Give an empty stage for a table whose rows are not loaded as they were stored, but made by the caller."""
        entry = self.entries[name]
        names = tuple(column.name for column in entry.columns)
        self._staged[name] = Staged(self._workspace.create("stage", name), names, entry.bytes, added)
        self._edited.add(name)
        return self._staged[name]

    def edit(self, name: str, statement: Sql) -> int:
        """Change staged rows of one table by a statement; gives how many rows it touched."""
        table = self.staged(name).table
        done = self._connection.execute(statement)
        if done.rowcount:
            self._edited.add(name)
            sign = {"DELETE": -1, "INSERT": 1}.get((done.statusmessage or "").partition(" ")[0], 0)
            self._workspace.grew(table, sign * done.rowcount)
        return done.rowcount

    def edited(self, name: str) -> bool:
        """Tell whether the rows of a table are no longer those that were stored."""
        return name in self._edited

    def settle(self) -> None:
        """Say in the manifest how many rows the tables have that were changed."""
        for name in self._edited:
            rows = self.staged(name).table.rows
            self.entries[name] = msgspec.structs.replace(self.entries[name], rows=rows, digest="", chunks=())
        if self._edited:
            tables = tuple(self.entries.get(entry.name, entry) for entry in self.manifest.tables)
            self.manifest = msgspec.structs.replace(self.manifest, tables=tables)

    def copy_into_target(self, name: str) -> int:
        """Load a table's stored rows straight into the (empty) target table; gives how many."""
        entry = self.entries[name]
        target = sql.SQL("{}").format(identifier(self._schema.schemas, name))
        write_rows(self._connection, target, (column.name for column in entry.columns), self.rows_of(entry))
        return entry.rows

    @contextmanager
    def computing(self, name: str) -> Iterator[None]:
        """Say of which table the block puts rows on stage when one of its generated columns cannot be computed.

        Raises:
            RefusedError: the server cannot compute it for some row; nothing was changed.
        """
        generated = [column.name for column in self._schema.tables[name].columns if column.generated == "stored"]
        try:
            yield
        except (psycopg.DataError, psycopg.errors.RaiseException) as error:
            if not generated:
                raise
            row = re.search(r"^COPY .*, line (\d+)", error.diag.context or "", re.MULTILINE)
            which = f"row {row[1]} of the backup" if row else "some row of the backup"
            raise RefusedError(
                f"table {name} of the target cannot hold the rows of the backup",
                (f"generated columns {', '.join(generated)} cannot be computed for {which}: {first_line(error)}",),
                hint="correct that row where the backup was made, or the column on the target; nothing was changed",
            ) from error

    def _load(self, entry: TableEntry) -> Staged:
        names = tuple(column.name for column in entry.columns)
        table = self._workspace.create("stage", entry.name)
        if entry.rows:
            with self.computing(entry.name):
                write_rows(self._connection, table, names, self.rows_of(entry))
            self._workspace.grew(table, entry.rows)
        return Staged(table, names, entry.bytes)
