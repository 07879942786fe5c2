"""Staged rows: a backup's tables as temporary tables of the target, with the target's own column types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from psycopg import sql

from toolkit.model.manifest import TableEntry
from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.connection import Connection
from toolkit.postgres.relation import Relation, Sql, columns
from toolkit.postgres.rows import write_rows

RowsOf = Callable[[TableEntry], Iterator[bytes]]
"""Gives the rows of a table of the backup, chunk by chunk, each checked against its SHA-256."""


@dataclass(frozen=True, slots=True)
class Staged:
    """One staged table."""

    table: Sql
    names: tuple[str, ...]

    @property
    def relation(self) -> Relation:
        """The staged rows, to be selected from like any table."""
        return Relation(self.table)


class Staging:
    """Loads tables of a backup once each, on demand."""

    def __init__(
        self, connection: Connection, schema: DatabaseSchema, entries: Mapping[str, TableEntry], rows_of: RowsOf
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._entries = entries
        self._rows_of = rows_of
        self._staged: dict[str, Staged] = {}

    def staged(self, name: str) -> Staged:
        """The staged table of that name, loaded when it is first asked for."""
        if name not in self._staged:
            self._staged[name] = self._load(self._entries[name])
        return self._staged[name]

    def copy_into_target(self, name: str) -> int:
        """Load a table's rows straight into the (empty) target table; gives how many."""
        entry = self._entries[name]
        target = sql.SQL("{}").format(sql.Identifier(self._schema.name, name))
        write_rows(self._connection, target, (column.name for column in entry.columns), self._rows_of(entry))
        return entry.rows

    def _load(self, entry: TableEntry) -> Staged:
        names = tuple(column.name for column in entry.columns)
        name = f"stage_{len(self._staged)}"
        self._connection.execute(
            sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} t WITH NO DATA").format(
                sql.Identifier(name), columns("t", names), sql.Identifier(self._schema.name, entry.name)
            )
        )
        table = sql.SQL("{}").format(sql.Identifier("pg_temp", name))
        if entry.rows:
            write_rows(self._connection, table, names, self._rows_of(entry))
        self._connection.execute(sql.SQL("ANALYZE {}").format(table))
        return Staged(table, names)
