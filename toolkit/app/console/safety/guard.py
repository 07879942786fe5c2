"""The whole of it: an application with everything that stands before it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from toolkit.app.console.safety.bodies import BodiesMiddleware
from toolkit.app.console.safety.entrance import Entrance
from toolkit.app.console.safety.gate import GateMiddleware
from toolkit.app.console.safety.headers import HeadersMiddleware
from toolkit.app.console.safety.origins import Names, OriginsMiddleware


def guarded(app: ASGIApp, *, entrance: Entrance, names: Names, proxies: Sequence[str] = ()) -> ASGIApp:
    """Put everything before an application that keeps strangers out of it.

    Args:
        names: by which it is reached.
        proxies: addresses and networks whose forwarded headers are believed.
    """
    made: ASGIApp = GateMiddleware(app, entrance, port=names.port)
    made = OriginsMiddleware(BodiesMiddleware(made), names)
    made = HeadersMiddleware(made)
    # uvicorn itself must be told to believe nobody: it trusts this machine by default
    return ProxyHeadersMiddleware(made, list(proxies)) if proxies else made  # type: ignore[arg-type, return-value]
