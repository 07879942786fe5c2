"""A restore into a scratch database: rows first, then keys and indexes, as pg_restore does it.

It is planned like any other, in the draft that has all constraints and no rows. Where the plan is nothing but inserts,
they go into the other draft, which has no constraints yet: by COPY, in several sessions; then the server builds keys,
constraints and indexes, while the rows are read back and compared. Whatever else a restore does (another device's
identity, rows put aside, triggers that fire, steps) is carried out in the draft with constraints, as in any database.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace

from psycopg import sql

from toolkit.model.outcome import Progress
from toolkit.model.plan import Load, RestorePlan, TablePlan
from toolkit.postgres.compare.comparison import equal_chunks, in_one_process, lies_as_loaded
from toolkit.postgres.compare.sequence_outlook import behind
from toolkit.postgres.restore.ready import Lessons, Ready, planned_restore
from toolkit.postgres.restore.refusals import refuse_conflicts, unproven
from toolkit.postgres.restore.transaction import restore
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.relation import Sql, columns, row_text
from toolkit.postgres.schema.rows import write_rows
from toolkit.postgres.servers.programs import ProgramError
from toolkit.postgres.servers.scratch import Draft
from toolkit.postgres.session.connection import Connection, session
from toolkit.postgres.stage.request import Request
from toolkit.postgres.write.batches import REFUSALS
from toolkit.postgres.write.sequence_moves import advance

SESSIONS = 2
"""Sessions that load at once, and that build indexes at once."""

LARGE = 16 << 20
"""Bytes of rows from which on indexes are built in several sessions."""

_SLICE = 0.2


def restore_fresh(draft: Draft, request: Request, progress: Progress) -> RestorePlan:
    """Restore into a scratch database that is being made, and choose the draft that becomes it.

    Raises:
        What `restore` raises; nothing of the scratch database is left then.
    """
    try:
        plan = _loaded(draft, request, progress)
    except ProgramError as error:
        # a function that an index calls may work on rows that are put in and not, under pg_restore's own search path,
        # on rows that are there; and rows may not fit the keys. Either way the finished schema tells
        progress.note(f"once more, into the finished schema: {'; '.join(error.said)}")
        draft.renew_whole()
        plan = None
    draft.chosen = draft.bare if plan else draft.whole
    plan = plan or restore(lambda: session(draft.whole, application="playback restore"), request, progress)
    return replace(plan, warnings=(*plan.warnings, *draft.said))


def _loaded(draft: Draft, request: Request, progress: Progress) -> RestorePlan | None:
    """Load the rows, then build the constraints; None where the restore is of another kind, or rows are refused.

    Carried out in the finished schema, it says of all such rows why.
    """
    if request.fire or not request.atomic or request.put_aside is not None:
        return None
    with (
        session(draft.whole, application="playback restore") as connection,
        planned_restore(connection, replace(request, fresh=True), Lessons(), progress) as ready,
    ):
        refuse_conflicts(ready.plan, ready.survey.schema)
        if not _only_inserts(ready):
            return None
        loading = _Loading(draft, ready, progress)
        try:
            loading.load()
        except REFUSALS:
            return None
        if loading.needs_stage:
            return loading.finish()
    return loading.finish()


def _only_inserts(ready: Ready) -> bool:
    """Whether a plan puts rows of the backup into empty tables, and does nothing else."""
    return ready.plan.tables == ready.prepared.plan.tables and not any(
        table.changes + table.rewritten != table.inserts for table in ready.plan.tables.values()
    )


class _Loading:
    """Loads what a plan inserts into the draft without constraints, and proves it."""

    def __init__(self, draft: Draft, ready: Ready, progress: Progress) -> None:
        self._draft = draft
        self._ready = ready
        self._progress = progress
        self._schema = ready.survey.schema
        self._source = ready.source
        self._relations = ready.survey.workspace.relations
        filled = [table for table in ready.plan.tables.values() if table.inserts]
        sizes = {table.table: self._source.entries[table.table].bytes for table in filled}
        self._copied = sorted((t for t in filled if t.load is Load.COPY), key=lambda t: -sizes[t.table])
        self._staged = [t for t in filled if t.load is not Load.COPY]
        self._jobs = SESSIONS if sum(sizes.values()) > LARGE else 1
        self._stop = threading.Event()
        self.needs_stage = bool(self._staged) or not all(self._as_stored(table.table) for table in self._copied)

    def load(self) -> None:
        """Load all rows."""
        self._progress.start("restore", rows=sum(t.inserts for t in (*self._copied, *self._staged)))
        self._everywhere(self._load, self._copied, meanwhile=lambda: list(map(self._load_staged, self._staged)))

    def finish(self) -> RestorePlan:
        """Build keys, constraints and indexes, and prove the rows; gives the plan with the sequences that were moved.

        Unless `needs_stage`, the draft with constraints is not needed any more.

        Raises:
            ProgramError: they cannot be built.
        """
        self._progress.note("building keys and indexes, proving")
        with ThreadPoolExecutor(max_workers=1) as tidying:
            if not self.needs_stage:
                tidying.submit(self._draft.forget_whole)
            doubtful = self._everywhere(
                self._differs, self._copied, meanwhile=lambda: self._draft.constrain(self._jobs), sessions=1
            )
        rows = [table for table, differs in zip(self._copied, doubtful, strict=True) if differs]
        self._prove([*rows, *self._staged])
        return self._with_sequences()

    # rows

    def _load(self, table: TablePlan) -> None:
        entry, target = self._source.entries[table.table], self._target(table.table)
        names = [column.name for column in entry.columns]
        with self._opened() as connection, connection.transaction():
            if frozen := not self._schema.tables[table.table].partitioned:
                # rows of a table that nobody else can have seen yet need no second writing
                connection.execute(sql.SQL("TRUNCATE ONLY {}").format(target))
            write_rows(connection, target, names, self._watched(self._source.rows_of(entry)), frozen=frozen)
        self._progress.advance(rows=table.inserts)

    def _load_staged(self, table: TablePlan) -> None:
        """Load rows that were changed on stage, out of the session that changed them."""
        staged = self._source.staged(table.table)
        names = (*staged.names, *staged.added)
        query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT")
        written = self._ready.prepared.comparison.written(table.table)
        reading = self._ready.connection.cursor().copy(query.format(columns("s", names), written))
        with self._opened() as connection, connection.transaction(), reading as rows:
            write_rows(connection, self._target(table.table), names, self._watched(rows))
        self._progress.advance(rows=table.inserts)

    def _watched(self, data: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes]:
        for block in data:
            if self._stop.is_set():
                raise InterruptedError
            yield block  # type: ignore[misc]  # the driver takes any buffer

    # proof

    def _differs(self, table: TablePlan) -> bool:
        """Whether a table does not lie as it was stored; False proves it."""
        name = table.table
        entry, declared = self._source.entries[name], self._schema.tables[name]
        if not self._as_stored(name):
            return True
        relation = self._relations[name]
        with self._opened() as connection, connection.transaction():
            if declared.partitioned:
                return not equal_chunks(connection, declared, relation, None, entry)
            with in_one_process(connection):
                return not lies_as_loaded(connection, declared, relation, entry)

    def _as_stored(self, name: str) -> bool:
        """Whether a table has the very columns of the backup, so that its rows are the text that was stored."""
        declared = self._schema.tables[name].stored_columns
        stored = self._source.entries[name].columns
        return [(each.name, each.type) for each in declared] == [(each.name, each.type) for each in stored]

    def _prove(self, tables: Iterable[TablePlan]) -> None:
        """Compare tables with what is staged of them, by count and sums of hashes.

        Raises:
            DatabaseError: they differ.
        """
        failures = []
        with self._opened() as connection:
            for table in tables:
                if not self.needs_stage:
                    failures.append(f"{table.table}: its rows are not what the backup has")
                    continue
                staged = self._source.staged(table.table)
                stage: Sql = sql.SQL("{} s").format(staged.table)
                if table.load is not Load.COPY:
                    stage = self._ready.prepared.comparison.written(table.table)
                wanted = _digest(self._ready.connection, stage, row_text("s", staged.names))
                found = sql.SQL("{} t").format(self._target(table.table))
                if _digest(connection, found, row_text("t", staged.names)) != wanted:
                    failures.append(f"{table.table}: its rows are not what the backup has")
        if failures:
            raise unproven(failures)

    # sequences

    def _with_sequences(self) -> RestorePlan:
        plan, recorded = self._ready.plan, self._source.manifest.sequences
        with self._opened() as connection:
            outlook = behind(connection, self._schema.schemas, recorded, list(self._source.entries))
            advance(connection, self._schema.schemas, list(outlook.moves))
        warnings = tuple(dict.fromkeys((*plan.warnings, *outlook.said)))
        return replace(plan, sequences=outlook.moves, warnings=warnings, locking="", unforeseen=())

    # sessions

    @contextmanager
    def _opened(self) -> Iterator[Connection]:
        with session(self._draft.bare, application="playback restore") as connection:
            yield connection

    def _target(self, name: str) -> Sql:
        return sql.SQL("{}").format(identifier(self._schema.schemas, name))

    def _everywhere(
        self,
        work: Callable[[TablePlan], bool | None],
        tables: Iterable[TablePlan],
        *,
        meanwhile: Callable[[], object],
        sessions: int = SESSIONS,
    ) -> list[bool | None]:
        """Work on tables in several sessions, and meanwhile do something in this one; the first failure ends it all."""
        with ThreadPoolExecutor(max_workers=sessions) as pool:
            futures = [pool.submit(work, table) for table in tables]
            try:
                meanwhile()
                return _results(futures)
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def _results(futures: list[Future[bool | None]]) -> list[bool | None]:
    """What all of them give, or the first error as soon as there is one."""
    # in slices, since a lock's wait cannot be interrupted on Windows
    while wait(futures, timeout=_SLICE, return_when=FIRST_EXCEPTION).not_done:
        if any(future.done() and future.exception() for future in futures):
            break
    for future in futures:
        if future.done() and (error := future.exception()) is not None:
            raise error
    return [future.result() for future in futures]


def _digest(connection: Connection, rows: Sql, line: Sql) -> tuple[object, ...] | None:
    query = sql.SQL(
        "SELECT count(*), sum(hashtextextended(q.line, 0)), sum(hashtextextended(q.line, 1)) FROM (SELECT {} AS line"
        " FROM {}) q"
    )
    return connection.execute(query.format(line, rows)).fetchone()
