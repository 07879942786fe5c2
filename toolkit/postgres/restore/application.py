"""Applies a plan: exactly its rows, parents before children, in batches that are retried from a savepoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import psycopg
from psycopg import sql

from toolkit.errors import DatabaseError
from toolkit.model.outcome import Progress
from toolkit.model.plan import Load
from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.connection import Connection
from toolkit.postgres.relation import Sql, columns, create_temporary, relation_of, scalar
from toolkit.postgres.restore.comparison import CHANGED, MISSING
from toolkit.postgres.restore.parking import Parking
from toolkit.postgres.restore.planner import Prepared
from toolkit.postgres.restore.source import Source
from toolkit.retries.policy import retrying

BLOCKS = 512
"""Blocks of a staging table that make a batch: 4 MiB of rows, as much as a chunk."""

CONTENTION = (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable)
"""What is retried from the savepoint before a batch, at most twice."""


class Application:
    """Carries out one prepared plan inside the transaction that prepared it."""

    def __init__(
        self,
        connection: Connection,
        *,
        schema: DatabaseSchema,
        prepared: Prepared,
        source: Source,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._prepared = prepared
        self._source = source
        self._progress = progress

    def apply(self) -> None:
        """Write and delete what the plan says.

        Rows are inserted before others are updated, so that those can point at them.

        Raises:
            DatabaseError: a statement touched another number of rows than the plan; the transaction must end.
        """
        self._connection.execute("SET CONSTRAINTS ALL DEFERRED")
        for parking in self._prepared.release.parkings:
            self._park(parking)
        if self._prepared.release.deletes_first:
            self._delete()
        for group in self._prepared.plan.order:
            self._insert(group)
            for name in group:
                self._update(name)
        if not self._prepared.release.deletes_first:
            self._delete()

    def _park(self, parking: Parking) -> None:
        """Let rows go of a value, and note where they are now: an update moves a row."""
        relation = relation_of(self._schema.name, self._schema.tables[parking.table])
        same = [each.rows for each in self._prepared.release.parkings if each.table == parking.table]
        noted = [self._prepared.differences[parking.table].lines, *same]
        if parking.table in self._prepared.deletions.ids:
            noted.append(self._prepared.deletions.ids[parking.table])
        moved = create_temporary(
            self._connection,
            f"moved_{self._prepared.release.parkings.index(parking)}",
            sql.SQL("SELECT x.*, NULL::tid AS new_row, NULL::oid AS new_part FROM {} x WHERE false").format(
                parking.rows
            ),
        )
        query = sql.SQL(
            "WITH parked AS (UPDATE {target} t SET {column} = {value} FROM {rows} x WHERE {same}"
            " RETURNING x.*, t.ctid AS new_row, t.tableoid AS new_part) INSERT INTO {moved} SELECT * FROM parked"
        ).format(
            target=relation.source,
            column=sql.Identifier(parking.column),
            value=parking.value,
            rows=parking.rows,
            same=relation.same("t", "x"),
            moved=moved,
        )
        self._expect(parking.table, self._batch(query), parking.count)
        for ids in noted:
            part = sql.SQL(", part_id = m.new_part" if relation.partitioned else "")
            self._connection.execute(
                sql.SQL("UPDATE {} d SET row_id = m.new_row{} FROM {} m WHERE {}").format(
                    ids, part, moved, relation.same_ids("d", "m")
                )
            )

    def _insert(self, group: tuple[str, ...]) -> None:
        """Insert the missing rows of one table, or of several that point at one another."""
        plans = self._prepared.plan.tables
        names = [name for name in group if name in plans and plans[name].inserts]
        if not names:
            return
        self._progress.note(names[0])
        if plans[names[0]].load is Load.COPY:
            self._progress.advance(rows=self._source.copy_into_target(names[0]))
            return
        whole = sql.SQL("true")
        if len(names) > 1:
            self._together({name: self._insert_statement(name, whole) for name in names}, "inserts")
            return
        # rows that point at rows of the same table are inserted in one batch, so that their parents come with them
        name = names[0]
        own = any(key.parent == name for key in self._schema.tables[name].foreign_keys)
        batches = [whole] if own else self._bounds(name)
        written = sum(self._batch(self._insert_statement(name, bounds)) for bounds in batches)
        self._expect(name, written, plans[name].inserts)
        self._progress.advance(rows=written)

    def _update(self, name: str) -> None:
        plan = self._prepared.plan.tables.get(name)
        if plan is not None and plan.updates:
            written = sum(self._batch(self._update_statement(name, bounds)) for bounds in self._bounds(name))
            self._expect(name, written, plan.updates)
            self._progress.advance(rows=written)

    def _together(self, statements: Mapping[str, Sql], what: str) -> None:
        """Write several tables on a cycle in one statement: their foreign keys are checked at its end."""
        parts = [
            sql.SQL("{} AS ({} RETURNING 1)").format(sql.Identifier(f"w{number}"), statement)
            for number, statement in enumerate(statements.values())
        ]
        counts = [sql.SQL("(SELECT count(*) FROM {})").format(sql.Identifier(f"w{n}")) for n in range(len(parts))]
        with self._connection.transaction():
            query = sql.SQL("WITH {} SELECT {}").format(sql.SQL(", ").join(parts), sql.SQL(", ").join(counts))
            found = self._connection.execute(query).fetchone() or ()
        for name, rows in zip(statements, found, strict=True):
            self._expect(name, rows, getattr(self._prepared.plan.tables[name], what))
            self._progress.advance(rows=rows)

    def _bounds(self, name: str) -> Iterator[Sql]:
        """Conditions on staged rows (alias `s`) that cut them into batches."""
        staged = self._source.staged(name)
        blocks = scalar(
            self._connection,
            sql.SQL("SELECT pg_relation_size({}::regclass) / 8192").format(
                sql.Literal(staged.table.as_string(self._connection))
            ),
        )
        for start in range(0, blocks, BLOCKS):
            yield sql.SQL("s.ctid >= {}::tid AND s.ctid < {}::tid").format(
                sql.Literal(f"({start},0)"), sql.Literal(f"({start + BLOCKS},0)")
            )

    def _insert_statement(self, name: str, bounds: Sql) -> Sql:
        staged = self._source.staged(name)
        names = (*staged.names, *staged.added)
        return sql.SQL(
            "INSERT INTO {target} ({names}) OVERRIDING SYSTEM VALUE SELECT {values} FROM {stage} s"
            " JOIN {lines} d ON d.stage_id = s.ctid WHERE d.action = {action} AND {bounds}"
        ).format(
            target=sql.Identifier(self._schema.name, name),
            names=sql.SQL(", ").join(map(sql.Identifier, names)),
            values=columns("s", names),
            stage=staged.table,
            lines=self._prepared.differences[name].lines,
            action=sql.Literal(MISSING),
            bounds=bounds,
        )

    def _update_statement(self, name: str, bounds: Sql) -> Sql:
        staged = self._source.staged(name)
        table = self._schema.tables[name]
        relation = relation_of(self._schema.name, table)
        writable = [column for column in staged.names if table.column(column).identity != "always"]
        return sql.SQL(
            "UPDATE {target} t SET {changes} FROM {stage} s JOIN {lines} d ON d.stage_id = s.ctid"
            " WHERE {same} AND d.action = {action} AND {bounds}"
        ).format(
            target=relation.source,
            changes=sql.SQL(", ").join(
                sql.SQL("{} = s.{}").format(sql.Identifier(column), sql.Identifier(column)) for column in writable
            ),
            stage=staged.table,
            lines=self._prepared.differences[name].lines,
            same=relation.same("t", "d"),
            action=sql.Literal(CHANGED),
            bounds=bounds,
        )

    def _delete(self) -> None:
        """Release references from outside the scope, then delete children before parents."""
        for release in self._prepared.deletions.releases:
            relation = relation_of(self._schema.name, self._schema.tables[release.table])
            query = sql.SQL("UPDATE {} t SET {} WHERE {}").format(
                relation.source,
                sql.SQL(", ").join(sql.SQL("{} = NULL").format(sql.Identifier(name)) for name in release.columns),
                release.condition,
            )
            self._expect(release.table, self._batch(query), release.rows)
        counts = self._prepared.deletions.counts
        for group in reversed(self._prepared.plan.order):
            names = [name for name in group if counts.get(name)]
            if len(names) > 1:
                self._together({name: self._delete_statement(name) for name in names}, "deletes")
            elif names:
                self._progress.note(names[0])
                self._expect(names[0], self._batch(self._delete_statement(names[0])), counts[names[0]])
                self._progress.advance(rows=counts[names[0]])

    def _delete_statement(self, name: str) -> Sql:
        relation = relation_of(self._schema.name, self._schema.tables[name])
        return sql.SQL("DELETE FROM {} t USING {} x WHERE {}").format(
            relation.source, self._prepared.deletions.ids[name], relation.same("t", "x")
        )

    def _batch(self, statement: Sql) -> int:
        """Run a statement behind a savepoint, again when other sessions stood in its way; gives the rows it touched."""

        def attempt() -> int:
            with self._connection.transaction():
                return self._connection.execute(statement).rowcount

        run: Callable[[Callable[[], int]], int] = retrying(CONTENTION, attempts=3, seconds=60)
        return run(attempt)

    def _expect(self, name: str, found: int, planned: int) -> None:
        if found != planned:
            raise DatabaseError(
                f"table {name}: {found} rows were written where the plan has {planned}; everything is rolled back",
                hint="a trigger or rule of the table interferes; run again with --debug and report it if it persists",
            )
