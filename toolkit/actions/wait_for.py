"""The action `wait_for`: wait until something is there."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from toolkit.actions.context import Context
from toolkit.actions.databases import open_database
from toolkit.actions.plain import plain
from toolkit.errors import DatabaseError, TaskError
from toolkit.model.outcome import Outcome, Progress
from toolkit.postgres.session import statements
from toolkit.postgres.session.connection import connect

TIMEOUT = 300.0
DELAY = 1.0
_SLICE = 0.2
_CONNECT_SECONDS = 5.0


def wait_for(arguments: Mapping[str, Any], context: Context) -> Outcome:
    """Look every `delay` seconds until `port` answers, `path` exists or the first value of `sql` is true.

    Skipped in check mode, which does not make what is waited for.

    Raises:
        TaskError: it did not happen within `timeout` seconds; with what the last look found.
    """
    what, look = _look(arguments, context)
    if context.check:
        return Outcome(skipped=f"check mode: would wait for {what}")
    started = time.monotonic()
    timeout = float(arguments.get("timeout", TIMEOUT))
    while (found := look()) is not None:
        left = started + timeout - time.monotonic()
        if left <= 0:
            raise TaskError(f"waited {timeout:g} s for {what}: {found}")
        context.progress.note(what)
        _sleep(min(float(arguments.get("delay", DELAY)), left), context.progress)
    passed = time.monotonic() - started
    return Outcome(message=f"{what} is there", facts={"elapsed": round(passed, 3)})


def _sleep(seconds: float, progress: Progress) -> None:
    """Sleep in slices: telling of progress is how a host that runs beside others learns of Ctrl-C."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _SLICE))
        progress.advance()


def _look(arguments: Mapping[str, Any], context: Context) -> tuple[str, Callable[[], str | None]]:
    """What is waited for, and a function that gives None once it is there, else what is found instead."""
    if "port" in arguments:
        host, port = str(arguments.get("host", "127.0.0.1")), int(arguments["port"])
        return f"port {port} of {host}", lambda: _port(host, port)
    if "path" in arguments:
        path = context.inventory.directory / Path(str(arguments["path"]))
        return f"path {arguments['path']}", lambda: None if path.exists() else "it does not exist"
    query = plain(arguments["sql"])
    database = plain(context.host.database)
    return "the query to be true", lambda: _query(context.inventory.directory, database, query)


def _port(host: str, port: int) -> str | None:
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _query(control: Path, database: str, query: str) -> str | None:
    try:
        with connect(open_database(control, database), application="playback wait_for") as connection:
            answer = statements.run(connection, query, None, read_only=True)
    except DatabaseError as error:
        return error.message
    except statements.WriteRefusedError:
        return "the query writes, which it must not"
    values = [value for row in answer.rows[:1] for value in row.values()]
    return None if values[:1] and values[0] else f"it gives {values[0] if values else 'no row'}"
