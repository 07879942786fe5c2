"""A server of its own that may be killed and started again."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psycopg

from toolkit.errors import DatabaseError
from toolkit.postgres.servers import embedded

PATIENCE = 60.0
"""Seconds in which a server has to be there again."""


class CrashingServer:
    """An embedded server that nobody else uses; unlike other test servers it keeps what it has committed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.server = embedded.start(directory, version=18)

    def kill_backend(self, pid: int) -> None:
        """Kill one of the server's processes, at which it ends all sessions and recovers; returns when it has."""
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with psycopg.connect(self.server.superuser) as connection:
                    gone = connection.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() is None
            except psycopg.OperationalError:
                gone = False
            if gone:
                return
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def restart(self, how: signal.Signals) -> None:
        """End the server by a signal, and start it again.

        Args:
            how: SIGINT ends it in order, SIGQUIT at once, and SIGKILL leaves its processes to find out by themselves.
        """
        postmaster = int((self.server.directory / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, how)
        deadline = time.monotonic() + PATIENCE
        while _alive(postmaster):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        while True:
            try:
                embedded.start(self._directory)
            except DatabaseError:
                # processes of the old server may not have noticed yet
                assert time.monotonic() < deadline
                time.sleep(0.1)
            else:
                return


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
