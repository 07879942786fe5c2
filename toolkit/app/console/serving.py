"""Serving the application: the socket, the address to open, and the end."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable

import uvicorn

from toolkit.app.command import Call
from toolkit.app.console.application import application
from toolkit.app.console.beginning import Starter
from toolkit.app.console.entrance import Entrance
from toolkit.app.console.site import Site
from toolkit.app.control import utc_now
from toolkit.errors import InputError


def serve(call: Call, listen: str, *, open_browser: bool) -> None:
    """Serve the pages until Ctrl-C.

    Args:
        listen: ADDRESS:PORT.
        open_browser: opens them in this machine's browser.

    Raises:
        InputError: the address cannot be listened on.
    """
    host, port = _place(listen)
    taken = _taken(host, port)
    entrance = Entrance()
    site = Site(control=call.control, starter=Starter(control=call.control, now=utc_now))
    address = f"http://{_shown(host)}:{taken.getsockname()[1]}/?token={entrance.token}"
    call.note(f"the console is at {address}\nit ends with Ctrl-C; the address opens it once")
    config = uvicorn.Config(application(site, entrance), log_level="warning", access_log=False, lifespan="off")
    _Server(config, (lambda: webbrowser.open(address)) if open_browser else lambda: None).run(sockets=[taken])


class _Server(uvicorn.Server):
    """A server that says when it has begun."""

    def __init__(self, config: uvicorn.Config, begun: Callable[[], object]) -> None:
        super().__init__(config)
        self._begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self._begun()


def _place(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise InputError(f"--listen: {listen!r} is not ADDRESS:PORT", hint="e.g. --listen 127.0.0.1:8642")
    return host.strip("[]"), int(port)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _taken(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise InputError(
            f"--listen: {_shown(host)}:{port} cannot be listened on: {error.strerror or error}",
            hint="another console may run there; name another port, e.g. --listen 127.0.0.1:8643",
        ) from error
