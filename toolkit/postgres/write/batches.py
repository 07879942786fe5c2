"""How the statements of a restore run: in batches, each retried on its own, and cut down to the row to blame."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import psycopg
from msgspec import Struct
from psycopg import sql

from toolkit.errors import DatabaseError
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.session.connection import Connection, first_line
from toolkit.postgres.write.recovery import CONTENTION, UNIT_ATTEMPTS, UNIT_SECONDS
from toolkit.retries.policy import retrying

BLOCK_BYTES = 8192
BLOCKS = 512
"""Blocks of a staging table that make a batch: 4 MiB of rows, as much as a chunk."""

REFUSALS = (
    psycopg.IntegrityError,
    psycopg.DataError,
    psycopg.errors.RaiseException,
    psycopg.errors.ProgramLimitExceeded,
)
"""What a server says to rows that it does not want: constraints, values, triggers that were asked to fire, and rows
that are too long for a page or an index."""


class UnexpectedCountError(DatabaseError):
    """A statement touched another number of rows than the plan: a trigger or rule interferes, or another session."""


class UnforeseenError(Exception):
    """Something stands in the way, and rows that were or would be loaded whole are unknown to the plan: all of them are
    to be compared before anything is said."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)


class Unit(Protocol):
    """Runs work that belongs together: all of it takes effect, or none.

    Attributes:
        shared: small batches of several tables may be one unit.
    """

    shared: bool

    def __call__(self, tables: Collection[str], work: Callable[[], int]) -> int:
        """Run the work, which writes to these tables and gives how many rows; again when others stood in its way."""

    def trying(self, tables: Collection[str]) -> AbstractContextManager[object]:
        """Inside, rows of these tables are written as they are in the work, and nothing of it stays."""


class Savepoints:
    """Units within one transaction: a savepoint before each."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.shared = True

    def __call__(self, tables: Collection[str], work: Callable[[], int]) -> int:
        """Run the work behind a savepoint, at most three times."""

        def attempt() -> int:
            with self._connection.transaction():
                return work()

        return retrying(CONTENTION, attempts=UNIT_ATTEMPTS, seconds=UNIT_SECONDS)(attempt)

    def trying(self, tables: Collection[str]) -> AbstractContextManager[object]:
        """Give a savepoint to go back to."""
        return self._connection.transaction(force_rollback=True)


class Batch(Struct, frozen=True, kw_only=True):
    """Some of the rows in a table of ids or lines.

    Attributes:
        condition: over the table of ids or lines, alias `d`.
        rows: how many there are.
    """

    condition: Sql
    rows: int


def cut(connection: Connection, ids: Sql, column: str, condition: Sql) -> Iterator[Batch]:
    """Cut the rows of a table of ids or lines that fulfil a condition into batches, in the order in which rows lie.

    Args:
        column: the id by which the batches are cut: `stage_id` or `row_id`.
    """
    place = sql.Identifier("d", column)
    query = sql.SQL(
        "SELECT ({place}::text::point)[0]::bigint / {blocks}, count(*) FROM {ids} d WHERE {condition}"
        " GROUP BY 1 ORDER BY 1"
    ).format(place=place, blocks=sql.Literal(BLOCKS), ids=ids, condition=condition)
    for number, rows in connection.execute(query).fetchall():
        start = number * BLOCKS
        bounds = sql.SQL("{} AND {} >= {}::tid AND {} < {}::tid").format(
            condition, place, sql.Literal(f"({start},0)"), place, sql.Literal(f"({start + BLOCKS},0)")
        )
        yield Batch(condition=bounds, rows=rows)


@contextmanager
def by_row(connection: Connection) -> Iterator[None]:
    """Inside, rows are fetched one by one by their ids.

    The planner takes every such fetch for a jump, and would rather read whole tables for each batch.
    """
    connection.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
    yield
    connection.execute("SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT")


class BadRow(Struct, frozen=True, kw_only=True):
    """A staged row that the server refuses for a reason that no plan foresees.

    Attributes:
        line: the text of the row's key values, or of the whole row where the table has no key.
    """

    table: str
    line: str
    sqlstate: str
    constraint: str
    message: str


class BadRowsError(Exception):
    """Rows were found that the server refuses; the plan has to be made without them."""

    def __init__(self, rows: Sequence[BadRow]) -> None:
        super().__init__(f"{len(rows)} rows are refused")
        self.rows = tuple(rows)


def refused_rows(
    connection: Connection,
    stage_ids: Sequence[str],
    run: Callable[[Sql], object],
    *,
    excused: tuple[type[psycopg.Error], ...] = (),
) -> Iterator[tuple[str, psycopg.Error]]:
    """Find the rows of a batch that are refused, each with the error: halves of it are tried until one row is left.

    Nothing that is tried stays.

    Args:
        run: carries out the rows that fulfil a condition (alias `d`).
        excused: errors that say nothing of a row by itself, because rows it belongs to are not there in the trial.
    """
    chosen = sql.SQL("d.stage_id = ANY ({}::tid[])").format(sql.Literal(list(stage_ids)))
    try:
        with connection.transaction(force_rollback=True):
            run(chosen)
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            return
    except excused:
        if len(stage_ids) == 1:
            return
    except REFUSALS as error:
        if len(stage_ids) == 1:
            yield stage_ids[0], error
            return
    half = len(stage_ids) // 2
    for part in (stage_ids[:half], stage_ids[half:]):
        yield from refused_rows(connection, part, run, excused=excused)


def described(table: str, line: str, error: psycopg.Error) -> BadRow:
    """Give what a server's error says of a row."""
    return BadRow(
        table=table,
        line=line,
        sqlstate=error.sqlstate or "",
        constraint=error.diag.constraint_name or error.diag.column_name or "",
        message=first_line(error),
    )
