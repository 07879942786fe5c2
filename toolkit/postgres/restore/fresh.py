"""A restore into a scratch database: rows first, then keys and indexes, as pg_restore does it.

It is planned like any other, in the draft that has all constraints and no rows. Where the plan is nothing but inserts,
they go into the other draft, which has no constraints yet: by COPY, in several sessions. A large table gets its indexes
and is read back and compared as soon as its own rows are there, a small one is read back at once; what needs the rows
of other tables comes last. Whatever else a restore does (another device's identity, rows put aside, triggers that fire,
steps) is carried out in the draft with constraints, as in any database.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from msgspec.structs import replace
from psycopg import sql

from toolkit.model.outcome import Progress
from toolkit.model.plan import Load, RestorePlan, TablePlan
from toolkit.postgres.compare.lines import blocks
from toolkit.postgres.compare.sequence_outlook import behind
from toolkit.postgres.restore.alone import WRITING
from toolkit.postgres.restore.crew import Crew
from toolkit.postgres.restore.proof.read_back import ReadBack
from toolkit.postgres.restore.ready import Lessons, Ready, planned_restore
from toolkit.postgres.restore.refusals import refuse_conflicts
from toolkit.postgres.restore.transaction import restore
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.relation import Sql, columns
from toolkit.postgres.schema.rows import read_copy, write_rows
from toolkit.postgres.servers.programs import ProgramError
from toolkit.postgres.servers.scratch import Draft
from toolkit.postgres.session.connection import Connection, session
from toolkit.postgres.stage.request import Request
from toolkit.postgres.write.batches import REFUSALS
from toolkit.postgres.write.sequence_moves import advance

SESSIONS = 2
"""Sessions that load at once, and that build indexes at once."""

LARGE = 16 << 20
"""Bytes of rows from which on what needs the rows of several tables is built in several sessions."""

LARGE_TABLE = 4 << 20
"""Bytes of rows from which on a table is indexed on its own."""

SMALL_TABLES = 1 << 20
"""Bytes of rows, about, of small tables that are loaded in one transaction."""

_PAGE_ROWS, _PAGE_BYTES = 60, 4000
"""What surely fits into one page of a table."""

_LAST = 1 << 62
"""A weight above that of every table."""

_SETTINGS = """
SELECT set_config('synchronous_commit', 'off', false), set_config('max_parallel_workers_per_gather', '0', false)
"""
"""A draft is forgotten in a crash; parallel workers would mix the order in which rows lie."""


def restore_fresh(draft: Draft, request: Request, progress: Progress) -> RestorePlan:
    """Restore into a scratch database that is being made, and choose the draft that becomes it.

    Raises:
        What `restore` raises; nothing of the scratch database is left then.
    """
    plan = None
    with ExitStack() as stack:
        loading = _planned(draft, request, progress, stack)
        if loading is not None and not loading.needs_stage:
            stack.close()
        try:
            plan = loading.carried_out() if loading is not None else None
        except ProgramError as error:
            # a function that an index calls may work on rows that are put in and not, under pg_restore's own search
            # path, on rows that are there; and rows may not fit the keys. Either way the finished schema tells
            progress.note(f"once more, into the finished schema: {'; '.join(error.said)}")
        except REFUSALS:
            pass  # carried out in the finished schema, it says of all such rows why
    draft.chosen = draft.bare if plan else draft.whole
    if plan is None:
        if loading is not None and not loading.needs_stage:
            draft.renew_whole()
        plan = restore(lambda: session(draft.whole, application=WRITING), request, progress)
    return replace(plan, warnings=(*plan.warnings, *draft.said))


def _planned(draft: Draft, request: Request, progress: Progress, stack: ExitStack) -> _Loading | None:
    """Plan the restore; None where it is of another kind than rows that are put into empty tables.

    Args:
        stack: holds the session in which it is planned.
    """
    if request.fire or not request.atomic or request.put_aside is not None or request.tables:
        return None
    connection = stack.enter_context(session(draft.whole, application=WRITING))
    ready = stack.enter_context(planned_restore(connection, replace(request, fresh=True), Lessons(), progress))
    refuse_conflicts(ready.plan, ready.survey.schema)
    return _Loading(draft, ready, progress) if _only_inserts(ready) else None


def _only_inserts(ready: Ready) -> bool:
    """Whether a plan puts rows of the backup into empty tables, and does nothing else."""
    return ready.plan.tables == ready.prepared.plan.tables and not any(
        table.changes + table.rewritten != table.inserts for table in ready.plan.tables.values()
    )


class _Loading:
    """Loads what a plan inserts into the draft without constraints, builds these, and proves the rows.

    Attributes:
        needs_stage: the session in which it was planned, and its draft, are needed to the end.
    """

    def __init__(self, draft: Draft, ready: Ready, progress: Progress) -> None:
        self._draft = draft
        self._ready = ready
        self._progress = progress
        self._schema = ready.survey.schema
        self._source = ready.source
        self._relations = ready.survey.workspace.relations
        filled = [table for table in ready.plan.tables.values() if table.inserts]
        self._staged = [table for table in filled if table.load is not Load.COPY]
        self._copied = [table for table in filled if table.load is Load.COPY]
        self._rows = {table.table: table.inserts for table in filled}
        self._jobs = SESSIONS if sum(self._size(table) for table in filled) > LARGE else 1
        self._crew = Crew(SESSIONS, interrupt=draft.interrupt)
        self._read_back = ReadBack(ready, self._staged, watched=self._crew.watched)
        self.needs_stage = bool(self._staged) or not all(
            self._read_back.is_as_stored(table.table) for table in self._copied
        )
        self._lock = threading.Lock()
        self._unbuilt = 0
        self._own = threading.local()
        self._sessions = ExitStack()

    def carried_out(self) -> RestorePlan:
        """Carry it out; gives the plan with the sequences that were moved.

        Raises:
            ProgramError: keys, constraints or indexes cannot be built.
            One of REFUSALS: the tables do not take the rows.
            DatabaseError: the rows are not those of the backup.
        """
        self._progress.start("restore", rows=sum(self._rows.values()), tables=self._rows)
        with ThreadPoolExecutor(max_workers=1) as tidying, self._sessions:
            if not self.needs_stage:
                tidying.submit(self._draft.forget_whole)
            self._work()
            self._read_back.prove(self._session(), staged=self.needs_stage)
            return self._with_sequences()

    def _work(self) -> None:
        batches = list(self._batches())
        self._unbuilt = len(batches) + 1
        for batch in batches:
            self._crew.add(sum(map(self._size, batch)), partial(self._load, batch))
        try:
            self._crew.start()
            for table in self._staged:
                self._load_staged(table)
            self._built()
            self._crew.finish()
        except InterruptedError:
            self._crew.finish()  # it says what went wrong elsewhere, for which these rows were not wanted any more
        except BaseException:
            self._crew.stop()
            raise

    def _batches(self) -> Iterator[Sequence[TablePlan]]:
        """Tables that are loaded in one transaction: a large one on its own, small ones together."""
        batch, size = list[TablePlan](), 0
        for table in sorted(self._copied, key=self._size, reverse=True):
            if batch and size + self._size(table) > SMALL_TABLES:
                yield batch
                batch, size = [], 0
            batch.append(table)
            size += self._size(table)
        if batch:
            yield batch

    # rows

    def _load(self, batch: Sequence[TablePlan]) -> None:
        large = self._size(batch[0]) > LARGE_TABLE
        connection = self._session()
        with connection.transaction():
            for table in batch:
                entry, target = self._source.entries[table.table], self._target(table.table)
                fits_a_page = entry.rows <= _PAGE_ROWS and entry.bytes <= _PAGE_BYTES
                if frozen := not (self._schema.tables[table.table].partitioned or fits_a_page):
                    # rows of a table that nobody else can have seen yet need no second writing, and lie in order
                    connection.execute(sql.SQL("TRUNCATE ONLY {}").format(target))
                names = [column.name for column in entry.columns]
                rows = self._crew.watched(self._source.rows_of(entry))
                write_rows(connection, target, names, rows, frozen=frozen)
            if not large:
                self._read_back.compare(connection, batch)
        for table in batch:
            self._progress.advance(rows=table.inserts, table=table.table)
        if large:
            self._crew.add(self._size(batch[0]), partial(self._add_keys, batch[0]))
        else:
            self._built()

    def _load_staged(self, table: TablePlan) -> None:
        """Load rows that were changed on stage, out of the session that changed them."""
        staged = self._source.staged(table.table)
        names = (*staged.names, *staged.added)
        written = self._ready.prepared.comparison.written(table.table)
        query = sql.SQL("SELECT {} FROM {}").format(columns("s", names), written)
        rows = self._crew.watched(read_copy(self._ready.connection, query))
        connection = self._session()
        with connection.transaction():
            write_rows(connection, self._target(table.table), names, blocks(rows))
        self._progress.advance(rows=table.inserts, table=table.table)

    # keys and indexes

    def _add_keys(self, table: TablePlan) -> None:
        place = self._schema.schemas.place(table.table)
        self._draft.add_keys(place)
        indexes = self._draft.indexes(place)
        with self._lock:
            self._unbuilt += len(indexes)
        for build in indexes:
            self._crew.add(self._size(table), partial(self._index, build))
        # reading a table would keep its primary key waiting, but neither its indexes nor its foreign keys
        self._crew.add(self._size(table) - 1, partial(self._compare, table))
        self._built()

    def _index(self, build: Callable[[], None]) -> None:
        build()
        self._built()

    def _built(self) -> None:
        """Note that some tables are loaded and indexed; once all of them are, build what is left."""
        with self._lock:
            self._unbuilt -= 1
            last = not self._unbuilt
        if last:
            self._progress.note("building keys and indexes, proving")
            self._crew.add(_LAST, partial(self._draft.constrain, self._jobs))

    def _compare(self, table: TablePlan) -> None:
        connection = self._session()
        with connection.transaction():
            self._read_back.compare(connection, [table])

    # sequences

    def _with_sequences(self) -> RestorePlan:
        plan, recorded, connection = self._ready.plan, self._source.manifest.sequences, self._session()
        outlook = behind(connection, self._schema.schemas, recorded, list(self._source.entries))
        advance(connection, self._schema.schemas, list(outlook.moves))
        warnings = tuple(dict.fromkeys((*plan.warnings, *outlook.said)))
        return replace(plan, sequences=outlook.moves, warnings=warnings, locking="", unforeseen=())

    # sessions

    def _session(self) -> Connection:
        """The session of this thread."""
        if not hasattr(self._own, "connection"):
            opened = session(self._draft.bare, application=WRITING)
            with self._lock:
                self._own.connection = self._sessions.enter_context(opened)
            self._own.connection.execute(_SETTINGS)
        connection: Connection = self._own.connection
        return connection

    def _target(self, name: str) -> Sql:
        return sql.SQL("{}").format(identifier(self._schema.schemas, name))

    def _size(self, table: TablePlan) -> int:
        return self._source.entries[table.table].bytes
