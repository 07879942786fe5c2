"""Connections, with the settings under which the text of every value is the same everywhere."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import Params
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from toolkit.errors import DatabaseError, RefusedError, RowsRefusedError, UnreachableError
from toolkit.postgres.session import stalling
from toolkit.postgres.session.advice import advice, advice_on_log_in
from toolkit.postgres.session.qualifying import QualifyingCursor
from toolkit.postgres.session.settings import SETTINGS, TIMEOUTS
from toolkit.postgres.session.stalling import GivenUpError, StalledError, Watch, bounded

# what the driver says to itself of a lost connection is told by errors of ours
logging.getLogger("psycopg").addHandler(logging.NullHandler())

_INTERVAL = 0.1
"""Seconds after which a wait looks around: for an interruption, and for a stall."""

_CANCEL_SECONDS = 5.0
"""Seconds that the server is given to take note that a statement is given up."""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that an interruption ends where the server is still busy with it.

    Nothing more can be said in such a session: whoever wants to tidy up would get an error of the client, and take that
    for a lost connection to be made anew.

    Behind a pooler a session of the server is this one's for the length of a transaction only, and others have it next.
    So whatever is asked there is asked in a transaction, whose settings end with it.
    """

    watch: Watch | None = None
    """What notices that it has stalled."""

    pooled: bool = False
    """Whether a pooler gives the session to others when a transaction ends."""

    local: Mapping[str, str] = MappingProxyType({})
    """The settings with which every transaction begins behind a pooler."""

    @property
    def server(self) -> str:
        """The version of the server, e.g. `18.1`."""
        version = self.info.server_version
        return f"{version // 10000}.{version % 10000}"

    def execute(
        self, query: Any, params: Params | None = None, *, prepare: bool | None = None, binary: bool = False
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run a statement as psycopg does; behind a pooler never outside a transaction."""
        if not self.local or self.info.transaction_status != TransactionStatus.IDLE:
            return super().execute(query, params, prepare=prepare, binary=binary)
        if isinstance(query, str) and query.startswith("BEGIN"):
            begun = super().execute(query)
            self._settle()
            return begun
        with self.transaction():
            return super().execute(query, params, prepare=prepare, binary=binary)

    @contextmanager
    def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> Iterator[psycopg.Transaction]:
        """Run the block in a transaction, or in one within it."""
        begins = self.info.transaction_status == TransactionStatus.IDLE
        with super().transaction(savepoint_name, force_rollback) as transaction:
            if begins and self.local:
                self._settle()
            yield transaction

    def keep_setting(self, name: str, value: str) -> None:
        """Set something for all that this connection still does."""
        if self.pooled:
            self.local = {**self.local, name: value}
        else:
            self.execute("SELECT pg_catalog.set_config(%s, %s, false)", [name, value])

    def reset_settings(self) -> None:
        """Take the role's own settings instead of ours from here on."""
        if self.pooled:
            self.local = {}
        else:
            self.execute("RESET ALL")

    def _settle(self) -> None:
        # SET takes no snapshot; a query would, and locks have to come before it
        settings = [
            sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(name), sql.Literal(value))
            for name, value in self.local.items()
        ]
        super().execute(sql.SQL("; ").join(settings))

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
            elif isinstance(error, GivenUpError):
                self._end(tell=True)
            if not isinstance(error.__context__, KeyboardInterrupt):
                raise
            self._end()
            raise error.__context__ from None

    def _end(self, *, tell: bool = False) -> None:
        if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
            if tell:
                with suppress(psycopg.Error):
                    self.cancel_safe(timeout=_CANCEL_SECONDS)
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
        connection = Connection.connect(
            bounded(untimed(conninfo)), autocommit=True, application_name=application, cursor_factory=QualifyingCursor
        )
    except psycopg.OperationalError as error:
        raise UnreachableError(
            f"cannot connect to {describe(conninfo)}: {first_line(error)}", hint=advice_on_log_in(str(error))
        ) from error
    connection.watch = Watch(conninfo, connection.info.backend_pid, stalling.PATIENCE)
    with connection:
        _prepare(connection)
        yield connection


