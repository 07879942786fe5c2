"""Connections that have stalled: nothing comes any more, and nobody says that they are lost.

TCP itself notices a peer that is gone, by probes that nobody answers. Where something in between goes on answering,
such as a proxy or a load balancer that has lost its other side, only the server can tell: while a statement is silent
for long, it is asked through a second connection whether it is still at work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from typing import Any

import psycopg
from msgspec import Struct
from psycopg import pq, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from toolkit import stopping


class Patience(Struct, frozen=True, kw_only=True):
    """How long a server that says nothing is waited for, in seconds.

    Attributes:
        silence: without a byte from the server before it is asked whether it is at work; a tenth of that later again.
        answer: for a connection to be made, and for the answer to that question.
        probes: until a peer that answers no probe of TCP is taken for gone.
    """

    silence: float = 300
    answer: int = 30
    probes: int = 120


PATIENCE = Patience()

_PROBES = 6
"""Probes of TCP in a row that go unanswered before the connection is given up."""


class StalledError(psycopg.OperationalError):
    """A connection on which nothing comes any more."""


class GivenUpError(psycopg.OperationalError):
    """A statement whose result nobody wants any more."""


Steps = Generator[Any, Any, Any]


def bounded(conninfo: str, patience: Patience = PATIENCE) -> str:
    """Add limits to all waiting that TCP does to a conninfo, where the user has set none, there or by environment."""
    given = {option.keyword.decode() for option in pq.Conninfo.get_defaults() if option.val and option.envvar}
    given |= {name for name, value in conninfo_to_dict(conninfo).items() if value is not None}
    idle = max(1, patience.probes // 2)
    limits = {
        "connect_timeout": patience.answer,
        "keepalives_idle": idle,
        "keepalives_interval": max(1, (patience.probes - idle) // _PROBES),
        "keepalives_count": _PROBES,
        "tcp_user_timeout": patience.probes * 1000,
    }
    if "service" in given:  # its file may have set them
        return conninfo
    return make_conninfo(conninfo, **{name: value for name, value in limits.items() if name not in given})


class Watch:
    """Watches what a connection waits for.

    Args:
        conninfo: how the server is reached once more.
        process: the number of the connection's process on the server.

    Attributes:
        conninfo: the same.
        pooled: the number is a pooler's, which keeps those of the server to itself: all that is known is whether it can
            be reached.
        given_up: set, by another thread, when the connection's statements are not wanted any more.
    """

    pooled = False
    given_up: threading.Event | None = None

    def __init__(self, conninfo: str, process: int, patience: Patience) -> None:
        self.conninfo = conninfo
        self._process = process
        self._patience = patience

    def check(self, *, stop: bool = True) -> None:
        """Look whether it is worth to wait.

        Raises:
            KeyboardInterrupt: the thread is to stop; not looked at without `stop`.
            GivenUpError: nobody waits for what comes any more.
        """
        if stop:
            stopping.check()
        if self.given_up is not None and self.given_up.is_set():
            raise GivenUpError("the statement is given up")

    def over(self, steps: Steps, state: Any) -> Steps:
        """Give the steps of a statement that has come to wait for something.

        Raises:
            StalledError: the connection has stalled.
            GivenUpError: nobody waits for it any more.
        """
        heard, due, suspected = time.monotonic(), self._patience.silence, False
        while True:
            ready = yield state
            self.check(stop=not ready)
            if ready:
                heard, due, suspected = time.monotonic(), self._patience.silence, False
            elif time.monotonic() - heard > due:
                reason = self._why_stalled()
                if reason and suspected:
                    silent = time.monotonic() - heard
                    raise StalledError(f"the connection has stalled: nothing came for {silent:.0f} s, and {reason}")
                # an answer may be on its way just now
                suspected = bool(reason)
                due += self._patience.silence * (0.1 if suspected else 1)
            try:
                state = steps.send(ready)
            except StopIteration as ended:
                return ended.value

    def _why_stalled(self) -> str:
        """What shows that nothing will come any more; empty when the server is at work, or cannot be asked."""
        found = _asked(self.conninfo, self._patience, "pid", self._process, known=not self.pooled)
        if isinstance(found, str):
            return found
        if found[0] is None:
            return "the server has ended it"
        return "the server waits for us" if found[1] == "Client" else ""


class Lookout:
    """Watches what a program of PostgreSQL waits for: two looks in a row that find the same, and no reason to wait.

    Args:
        conninfo: how the server is reached once more.
        name: the program's application name there, which no other session has.
        process: the program's number here.
    """

    def __init__(self, conninfo: str, name: str, process: int, patience: Patience) -> None:
        self._conninfo, self._name, self._process, self._patience = conninfo, name, process, patience
        self._due = time.monotonic() + patience.silence
        self._before: tuple[str, object] | None = None

    def __call__(self) -> None:
        """Look, where it is time for it; StalledError where the program's connection has stalled."""
        if time.monotonic() < self._due:
            return
        found = self._found()
        if found is not None and found == self._before:
            raise StalledError(f"the connection has stalled: {found[0]}")
        self._before = found
        self._due = time.monotonic() + self._patience.silence * (1 if found is None else 0.1)

    def _found(self) -> tuple[str, object] | None:
        """Why it should not be waited for, and what would be another one if it went on; None where it is at work."""
        found = _asked(self._conninfo, self._patience, "application_name", self._name)
        if isinstance(found, str):
            return (found, None) if found else None
        import psutil  # noqa: PLC0415 - of a server that says nothing for minutes

        try:
            used = psutil.Process(self._process).cpu_times()[:2]
        except psutil.Error:
            return None
        return ("the server waits for the program", (found, used)) if found[1] == "Client" else None


def _asked(
    conninfo: str, patience: Patience, column: str, value: object, *, known: bool = True
) -> str | tuple[object, ...]:
    """Ask a server for a session of its own: its number, what it waits for, and since when.

    Args:
        column: of pg_stat_activity, which has that value.
        known: whether the server can know it; else it is only asked whether it can be reached.

    Returns:
        Text where there is none: why the server cannot be asked, or nothing where it does not matter.
    """

    def ask() -> str | tuple[object, ...]:
        try:
            with psycopg.connect(
                bounded(conninfo, patience), autocommit=True, application_name="playback watch"
            ) as connection:
                row = connection.execute(
                    sql.SQL(
                        "SELECT pid, wait_event_type, state_change FROM (SELECT) AS one"
                        " LEFT JOIN pg_catalog.pg_stat_activity ON {} = %s"
                    ).format(sql.Identifier(column)),
                    [value],
                ).fetchone()
                return row if known and row is not None else ""
        except psycopg.Error as error:
            # one that the server itself refuses, for want of connections say, proves that it can be reached
            return "" if error.sqlstate else f"the server cannot be reached anew: {_last_line(error)}"

    try:
        return stopping.begun(ask).result(patience.answer * 2)
    except TimeoutError:
        return "the server does not answer on a second connection either"


def _last_line(error: psycopg.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
