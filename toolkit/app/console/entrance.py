"""Who may come in: a token that is printed becomes a session."""

from __future__ import annotations

import getpass
import hmac
import secrets
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "playback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who may come in.

    Attributes:
        name: who it is.
        operator: whether forms may be sent, not only read.
        csrf: what every form of the session holds.
    """

    name: str
    operator: bool
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))


@dataclass(slots=True, kw_only=True)
class Entrance:
    """The sessions there are, and the token that begins one."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    sessions: dict[str, Session] = field(default_factory=dict)


class EntranceMiddleware:
    """Lets nobody in without a session."""

    def __init__(self, app: ASGIApp, entrance: Entrance) -> None:
        self._app, self._entrance = app, entrance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on with its session."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if request.url.path.startswith("/static/"):
            await self._app(scope, receive, send)
            return
        given = request.query_params.get("token", "")
        if given and hmac.compare_digest(given.encode(), self._entrance.token.encode()):
            name = secrets.token_urlsafe(24)
            self._entrance.sessions[name] = Session(name=getpass.getuser(), operator=True)
            self._entrance.token = secrets.token_urlsafe(24)
            response = RedirectResponse("/", status_code=303)
            response.set_cookie(COOKIE, name, httponly=True, samesite="strict")
            await response(scope, receive, send)
            return
        session = self._entrance.sessions.get(request.cookies.get(COOKIE, ""))
        if session is None:
            await PlainTextResponse("open the address that the console printed", status_code=401)(scope, receive, send)
            return
        request.state.session = session
        await self._app(scope, receive, send)
