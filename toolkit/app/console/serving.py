"""Serving the application: the socket, the address to open, and the end."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import uvicorn

from toolkit.app.command import Call
from toolkit.app.console.application import application
from toolkit.app.console.beginning import Starter
from toolkit.app.console.opening import opened
from toolkit.app.console.safety.entrance import Entrance
from toolkit.app.console.safety.guard import guarded
from toolkit.app.console.safety.listening import Users, settled
from toolkit.app.console.site import Site
from toolkit.app.control import utc_now
from toolkit.config import console
from toolkit.errors import InputError

GRACE = 2
"""Seconds that requests under way may take when the console ends."""


def serve(call: Call, listen: str, *, open_browser: bool) -> None:
    """Serve the pages until Ctrl-C.

    Args:
        listen: ADDRESS:PORT.
        open_browser: opens them in this machine's browser.

    Raises:
        InputError: the address cannot be listened on, or `inventory/console.yml` is not right.
        RefusedError: it is not this machine's alone, and nobody has said who may come in.
    """
    host, port = _place(listen)
    users = _users(call)
    config = users.config
    settled(host, port, config, file=users.file)
    taken = _taken(host, port)
    names = settled(host, taken.getsockname()[1], config, file=users.file)
    scheme = "https" if config.certificate else "http"
    root = f"{scheme}://{_shown(host if host.lower() in names.local else config.names[0])}:{names.port}/"
    entrance = Entrance(users, announce=lambda token: call.note(f"a new address: {root}?token={token}"), tell=call.note)
    site = Site(control=call.control, starter=Starter(control=call.control, now=utc_now))
    address = root if entrance.by_name else f"{root}?token={entrance.token}"
    how = "sign in there by name" if entrance.by_name else "the address opens it once"
    call.note(f"the console is at {address}\nit ends with Ctrl-C; {how}")
    made = application(site)
    server = _Server(
        uvicorn.Config(
            guarded(made, entrance=entrance, names=names, proxies=config.proxies),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE,
            ssl_certfile=config.certificate,
            ssl_keyfile=config.key,
        )
    )
    server.ending = made.state.watching.close
    with opened(address, call.control.directory) if open_browser else nullcontext(lambda: None) as browse:
        server.begun = browse
        server.run(sockets=[taken])


def _users(call: Call) -> Users:
    control = call.control
    known = control.has_inventory or control.inventory
    inventory = control.inventory_directory() if known else control.directory / "inventory"
    return Users(inventory / console.FILE, control=control.directory, tell=call.note)


class _Server(uvicorn.Server):
    """A server that says when it has begun, and when it is about to end."""

    begun: Callable[[], None]
    ending: Callable[[], Awaitable[None]]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self.begun()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End to serve."""
        await self.ending()
        await super().shutdown(sockets)


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
