"""By which name the console is asked, and from whose page.

A page of somebody else can have its own name lead to this machine (DNS rebinding) and then read all that we answer, so
only names count that are ours. It can send us forms as well; browsers say then where they come from.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from toolkit.app.console.safety.refusal import Refusal

LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""What a machine calls itself."""

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_PORTS: Final = {"http": "80", "https": "443"}
_READING: Final = ("GET", "HEAD")
_OWN: Final = ("same-origin", "none")
_FRAMES: Final = ("iframe", "frame", "object", "embed", "fencedframe")


class Names(Struct, frozen=True, kw_only=True):
    """By which names the console is reached.

    Attributes:
        local: those of this machine, on the port that is listened on.
        port: that port.
        others: names that a person has listed, on any port, by TLS alone.
    """

    local: frozenset[str]
    port: int
    others: frozenset[str] = frozenset()


class OriginsMiddleware:
    """Refuses what is asked by a name that is not ours, or sent by a page that is not ours."""

    def __init__(self, app: ASGIApp, names: Names) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] != "http":
            # there are no websockets here, and nothing else is begun by a browser
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = self._by_name(scope) or _by_method(scope) or _by_origin(scope)
        await (refusal.response() if refusal else self._app)(scope, receive, send)

    def _by_name(self, scope: Scope) -> Refusal | None:
        hosts = Headers(scope=scope).getlist("host")
        found = _HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
        name, port = (found["name"].strip("[]"), found["port"]) if found else ("", None)
        if name in self._names.local and (port or _PORTS[scope["scheme"]]) == str(self._names.port):
            return None
        if name not in self._names.others:
            return Refusal(
                status=421,
                title="This is not a name of the console",
                text="The console does not answer by the name in this address.",
                hint="Use the address that it printed, or add the name to `names` in inventory/console.yml and start"
                " the console again.",
            )
        if scope["scheme"] != "https":
            return Refusal(
                status=403,
                title="By https alone",
                text="From elsewhere the console is reached by https alone.",
                hint="Begin the address with https://. Behind a reverse proxy, name the proxy's address under"
                " `proxies` in inventory/console.yml, and have it say X-Forwarded-Proto.",
            )
        return None


def _by_method(scope: Scope) -> Refusal | None:
    if scope["method"] in (*_READING, "POST"):
        return None
    return Refusal(status=405, title="Not done here", text="Pages are read, and forms are sent; nothing else.")


def _by_origin(scope: Scope) -> Refusal | None:
    headers = Headers(scope=scope)
    reading = scope["method"] in _READING
    site = headers.get("sec-fetch-site")
    own = f"{scope['scheme']}://{headers['host']}".lower()
    if any(origin.lower() != own for origin in headers.getlist("origin")):
        return _FOREIGN
    if site is None:
        # old browsers say nothing when a page is read, which then has no cookie if another site asked for it
        return None if reading or "origin" in headers else _FOREIGN
    if site in _OWN:
        return None
    # a link on somebody else's page may be followed, in a window of its own
    followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") not in _FRAMES
    return None if reading and followed else _FOREIGN


_FOREIGN: Final = Refusal(
    status=403,
    title="This came from another page",
    text="Another page than one of the console asked for this, so nothing was done.",
    hint="Open the console itself, and do it there. If this was a page of the console, a reverse proxy in between"
    " changes the names: see the guide.",
)
