"""Empty tables that a restore has for itself: their indexes and foreign keys are built after the rows.

All of it is in the restore's own transaction, and at its end the system catalogs must say of these tables what they
said before. A table that holds rows goes the normal way, and so does everything once building has failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.outcome import Progress
from toolkit.model.plan import Load, RestorePlan
from toolkit.model.schemas import Schemas
from toolkit.postgres.schema.catalog_rows import catalog_rows
from toolkit.postgres.schema.relation import relation_of
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection, first_line
from toolkit.postgres.stage.request import Request
from toolkit.postgres.write.batches import REFUSALS
from toolkit.postgres.write.built_later import Part, build, drop, empty_anew, free, lacking, listening, parts_of
from toolkit.postgres.write.recovery import passes
from toolkit.wording import counted

LEAST_ROWS = 1000
"""A table that gets fewer rows is sooner done with its indexes in place."""

SHOWN = 3
"""So many of the differences are told."""


class NotAsBeforeError(Exception):
    """What was to be built could not be, or is not what was there before; the text says what."""


class Rebuilding:
    """What one attempt at a restore builds after the rows.

    Args:
        bypass: triggers are kept silent by the replica role, which suspends foreign keys too: these stay in place.
        in_place: why indexes stay in place this time; empty for no reason.

    Attributes:
        alone: tables that others may not even read: those that seem to be empty, and those that their keys lead to.
        said: what becomes of indexes, as sentences.
    """

    def __init__(self, connection: Connection, request: Request, *, bypass: bool, in_place: str = "") -> None:
        self.alone: Collection[str] = ()
        self.said: tuple[str, ...] = ()
        self._connection = connection
        self._request = request
        self._bypass = bypass
        self._in_place = in_place
        self._parts: Sequence[Part] = ()
        self._copied: Collection[str] = ()
        self._schemas: Schemas | None = None
        self._before = Counter[tuple[str, str]]()

    @property
    def keys(self) -> set[tuple[str, str]]:
        """The foreign keys, by table and name, that the server checks over all rows as it builds them."""
        return {(part.table, part.name) for part in self._parts if part.parent}

    def choose(self, survey: Survey) -> None:
        """Find, before anything is locked, what it may be about.

        Raises:
            RefusedError: this role may not build what belongs to the tables.
        """
        self.alone, self.said, self._parts = (), (), ()
        request, schemas = self._request, survey.schema.schemas
        self._schemas = schemas
        if not request.exclusive or request.fresh:
            return
        self._in_place = self._in_place or self._hindrance()
        having = {entry.name for entry in request.manifest.tables if entry.rows >= LEAST_ROWS}
        having &= set(request.named or survey.accounting.taken)
        self._parts = free(parts_of(self._connection, schemas, having, keys=not self._bypass)) if having else ()
        empty = _empty(survey, {part.table for part in self._parts})
        if reasons := lacking(self._connection, schemas, empty):
            raise RefusedError(
                f"role {self._connection.info.user} cannot build the indexes of empty tables after their rows",
                reasons,
                hint="run as the owner of the tables, or leave `exclusive` out; nothing was changed",
            )
        if not self._in_place:
            mine = free([part for part in self._parts if part.table in empty])
            self.alone = sorted({part.table for part in mine} | {part.parent for part in mine if part.parent})

    def settle(self, survey: Survey, plan: RestorePlan) -> None:
        """Decide, now that the tables are locked and the plan is known."""
        having = {part.table for part in self._parts}
        having &= {name for name, table in plan.tables.items() if table.inserts >= LEAST_ROWS}
        empty = _empty(survey, having & set(self.alone)) if not self._in_place else set()
        copied = {name for name in empty if plan.tables[name].load is Load.COPY}
        # rows that were staged may be found by their keys while they are written
        self._parts = free(
            [part for part in self._parts if part.table in empty and (part.table in copied or not part.primary)]
        )
        mine = {part.table for part in self._parts}
        self._copied, said = copied & mine, []
        for name in sorted(mine):
            parts = ", ".join(part.name for part in self._parts if part.table == name)
            said.append(f"{name} is empty: {parts} dropped, and built anew after its rows")
        if others := sorted(having - empty):
            why = self._in_place or f"{'they hold' if len(others) > 1 else 'it holds'} rows"
            said.append(f"indexes of {', '.join(others)} stay in place: {why}")
        self.said = tuple(said)

    def drop(self) -> None:
        """Drop what is built later."""
        if not self._parts:
            return
        self._before = self._catalogs()
        with self._unheard():
            drop(self._connection, self._parts)
            assert self._schemas is not None
            empty_anew(self._connection, self._schemas, self._copied)

    def build(self, progress: Progress) -> None:
        """Build it, now that all rows are there.

        Raises:
            NotAsBeforeError: it cannot be built, or the schema is not what it was.
            One of REFUSALS: rows do not fit an index or a key.
        """
        if not self._parts:
            return
        progress.note("building indexes")
        try:
            with self._unheard():
                build(self._connection, self._parts)
        except psycopg.Error as error:
            if passes(error) or isinstance(error, (*REFUSALS, psycopg.errors.QueryCanceled)):
                raise
            raise NotAsBeforeError(f"the server cannot build them after the rows: {first_line(error)}") from error
        before, after = self._before, self._catalogs()
        if before != after:
            found = list(dict.fromkeys(what for what, _ in [*(before - after), *(after - before)]))
            more = f", and {counted(len(found) - SHOWN, 'other')}" if len(found) > SHOWN else ""
            raise NotAsBeforeError(f"built anew they would not be the same: {', '.join(found[:SHOWN])}{more}")

    def _catalogs(self) -> Counter[tuple[str, str]]:
        tables = {part.table for part in self._parts} | {part.parent for part in self._parts if part.parent}
        assert self._schemas is not None
        return catalog_rows(self._connection, self._schemas, tables)

    def _hindrance(self) -> str:
        """Why nothing can be built later, whatever the tables are."""
        if self._request.fire:
            return "triggers that fire may need them"
        if found := listening(self._connection, bypass=self._bypass):
            return f"event trigger {', '.join(found)} would hear of it"
        return ""

    @contextmanager
    def _unheard(self) -> Iterator[None]:
        """Keep event triggers silent where that is possible."""
        if self._bypass:
            self._connection.execute("SET LOCAL session_replication_role = replica")
        yield
        if self._bypass:
            self._connection.execute("SET LOCAL session_replication_role = origin")


def _empty(survey: Survey, names: Collection[str]) -> set[str]:
    """Those of these tables that have no row."""
    some, schema = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT 1) q"), survey.schema
    queries = {name: some.format(relation_of(schema.schemas, schema.tables[name]).source) for name in names}
    return {name for name, rows in survey.workspace.numbers(queries, lambda _: 0).items() if not rows}
