"""The proof of rows that were loaded into new tables: they are read back as they lie, and compared by chunks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing

from psycopg import sql

from toolkit.model.plan import Load, TablePlan
from toolkit.planning.as_stored import AsStored
from toolkit.postgres.compare.comparison import equal_chunks
from toolkit.postgres.restore.ready import Ready
from toolkit.postgres.restore.refusals import unproven
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.relation import Sql, row_text
from toolkit.postgres.schema.rows import read_copies, rows_query
from toolkit.postgres.session.connection import Connection

Batch = tuple[int, list[memoryview]]


class ReadBack:
    """Compares tables with the backup; may be called from several threads, each with a session of its own.

    Args:
        staged: tables whose rows were changed on stage, which remain to be proven.
        watched: passes rows on for as long as they are wanted.
    """

    def __init__(
        self, ready: Ready, staged: Sequence[TablePlan], *, watched: Callable[[Iterable[Batch]], Iterator[Batch]]
    ) -> None:
        self._ready = ready
        self._schema = ready.survey.schema
        self._source = ready.source
        self._relations = ready.survey.workspace.relations
        self._watched = watched
        self._lock = threading.Lock()
        self._unproven = list(staged)

    def compare(self, connection: Connection, tables: Sequence[TablePlan]) -> None:
        """Compare tables with the backup by their chunks, as they lie; one that differs remains to be proven."""
        alike = [table for table in tables if self._lies_in_order(table.table)]
        entries = [self._source.entries[table.table] for table in alike]
        chunks = [AsStored(entry.chunks) for entry in entries]
        queries = [
            rows_query(self._schema.tables[each.name], self._relations[each.name], None, ordered=False)
            for each in entries
        ]
        if queries:
            with closing(read_copies(connection, queries)) as batches:
                for place, rows in self._watched(batches):
                    chunks[place].add(rows)
        proven = {table.table for table, found in zip(alike, chunks, strict=True) if found.all}
        # the rows of partitions come in an order of their own
        parted = [
            each for each in tables if self._schema.tables[each.table].partitioned and self.is_as_stored(each.table)
        ]
        proven.update(each.table for each in parted if self._is_stored(connection, each))
        with self._lock:
            self._unproven.extend(table for table in tables if table.table not in proven)

    def _lies_in_order(self, name: str) -> bool:
        return self.is_as_stored(name) and not self._schema.tables[name].partitioned

    def is_as_stored(self, name: str) -> bool:
        """Whether a table has the very columns of the backup, so that its rows are the text that was stored."""
        declared = self._schema.tables[name].stored_columns
        stored = self._source.entries[name].columns
        return [(each.name, each.type) for each in declared] == [(each.name, each.type) for each in stored]

    def prove(self, connection: Connection, *, staged: bool) -> None:
        """Compare the tables that remain: with what is staged by count and sums of hashes, or once more in key order.

        Args:
            staged: the backup's rows are, or can be, on stage.

        Raises:
            DatabaseError: they differ.
        """
        failures = []
        for table in self._unproven:
            if not (self._is_staged(connection, table) if staged else self._is_stored(connection, table)):
                failures.append(f"{table.table}: its rows are not what the backup has")
        if failures:
            raise unproven(failures)

    def _is_stored(self, connection: Connection, table: TablePlan) -> bool:
        """Whether a table has the rows of the backup, in whatever order they lie."""
        name = table.table
        relation, entry = self._relations[name], self._source.entries[name]
        return equal_chunks(connection, self._schema.tables[name], relation, None, entry)

    def _is_staged(self, connection: Connection, table: TablePlan) -> bool:
        staged = self._source.staged(table.table)
        stage: Sql = sql.SQL("{} s").format(staged.table)
        if table.load is not Load.COPY:
            stage = self._ready.prepared.comparison.written(table.table)
        wanted = _digest(self._ready.connection, stage, row_text("s", staged.names))
        found = sql.SQL("{} t").format(identifier(self._schema.schemas, table.table))
        return _digest(connection, found, row_text("t", staged.names)) == wanted


def _digest(connection: Connection, rows: Sql, line: Sql) -> tuple[object, ...] | None:
    query = sql.SQL(
        "SELECT count(*), sum(hashtextextended(q.line, 0)), sum(hashtextextended(q.line, 1)) FROM (SELECT {} AS line"
        " FROM {}) q"
    )
    return connection.execute(query.format(line, rows)).fetchone()