def untimed(conninfo: str) -> str:
    """Give a conninfo whose sessions begin without the limits of time that its options, or PGOPTIONS, set.

    Such a limit may be shorter than it takes to switch it off.
    """
    options = str(conninfo_to_dict(conninfo).get("options") or os.environ.get("PGOPTIONS") or "")
    limits = [name for name in TIMEOUTS if name in options.replace("-", "_")]
    if not limits:
        return conninfo
    return make_conninfo(conninfo, options=" ".join([options, *(f"-c {name}=0" for name in limits)]))


@contextmanager
def explaining(conninfo: str) -> Iterator[None]:
    """Turn any error of the server inside the block into a DatabaseError that says where and what to do."""
    try:
        yield
    except psycopg.Error as error:
        kind = RowsRefusedError if isinstance(error, psycopg.IntegrityError | psycopg.DataError) else DatabaseError
        raise kind(f"{describe(conninfo)}: {first_line(error)}", hint=advice(error)) from error


def _prepare(connection: Connection) -> None:
    """Apply SETTINGS to a session; RefusedError when the database's encoding is not UTF-8."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise RefusedError(
            f"database {connection.info.dbname} is encoded in {encoding}",
            hint="only UTF8 databases can be backed up and restored without loss",
        )
    # a statement prepared in one session is unknown in the next, and stays in the pool
    connection.prepare_threshold = None
    # rows are looked at anew behind a lock: by a snapshot of before it, one that others inserted would be written twice
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    names = list(SETTINGS)
    row = connection.execute(_SESSION, [names]).fetchone()
    assert row is not None
    process, known, reads_only = row
    # a pooler gives numbers of its own
    connection.pooled = process != connection.info.backend_pid
    settings = {name: SETTINGS[name] for name in names if name in known}
    if connection.pooled:
        assert connection.watch is not None
        connection.watch.pooled = True
        # what a transaction is by default is settled before its first statement
        connection.local = {**({"transaction_read_only": "off"} if reads_only else {}), **settings}
    else:
        connection.execute(_SET, [list(settings), list(settings.values())])


_SESSION = """
SELECT pg_catalog.pg_backend_pid(),
       ARRAY(SELECT name FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS name
             WHERE pg_catalog.current_setting(name, true) IS NOT NULL),
       pg_catalog.current_setting('default_transaction_read_only')::pg_catalog.bool
       AND NOT pg_catalog.pg_is_in_recovery()
"""

_SET = """
SELECT pg_catalog.set_config(s.name, s.value, false)
FROM ROWS FROM (pg_catalog.unnest(%s::pg_catalog.text[]), pg_catalog.unnest(%s::pg_catalog.text[])) AS s (name, value)
"""


def another_database(conninfo: str, name: str) -> str:
    """Give the conninfo of another database of the same server."""
    return make_conninfo(conninfo, dbname=name)


@contextmanager
def full_names(connection: Connection) -> Iterator[None]:
    """Inside, the server prints names with their schemas, those of pg_catalog excepted, whatever the search path is.

    So the types and definitions that it prints are the same for every role.
    """
    idle = connection.info.transaction_status is TransactionStatus.IDLE
    with connection.transaction(force_rollback=True) if idle else nullcontext():
        row = connection.execute(
            "SELECT current_setting('search_path'), set_config('search_path', 'pg_catalog', true)"
        ).fetchone()
        try:
            yield
        finally:
            if row and connection.info.transaction_status is TransactionStatus.INTRANS:
                connection.execute("SELECT set_config('search_path', %s, true)", [row[0]])


def describe(conninfo: str) -> str:
    """Give a connection target for people: database, host and user, never a password."""
    try:
        parts = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        return "the database"
    service = parts.get("service")
    host = parts.get("host") or (f"service {service}" if service else "the local socket")
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


def refuse_standby(connection: Connection) -> None:
    """Raise RefusedError where the server only follows another one."""
    if connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
        raise RefusedError(
            f"database {connection.info.dbname} is on a standby, which takes no writes",
            hint="name the primary in the inventory; where the address names several servers,"
            " `target_session_attrs=primary` finds it",
        )
