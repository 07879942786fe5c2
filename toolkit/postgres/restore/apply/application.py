"""Applies a plan: exactly its rows, parents before children, unit by unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import psycopg
from psycopg import sql

from toolkit.model.outcome import Progress
from toolkit.model.plan import Load
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import Action
from toolkit.postgres.restore.apply.writing import WHOLE, Part, Statements, returning
from toolkit.postgres.restore.plan.parking import Parking, park
from toolkit.postgres.restore.ready import Ready
from toolkit.postgres.schema.relation import Sql, relation_of, row_text
from toolkit.postgres.write import batches
from toolkit.postgres.write.batches import (
    BLOCK_BYTES,
    REFUSALS,
    BadRowsError,
    Batch,
    UnexpectedCountError,
    Unit,
    by_row,
    described,
    refused_rows,
)

Work = tuple[str, str, Batch]
"""Rows to be written: of which table, whether inserted or updated, and which of them."""


class Application:
    """Carries out one prepared plan in the session that prepared it.

    Args:
        unit: runs what has to happen together.
        thorough: find the rows that the server refuses.
        looking: have the server say of updated rows whether they are what is staged.

    Attributes:
        unseen: the tables of which rows were written that nobody has looked at since, or that are not what is staged.
    """

    def __init__(self, ready: Ready, *, unit: Unit, thorough: bool, progress: Progress, looking: bool = False) -> None:
        self._workspace = ready.survey.workspace
        self._connection = ready.connection
        self._schema = ready.survey.schema
        self._prepared = ready.prepared
        self._source = ready.source
        self._unit = unit
        self._thorough = thorough
        self._progress = progress
        self._looking = looking
        self.unseen = set[str]()
        self._statements = Statements(ready)
        self._collected: list[str] = []
        self._collected_bytes = 0

    def apply(self) -> None:
        """Write and delete what the plan says.

        Rows are inserted before others are updated, so that those can point at them.

        Raises:
            BadRowsError: the server refuses rows for a reason that the plan did not foresee.
            UnexpectedCountError: a statement touched another number of rows than the plan.
        """
        if self._prepared.release.deletes_first:
            self._delete()
        for group in self._prepared.plan.order:
            self._write(group)
        self._write_collected()
        if not self._prepared.release.deletes_first:
            self._delete()

    # inserts and updates

    def _write(self, group: tuple[str, ...]) -> None:
        """Write the rows of one table, or of several that point at one another."""
        plans = self._prepared.plan.tables
        names = [name for name in group if name in plans and plans[name].inserts + plans[name].updates]
        if not names:
            return
        self._progress.note(names[0])
        parkings = [parking for parking in self._prepared.release.parkings if parking.table in names]
        if self._collects(names, parkings):
            return
        self._write_collected()
        if plans[names[0]].load is Load.COPY:
            self._unit(names, lambda: self._source.copy_into_target(names[0]))
            self._progress.advance(rows=plans[names[0]].inserts, table=names[0])
        elif len(group) > 1 or parkings or self._is_written_whole(names[0]):
            self._together(names, parkings)
        else:
            works = self._works(names)
            for number in range(len(works)):
                self._batch(works[number:])

    def _collects(self, names: Sequence[str], parkings: Sequence[Parking]) -> bool:
        """Collect the rows of a small table, to be written with those of others; False where that cannot be.

        To find rows that the server refuses, each table is written by itself.
        """
        name = names[0]
        apart = len(names) > 1 or parkings or self._is_written_whole(name) or self._thorough or not self._unit.shared
        size = self._source.entries[name].bytes
        if apart or size > batches.BLOCKS * BLOCK_BYTES:
            return False
        if self._collected_bytes + size > batches.BLOCKS * BLOCK_BYTES:
            self._write_collected()
        self._collected.append(name)
        self._collected_bytes += size
        return True

    def _write_collected(self) -> None:
        """Write the rows that were collected, as one unit."""
        names, self._collected, self._collected_bytes = self._collected, [], 0
        if names:
            self._progress.advance(rows=self._unit(names, lambda: sum(map(self._write_all, names))))

    def _write_all(self, name: str) -> int:
        """Write all rows of one table; gives how many."""
        if self._prepared.plan.tables[name].load is Load.COPY:
            return self._source.copy_into_target(name)
        written, differences = 0, self._prepared.differences[name]
        for action in (Action.MISSING, Action.CHANGED):
            if rows := differences.count(action):
                written += self._expect(name, self._write_some(name, action, WHOLE), rows)
        return written

    def _write_some(self, name: str, action: str, condition: Sql) -> int:
        """Insert or update rows of one table; gives how many."""
        if action != Action.CHANGED or not self._looking:
            self.unseen.add(name)
            return self._connection.execute(self._statements.write(name, action, condition)).rowcount
        found = self._connection.execute(self._statements.update_looked_at(name, condition)).fetchone()
        written, others = found or (0, 0)
        if others:
            self.unseen.add(name)
        return int(written)

    def _is_written_whole(self, name: str) -> bool:
        return name in self._prepared.release.rewritings or self._points_at_itself(name)

    def _points_at_itself(self, name: str) -> bool:
        return any(key.parent == name for key in self._schema.tables[name].foreign_keys)

    def _batches(self, name: str, action: str) -> Iterator[Batch]:
        differences = self._prepared.differences.get(name)
        if differences is None or not differences.count(action):
            return iter(())
        condition = sql.SQL('d.action = {}::"char"').format(sql.Literal(action))
        return batches.cut(self._connection, differences.lines, "stage_id", condition)

    def _works(self, names: Sequence[str]) -> list[Work]:
        return [
            (name, action, batch)
            for name in names
            for action in (Action.MISSING, Action.CHANGED)
            for batch in self._batches(name, action)
        ]

    def _batch(self, works: Sequence[Work]) -> None:
        """Write the first of these batches; the others are still to come."""
        name, action, batch = works[0]

        def write() -> int:
            with by_row(self._connection):
                return self._expect(name, self._write_some(name, action, batch.condition), batch.rows)

        try:
            self._unit([name], write)
        except REFUSALS as error:
            self._blame(works, error)
        self._progress.advance(rows=batch.rows, table=name)

    def _together(self, names: Sequence[str], parkings: Sequence[Parking]) -> None:
        """Write rows that point at one another, or take over one another's unique values, as one unit.

        One statement writes all: the server checks foreign keys at its end.
        """
        parts = self._statements.at_once(names)
        self.unseen.update(names)

        def write() -> int:
            for parking in parkings:
                self._park(parking)
            self._run_as_one(parts)
            return rows

        differences = self._prepared.differences
        rows = sum(differences[name].count(action) for name in names for action in (Action.MISSING, Action.CHANGED))
        try:
            self._unit(names, write)
        except REFUSALS as error:
            self._blame(self._works(names), error)
        self._progress.advance(rows=rows)

    def _run_as_one(self, parts: Sequence[Part]) -> int:
        query = self._statements.as_one([statement for _, statement, _ in parts])
        found = self._connection.execute(query).fetchone() or ()
        return sum(self._expect(name, rows, planned) for (name, _, planned), rows in zip(parts, found, strict=True))

    def _park(self, parking: Parking) -> None:
        ids: list[Sql] = [self._prepared.differences[parking.table].lines]
        ids.extend(each.rows for each in self._prepared.release.parkings if each.table == parking.table)
        if parking.table in self._prepared.deletions.ids:
            ids.append(self._prepared.deletions.ids[parking.table])
        relation = relation_of(self._schema.schemas, self._schema.tables[parking.table])
        moved = park(self._workspace, relation, parking, ids)
        self._expect(parking.table, moved, parking.count)

    # rows that are refused

    def _blame(self, works: Sequence[Work], error: psycopg.Error) -> None:
        """Find all rows that the server refuses among those not written yet; the error goes on where there are none.

        Rows of several tables are tried one table at a time, without the rows that they point at.
        """
        if not self._thorough:
            raise error
        names = {name for name, _, _ in works}
        alone = len(names) == 1 and not any(map(self._is_written_whole, names))
        excused = () if alone else (psycopg.errors.ForeignKeyViolation,)
        found = []
        with self._unit.trying(names):
            for name, action, batch in works:
                rows = self._stage_ids(name, batch)
                for stage_id, reason in refused_rows(
                    self._connection, rows, self._trial(name, action), excused=excused
                ):
                    found.append(described(name, self._line(name, stage_id), reason))
        if found:
            raise BadRowsError(found) from error
        raise error

    def _trial(self, name: str, action: str) -> Callable[[Sql], object]:
        def attempt(condition: Sql) -> None:
            for parking in self._prepared.release.parkings:
                if parking.table == name:
                    self._park(parking)
            self._connection.execute(self._statements.trial(name, action, condition))

        return attempt

    def _stage_ids(self, name: str, batch: Batch) -> list[str]:
        query = sql.SQL("SELECT d.stage_id::text FROM {} d WHERE {}").format(
            self._prepared.differences[name].lines, batch.condition
        )
        return [str(stage_id) for (stage_id,) in self._connection.execute(query)]

    def _line(self, name: str, stage_id: str) -> str:
        names = sort_key(self._schema.tables[name]).names
        query = sql.SQL("SELECT {} FROM {} s WHERE s.ctid = {}::tid").format(
            row_text("s", names), self._source.staged(name).table, sql.Literal(stage_id)
        )
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return str(row[0])

    # deletes

    def _delete(self) -> None:
        """Release references from outside the scope, then delete children before parents."""
        for release in self._prepared.deletions.releases:
            relation = relation_of(self._schema.schemas, self._schema.tables[release.table])
            query = sql.SQL("UPDATE {} t SET {} WHERE {}").format(
                relation.source,
                release.assignments,
                release.condition,
            )
            self._run(release.table, query, release.rows)
        left = {name: self._statements.left_to_delete(name) for name in self._prepared.deletions.counts}
        for group in reversed(self._prepared.plan.order):
            names = [name for name in group if name in left and left[name][1]]
            if len(names) > 1 or (names and self._points_at_itself(names[0])):
                parts = [
                    (name, returning(self._statements.delete(name, left[name][0])), left[name][1]) for name in names
                ]
                self._progress.advance(rows=self._unit(names, partial(self._run_as_one, parts)))
            elif names:
                self._delete_in_batches(names[0], left[names[0]][0])

    def _delete_in_batches(self, name: str, condition: Sql) -> None:
        self._progress.note(name)
        for batch in batches.cut(self._connection, self._prepared.deletions.ids[name], "row_id", condition):
            self._run(name, self._statements.delete(name, batch.condition), batch.rows)
            self._progress.advance(rows=batch.rows, table=name)

    def _run(self, name: str, statement: Sql, rows: int) -> None:
        def write() -> int:
            with by_row(self._connection):
                return self._expect(name, self._connection.execute(statement).rowcount, rows)

        self._unit([name], write)

    def _expect(self, name: str, found: int, planned: int) -> int:
        """The number of rows that a statement touched, which must be the plan's."""
        if found != planned:
            raise UnexpectedCountError(
                f"table {name}: {found} rows were written where the plan has {planned}; they are rolled back",
                hint="a trigger or rule of the table interferes; run again with --debug and report it if it persists",
            )
        return found
