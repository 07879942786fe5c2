"""Connections, with the settings under which the text of every value is the same everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from toolkit.errors import DatabaseError, RefusedError, UnreachableError
from toolkit.postgres.session import stalling
from toolkit.postgres.session.stalling import StalledError, Watch, bounded

Connection = psycopg.Connection[tuple[Any, ...]]

SETTINGS = {
    # what pg_dump sets, so that output is the same on every server (src/bin/pg_dump/pg_dump.c, setup_connection)
    "client_encoding": "UTF8",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmloption": "content",
    "lc_monetary": "C",
    # what a database or role may be set to that changes how text is read
    "array_nulls": "on",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "synchronize_seqscans": "off",
    "row_security": "off",
    "search_path": "pg_catalog",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",  # 17 and later
    # a transaction that may only read can make no temporary table, and restores nothing
    "default_transaction_read_only": "off",
    "default_table_access_method": "heap",
    "quote_all_identifiers": "off",
    # who is gone holds no locks for long
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
    "jit": "off",
    "work_mem": "64MB",
    "client_min_messages": "warning",
}


_INTERVAL = 0.1
"""Seconds after which a wait looks around: for an interruption, and for a stall."""


class InterruptibleConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that an interruption ends where the server is still busy with it.

    Nothing more can be said in such a session: whoever wants to tidy up would get an error of the client, and take that
    for a lost connection to be made anew.
    """

    watch: Watch | None = None
    """What notices that it has stalled."""

    def wait(self, gen: Any, interval: float = _INTERVAL, timeout: float | None = None) -> Any:
        """Wait for the server; KeyboardInterrupt, whatever the cancelled statement said in the end."""
        try:
            if self.watch is not None:
                try:
                    # most often all is there already
                    gen = self.watch.over(gen, next(gen))
                except StopIteration as ended:
                    return ended.value
            return super().wait(gen, interval, timeout)
        except KeyboardInterrupt:
            self._end()
            raise
        except psycopg.Error as error:
            if isinstance(error, StalledError):
                self.close()  # the server is not told: that would wait as well
            if not isinstance(error.__context__, KeyboardInterrupt):
                raise
            self._end()
            raise error.__context__ from None

    def _end(self) -> None:
        if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
            self.close()


@contextmanager
def connect(conninfo: str, *, application: str = "playback") -> Iterator[Connection]:
    """Open a connection with SETTINGS and close it at the end.

    Args:
        conninfo: libpq URI or keywords.
        application: shown in pg_stat_activity.

    Raises:
        DatabaseError: the server cannot be reached or refuses the log-in, or, inside the block, any error of the
            server that nobody handled.
        RefusedError: the database is not in UTF-8.
    """
    with explaining(conninfo), session(conninfo, application=application) as connection:
        yield connection


@contextmanager
def session(conninfo: str, *, application: str = "playback") -> Iterator[Connection]:
    """As `connect`, but errors of the server inside the block go through as they are, for those who can deal with them.

    Raises:
        UnreachableError: the server cannot be reached or refuses the log-in.
        RefusedError: the database is not in UTF-8.
    """
    try:
        connection = InterruptibleConnection.connect(bounded(conninfo), autocommit=True, application_name=application)
    except psycopg.OperationalError as error:
        raise UnreachableError(
            f"cannot connect to {describe(conninfo)}: {first_line(error)}",
            hint="is the server running, and are host, port, database, user and password in the inventory right?",
        ) from error
    connection.watch = Watch(conninfo, connection.info.backend_pid, stalling.PATIENCE)
    with connection:
        prepare(connection)
        yield connection


@contextmanager
def explaining(conninfo: str) -> Iterator[None]:
    """Turn any error of the server inside the block into a DatabaseError that says where and what to do."""
    try:
        yield
    except psycopg.Error as error:
        raise DatabaseError(f"{describe(conninfo)}: {first_line(error)}", hint=advice(error)) from error


def prepare(connection: Connection) -> None:
    """Apply SETTINGS to a session; RefusedError when the database's encoding is not UTF-8."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise RefusedError(
            f"database {connection.info.dbname} is encoded in {encoding}",
            hint="only UTF8 databases can be backed up and restored without loss",
        )
    connection.execute(
        "SELECT pg_catalog.set_config(s.name, s.value, false)"
        " FROM ROWS FROM (pg_catalog.unnest(%s::pg_catalog.text[]), pg_catalog.unnest(%s::pg_catalog.text[]))"
        " AS s (name, value) WHERE pg_catalog.current_setting(s.name, true) IS NOT NULL",
        [list(SETTINGS), list(SETTINGS.values())],
    )
    connection.prepare_threshold = None


def describe(conninfo: str) -> str:
    """Give a connection target for people: database, host and user, never a password."""
    try:
        parts = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        return "the database"
    host = parts.get("host") or "the local socket"
    port = f":{parts['port']}" if parts.get("port") else ""
    user = f" as {parts['user']}" if parts.get("user") else ""
    return f"database {parts.get('dbname') or '(default)'} on {host}{port}{user}"


def first_line(error: BaseException) -> str:
    """Give the first line of an error's message, without libpq's prefix."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
        return f"{error.diag.message_primary}{detail}"
    # libpq explains in further lines that begin with a tab
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("\t")]
    return lines[-1].removeprefix("FATAL:").strip() if lines else type(error).__name__


def advice(error: psycopg.Error) -> str:
    """Give what to do about a server error, by its SQLSTATE class; empty when there is nothing general to say."""
    state = error.sqlstate or ""
    if state == "42501":
        return "grant the role the missing privilege, or run as the owner of the tables"
    if state == "55P03":
        return "another session holds rows or tables: find it with pg_blocking_pids, let it end, then run again"
    if state.startswith("53"):
        return "the server ran out of a resource (disk, memory or connections); free some and run again"
    if state.startswith(("08", "57")) or (not state and isinstance(error, psycopg.OperationalError)):
        return "the connection ended; see the server's log, then run again"
    return ""
