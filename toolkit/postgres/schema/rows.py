"""Rows as COPY text, in repository order: the form in which they are stored, compared and restored."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import repeat

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait

from toolkit.model.schema import Table
from toolkit.planning.row_order import sort_key
from toolkit.postgres.schema.order import order_by
from toolkit.postgres.schema.relation import Relation, Sql, columns
from toolkit.postgres.schema.row_sources import Rows, chosen
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import qualified

_CANCEL_SECONDS = 5.0

BATCH_ROWS = 1000
"""Most rows that are given at once. Most often fewer have arrived, so few that they stay in the processor's cache."""


def read_rows(
    connection: Connection, table: Table, relation: Relation, ids: Rows | None, *, ordered: bool = True
) -> Iterator[memoryview]:
    """Give the rows of a table, one at a time, each with its newline.

    Args:
        ids: a table of row ids; None for every row.
        ordered: in repository order; otherwise as they lie in the table, which is quicker.
    """
    if ids is None or not ids.empty:
        yield from read_copy(connection, rows_query(table, relation, ids, ordered=ordered))


def rows_query(
    table: Table, relation: Relation, ids: Rows | None, *, ordered: bool = True, within: Sql | None = None
) -> Sql:
    """Give the query of the rows of a table, by the arguments of `read_rows`.

    Args:
        within: a condition on rows `t`, where every row is read, instead of some by their ids.
    """
    names = columns("t", (column.name for column in table.stored_columns))
    query = sql.SQL("SELECT {} {}").format(names, chosen(relation, ids, "t"))
    if within is not None:
        query = sql.SQL("{} WHERE {}").format(query, within)
    return sql.SQL("{} ORDER BY {}").format(query, order_by(sort_key(table), "t")) if ordered else query


def read_copy(connection: Connection, query: Sql) -> Iterator[memoryview]:
    """Give the rows of a query as COPY text, one at a time, each with its newline."""
    with closing(read_copies(connection, [query])) as batches:
        for _, batch in batches:
            yield from batch


def read_copies(
    connection: Connection, queries: Sequence[Sql], *, partly: bool = False
) -> Generator[tuple[int, list[memoryview]], None, None]:
    """Give the rows of several queries, asked for in one message, as COPY text.

    Args:
        partly: whoever takes them may stop before their end, and go on in the same transaction.

    Yields:
        The place of a query and a batch of its rows, each with its newline: first all rows of the first query.
    """
    if partly:
        with connection.transaction(force_rollback=True):
            yield from read_copies(connection, queries)
        return
    pgconn = connection.pgconn
    message = sql.SQL("; ").join(sql.SQL("COPY ({}) TO STDOUT").format(query) for query in queries)
    pgconn.send_query(str(qualified(message, connection)).encode())
    try:
        place = 0 if connection.wait(_sent(pgconn)) else -1
        while place >= 0:
            # what has arrived is taken without waiting, which would cost more than the rows
            rows, ended = connection.wait(_arrived(pgconn))
            if rows:
                yield place, rows
            if ended:
                place = place + 1 if connection.wait(_next_copy(pgconn)) else -1
    except psycopg.Error:
        raise
    except BaseException:
        give_up(connection)
        raise


def _sent(pgconn: PGconn) -> Generator[Wait, Ready, bool]:
    """Send what is to be sent, and go on to the first COPY."""
    while pgconn.flush():
        while not (ready := (yield Wait.RW)):
            continue
        if ready & Ready.R:
            pgconn.consume_input()
    return (yield from _next_copy(pgconn))


def _arrived(pgconn: PGconn) -> Generator[Wait, Ready, tuple[list[memoryview], bool]]:
    """Collect the rows of a COPY that are there, waiting for the first, and tell whether it has ended."""
    rows = list[memoryview]()
    while True:
        length = 0
        for length, data in map(pgconn.get_copy_data, repeat(1, BATCH_ROWS)):
            if length <= 0:
                break
            rows.append(data)
        if rows or length < 0:
            return rows, length < 0
        yield from _more(pgconn)


def _next_copy(pgconn: PGconn) -> Generator[Wait, Ready, bool]:
    """Go on to the next COPY of a message; gives whether there is one. An error of the server is raised at the end."""
    failed: PGresult | None = None
    while True:
        while pgconn.is_busy():
            yield from _more(pgconn)
        result = pgconn.get_result()
        if result is None:
            break
        if result.status == ExecStatus.COPY_OUT:
            return True
        if result.status != ExecStatus.COMMAND_OK:
            failed = failed or result
    if failed is not None:
        raise psycopg.errors.error_from_result(failed, encoding="utf-8")
    return False


def give_up(connection: Connection) -> None:
    """Leave rows of a COPY that nobody wants any more: the session can go on, or is closed."""
    if connection.pgconn.transaction_status != TransactionStatus.ACTIVE:
        return
    try:
        connection.cancel_safe(timeout=_CANCEL_SECONDS)
        connection.wait(_drained(connection.pgconn))
    except psycopg.errors.QueryCanceled:
        pass
    except psycopg.Error:
        connection.close()


def _drained(pgconn: PGconn) -> Generator[Wait, Ready, None]:
    while (yield from _next_copy(pgconn)):
        while (length := pgconn.get_copy_data(1)[0]) >= 0:
            if not length:
                yield from _more(pgconn)


def _more(pgconn: PGconn) -> Generator[Wait, Ready, None]:
    while not (yield Wait.R):
        continue
    pgconn.consume_input()


def write_rows(
    connection: Connection, target: Sql, names: Iterable[str], data: Iterable[bytes], *, frozen: bool = False
) -> None:
    """Load COPY text into the named columns of a table.

    Args:
        frozen: the table was made or truncated in this transaction: its rows need not be written a second time later.
    """
    listed = sql.SQL(", ").join(sql.Identifier(name) for name in names)
    # a table may have no columns, and yet rows; an empty list is no SQL
    template = "COPY {} ({}) FROM STDIN" if listed.as_string() else "COPY {} FROM STDIN"
    options = sql.SQL(" (FREEZE)" if frozen else "")
    with connection.cursor().copy(sql.SQL(template).format(target, listed) + options) as copy:
        for block in data:
            copy.write(block)
