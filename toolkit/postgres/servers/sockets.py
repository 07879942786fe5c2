"""Where a private server listens: a socket in a directory that its owner alone reaches, or a port."""

from __future__ import annotations

import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from toolkit.errors import DatabaseError
from toolkit.postgres.servers.account import Account, lets_everyone_pass

SOCKET = ".s.PGSQL.5432"
_LONGEST = 103
"""Bytes in the path of a socket: what macOS and the BSDs allow; Linux has four more."""


def free_port() -> int:
    """Give a port of the loopback address that nobody has."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def fits(directory: Path) -> bool:
    """Tell whether a socket can be in a directory: its path is short, and libpq takes it for one path."""
    return len(os.fsencode(directory / SOCKET)) <= _LONGEST and "," not in str(directory)


def short_directory(account: Account) -> Path:
    """Make a new private directory of the account with a short path and a name that nobody can foresee.

    Raises:
        DatabaseError: there is no place for one.
    """
    places = [os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp", "/var/tmp"]
    for place in places:
        if not place or not Path(place).is_dir() or not fits(Path(place, "playback-12345678")):
            continue
        if account.number is not None and not lets_everyone_pass(Path(place)):
            continue
        if any(letter in place for letter in "'\"\\\n"):
            continue
        with suppress(OSError):
            made = Path(tempfile.mkdtemp(prefix="playback-", dir=place)).resolve()  # which nobody else can enter
            account.own(made)
            return made
    raise DatabaseError(
        "the path of the embedded server is too long for a socket, and there is no directory for one",
        hint="set TMPDIR to a directory with a short path",
    )
