"""Rows as they come from the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from toolkit.postgres.schema.rows import read_copy
from toolkit.postgres.session.connection import Connection, connect

LONG = 100_000
"""Bytes of a row that comes in several pieces."""


@pytest.fixture
def connection(new_database: Callable[[], str]) -> Iterator[Connection]:
    """A connection to an empty database."""
    with connect(new_database()) as made:
        yield made


def query(what: str, rows: int) -> sql.Composed:
    """A query of some rows."""
    return sql.SQL("SELECT {} FROM generate_series(1, {}) AS g").format(sql.SQL(what), rows)


def test_every_row_comes_once_in_order(connection: Connection) -> None:
    """Rows of many batches, a row of more than one, and none: as the server sends them; the session goes on."""
    assert [int(row) for row in read_copy(connection, query("g", 200_000))] == list(range(1, 200_001))
    long = list(read_copy(connection, query(f"repeat('x', {LONG})", 3)))
    assert [len(row) for row in long] == [LONG + 1] * 3
    assert list(read_copy(connection, query("g", 0))) == []
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_error_in_the_middle_is_raised(connection: Connection) -> None:
    """A statement that fails after some rows raises what the server says, and the session goes on."""
    got: list[bytes] = []
    with pytest.raises(psycopg.errors.DivisionByZero):
        got.extend(bytes(row) for row in read_copy(connection, query("1 / (150000 - g)", 200_000)))
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_who_stops_reading_can_go_on_with_the_session(connection: Connection) -> None:
    """What is not read any more is cancelled."""
    rows = read_copy(connection, query("repeat('x', 1000)", 5_000_000))
    next(rows)
    rows.close()  # type: ignore[attr-defined]  # it is a generator
    assert connection.execute("SELECT 1").fetchone() == (1,)
