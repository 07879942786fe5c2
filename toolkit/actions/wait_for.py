"""The action `wait_for`: wait until something is there."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from toolkit.actions.action import Action, ExactlyOne, Needs
from toolkit.actions.arguments import Arguments, Seconds, Text, about
from toolkit.actions.context import Context
from toolkit.actions.targets import connection_to
from toolkit.errors import DatabaseError, TaskError
from toolkit.model.outcome import Outcome, Progress
from toolkit.postgres.session import statements

TIMEOUT = 300.0
DELAY = 1.0
_SLICE = 0.2
_CONNECT_SECONDS = 5.0


class WaitForArguments(Arguments, frozen=True, kw_only=True):
    """What is waited for, and how long."""

    port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | None,
        about("Wait until something listens on this TCP port.", 5432),
    ] = None
    host: Annotated[Text, about("The machine of the port.", "db.example.org")] = "127.0.0.1"
    path: Annotated[Text, about("Wait until this path exists; relative to the control directory.", "exports/done")] = ""
    sql: Annotated[Text, about("Wait until this query's first value is true.", "SELECT count(*) > 0 FROM orders")] = ""
    timeout: Annotated[Seconds, about("Seconds after which the task fails.", 60)] = TIMEOUT
    delay: Annotated[Annotated[float, Meta(ge=0)], about("Seconds between two looks.", 0.5)] = DELAY


def run(arguments: WaitForArguments, context: Context) -> Outcome:
    """Look every `delay` seconds until `port` answers, `path` exists or the first value of `sql` is true.

    Skipped in check mode, which does not make what is waited for.

    Raises:
        TaskError: it did not happen within `timeout` seconds; with what the last look found.
    """
    what, look = _look(arguments, context)
    if context.check:
        return Outcome(skipped=f"check mode: would wait for {what}")
    started = time.monotonic()
    timeout = arguments.timeout
    while (found := look()) is not None:
        left = started + timeout - time.monotonic()
        if left <= 0:
            raise TaskError(f"waited {timeout:g} s for {what}: {found}")
        context.progress.note(what)
        _sleep(min(arguments.delay, left), context.progress)
    passed = time.monotonic() - started
    return Outcome(message=f"{what} is there", facts={"elapsed": round(passed, 3)})


def _sleep(seconds: float, progress: Progress) -> None:
    """Sleep in slices: telling of progress is how a host that runs beside others learns of Ctrl-C."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _SLICE))
        progress.advance()


def _look(arguments: WaitForArguments, context: Context) -> tuple[str, Callable[[], str | None]]:
    """What is waited for, and a function that gives None once it is there, else what is found instead."""
    if arguments.port is not None:
        host, port = arguments.host, arguments.port
        return f"port {port} of {host}", lambda: _port(host, port)
    if arguments.path:
        path = context.inventory.directory / Path(arguments.path).expanduser()
        return f"path {arguments.path}", lambda: None if path.exists() else "it does not exist"
    return "the query to be true", lambda: _query(context, arguments.sql)


def _port(host: str, port: int) -> str | None:
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _query(context: Context, query: str) -> str | None:
    try:
        with connection_to(context, context.host, "wait_for") as connection:
            answer = statements.run(connection, query, None, read_only=True)
    except DatabaseError as error:
        return error.message
    except statements.WriteRefusedError:
        return "the query writes, which it must not"
    values = [value for row in answer.rows[:1] for value in row.values()]
    return None if values[:1] and values[0] else f"it gives {values[0] if values else 'no row'}"


ACTION = Action(
    name="wait_for",
    does="Wait until a port answers, a path exists or an SQL condition holds.",
    examples=({"port": 5432, "timeout": 60}, {"path": "exports/done"}),
    arguments=WaitForArguments,
    run=run,
    rules=(ExactlyOne(("port", "path", "sql")), Needs("host", "port")),
    on_leader=("path",),
)
