"""Ports for servers that cannot choose one themselves."""

from __future__ import annotations

import errno
import random
import socket

_BELOW = range(15_000, 32_000)
"""From these no system takes the port of an outgoing connection, which could come between choosing and listening."""


def free_port() -> int:
    """Give a port of this machine on which nobody listens, drawn so that two processes hardly choose the same."""
    while True:
        port = random.SystemRandom().choice(_BELOW)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
            else:
                return port
