"""Sessions for somebody who waits for a page: no statement, and no attempt to connect, takes longer than that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from toolkit.errors import DatabaseError
from toolkit.postgres.session.connection import Connection, connect, describe
from toolkit.stopping import stopped_when


@contextmanager
def connect_within(conninfo: str, seconds: float | None, *, application: str) -> Iterator[Connection]:
    """Open a connection as `connect` does; the block ends by an error once it has waited for the server that long.

    Args:
        seconds: None for as long as it takes.

    Raises:
        DatabaseError: as `connect` does, and when time is up.
    """
    if seconds is None:
        with connect(conninfo, application=application) as connection:
            yield connection
        return
    end = time.monotonic() + seconds
    with stopped_when(lambda: time.monotonic() > end):
        try:
            with connect(_hurried(conninfo, seconds), application=application) as connection:
                limit(connection, seconds)
                yield connection
        except KeyboardInterrupt:
            if time.monotonic() <= end:
                raise
            raise DatabaseError(
                f"{describe(conninfo)} has not answered within {seconds:g} seconds",
                hint="try again when it is less busy, or ask on the command line, which waits as long as it takes",
            ) from None


def limit(connection: Connection, seconds: float | None) -> None:
    """Let no statement take longer, in the current transaction or, outside of one, from here on."""
    if seconds is None:
        return
    value = str(round(seconds * 1000))
    if connection.info.transaction_status is TransactionStatus.IDLE:
        connection.keep_setting("statement_timeout", value)
    else:
        connection.execute("SELECT set_config('statement_timeout', %s, true)", [value])


def _hurried(conninfo: str, seconds: float) -> str:
    """A conninfo that waits no longer than that for a connection, unless it says itself how long."""
    if {"connect_timeout", "service"} & conninfo_to_dict(conninfo).keys():
        return conninfo
    return make_conninfo(conninfo, connect_timeout=max(2, round(seconds)))
