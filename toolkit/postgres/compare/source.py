"""The backup that is restored: its manifest, and its rows as stored or as changed on stage.

Staged rows are temporary tables of the target, with the target's own column types. Whoever changes them (a business
picked out of a wider backup, rows that follow another device) leaves behind a backup like any other: the rows' chunks
and digests are worked out anew, so that planning, applying and proving need not know.
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
from toolkit.model.manifest import Chunk, Manifest, TableEntry, chunk_id, table_digest
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.chunking import chunks
from toolkit.postgres.schema.relation import Relation, Sql
from toolkit.postgres.schema.rows import read_rows, write_rows
from toolkit.postgres.session.connection import Connection, first_line

RowsOf = Callable[[TableEntry], Iterator[bytes]]
"""Gives the rows of a table of the backup, chunk by chunk, each checked against its SHA-256."""


@dataclass(frozen=True, slots=True)
class Staged:
    """One staged table.

    Attributes:
        names: the columns that the backup has values of.
        added: further columns, whose values only rows that are inserted get.
    """

    table: Sql
    names: tuple[str, ...]
    added: tuple[str, ...] = ()

    @property
    def relation(self) -> Relation:
        """The staged rows, to be selected from like any table."""
        return Relation(self.table)


class Source:
    """Loads tables of a backup on stage once each, on demand, and lets them be changed there.

    Attributes:
        entries: the tables of the backup that the target has, by name; what they say is true of the rows as they are
            after `settle`.
    """

    def __init__(self, connection: Connection, manifest: Manifest, schema: DatabaseSchema, rows_of: RowsOf) -> None:
        self._connection = connection
        self._schema = schema
        self._rows_of = rows_of
        self._staged: dict[str, Staged] = {}
        self._edited: set[str] = set()
        self.manifest = manifest
        self.entries = {entry.name: entry for entry in manifest.tables if entry.name in schema.tables}

    def staged(self, name: str) -> Staged:
        """The staged table of that name, loaded when it is first asked for."""
        if name not in self._staged:
            self._staged[name] = self._load(self.entries[name])
        return self._staged[name]

    def add(self, entry: TableEntry) -> None:
        """Begin a table that the backup does not have; it is empty until it is edited."""
        self.entries[entry.name] = entry

    def begin(self, name: str, *, added: tuple[str, ...]) -> Staged:
        """An empty stage for a table whose rows are not loaded as they were stored, but made by the caller."""
        self._create(f"stage_{len(self._staged)}", name)
        table = sql.SQL("{}").format(sql.Identifier("pg_temp", f"stage_{len(self._staged)}"))
        names = tuple(column.name for column in self.entries[name].columns)
        self._staged[name] = Staged(table, names, added)
        self._edited.add(name)
        return self._staged[name]

    def edit(self, name: str, statement: Sql) -> int:
        """Change staged rows of one table by a statement; gives how many rows it touched."""
        self.staged(name)
        rows = self._connection.execute(statement).rowcount
        if rows:
            self._edited.add(name)
        return rows

    def edited(self, name: str) -> bool:
        """Whether the rows of a table are no longer those that were stored."""
        return name in self._edited

    def settle(self) -> None:
        """Work out anew what the manifest says of the tables that were changed."""
        for name in self._edited:
            self.entries[name] = self._described(self.entries[name])
        if self._edited:
            tables = tuple(self.entries.get(entry.name, entry) for entry in self.manifest.tables)
            self.manifest = msgspec.structs.replace(self.manifest, tables=tables)

    def copy_into_target(self, name: str) -> int:
        """Load a table's stored rows straight into the (empty) target table; gives how many."""
        entry = self.entries[name]
        target = sql.SQL("{}").format(sql.Identifier(self._schema.name, name))
        write_rows(self._connection, target, (column.name for column in entry.columns), self._rows_of(entry))
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
        name = f"stage_{len(self._staged)}"
        self._create(name, entry.name)
        table = sql.SQL("{}").format(sql.Identifier("pg_temp", name))
        if entry.rows:
            with self.computing(entry.name):
                write_rows(self._connection, table, names, self._rows_of(entry))
        self._connection.execute(sql.SQL("ANALYZE {}").format(table))
        return Staged(table, names)

    def _create(self, name: str, like: str) -> None:
        """An empty temporary table with the columns of a target table, generated ones included, and no constraints."""
        self._connection.execute(
            sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING GENERATED)").format(
                sql.Identifier(name), sql.Identifier(self._schema.name, like)
            )
        )
        required = [column.name for column in self._schema.tables[like].columns if not column.nullable]
        if required:
            optional = (sql.SQL("ALTER {} DROP NOT NULL").format(sql.Identifier(column)) for column in required)
            self._connection.execute(
                sql.SQL("ALTER TABLE {} {}").format(sql.Identifier("pg_temp", name), sql.SQL(", ").join(optional))
            )

    def _described(self, entry: TableEntry) -> TableEntry:
        """The entry of a table with the chunks that its staged rows make; they are stored nowhere."""
        self._connection.execute(sql.SQL("ANALYZE {}").format(self.staged(entry.name).table))
        rows = read_rows(self._connection, self._schema.tables[entry.name], self.staged(entry.name).relation, None)
        made = tuple(
            Chunk(id=chunk_id(raw.data), rows=raw.rows, raw=len(raw.data), stored=0, first=(), last=())
            for raw in chunks(rows)
        )
        return msgspec.structs.replace(
            entry,
            rows=sum(chunk.rows for chunk in made),
            bytes=sum(chunk.raw for chunk in made),
            digest=table_digest([chunk.id for chunk in made]),
            chunks=made,
        )
