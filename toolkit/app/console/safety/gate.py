"""The gate: who asks, whether that person may, and whether a form is one that we made for that person."""

from __future__ import annotations

import hmac
import math
import re
import secrets
from typing import Final
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from toolkit.app.console.safety.bodies import FIELDS, again
from toolkit.app.console.safety.cookies import Cookies
from toolkit.app.console.safety.entrance import Entrance, HeldError
from toolkit.app.console.safety.headers import STATIC
from toolkit.app.console.safety.refusal import Refusal, shown
from toolkit.app.console.safety.sessions import Session
from toolkit.app.console.safety.watching import Watching

SIGN_IN: Final = "/sign-in"
SIGN_OUT: Final = "/sign-out"
TOKEN: Final = "csrf"
"""The field with the token that every form holds."""

_KNOWN_FOR: Final = 365 * 24 * 3600
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\x00-\x1f\\]{0,2000}")


class GateMiddleware:
    """Lets nobody in without a session, nobody act who may only look, and no form in that is not of the session."""

    def __init__(self, app: ASGIApp, entrance: Entrance, *, port: int) -> None:
        """Stand before an application.

        Args:
            port: the one that is listened on, for the names of cookies.
        """
        self._app, self._entrance, self._port = app, entrance, port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on with its session."""
        if scope["path"].startswith(STATIC):
            await self._app(scope, receive, send)
            return
        caller = _Caller(Request(scope, receive), self._entrance, self._port)
        if scope["method"] == "POST":
            body = await caller.request.body()
            answer = await self._posted(caller, body)
            receive = again(body, receive)
        else:
            answer = self._come_in(caller) or self._read(caller)
        if answer is not None or caller.session is None:
            await (answer or _UNKNOWN.response())(scope, receive, send)
            return
        caller.request.state.session = caller.session
        with Watching(caller.session, self._entrance.sessions, send) as watching:
            await self._app(scope, receive, watching.send)

    def _come_in(self, caller: _Caller) -> Response | None:
        """Let the browser in that shows the token which was printed."""
        request = caller.request
        token = request.query_params.get("token", "") if request.scope["path"] == "/" else ""
        if not token:
            return None
        # whatever writes down addresses from here on does not get it
        request.scope["query_string"] = b""
        if request.method != "GET" or "prefetch" in request.headers.get("sec-purpose", ""):
            return caller.outside()
        begun = self._entrance.take(token)
        if not begun:
            return _go("/") if caller.session else caller.outside(used=True)
        answer = _go("/") if request.headers.get("sec-fetch-site", "none") == "none" else _from_here("/")
        # the address with the token is told to nobody as the page that led here
        answer.headers["Referrer-Policy"] = "no-referrer"
        caller.cookies.give(answer, caller.cookies.session, begun)
        return answer

    def _read(self, caller: _Caller) -> Response | None:
        """Show somebody who has no session how to come in; nothing to those who have one."""
        request = caller.request
        if caller.session:
            return _go("/") if request.url.path == SIGN_IN else None
        to = quote(request.url.path) + (f"?{request.url.query}" if request.url.query else "")
        if request.headers.get("sec-fetch-site") == "cross-site" and _LOCAL_PATH.fullmatch(to):
            # a link on another site brings no cookie along; one of our own does
            return _from_here(to)
        return caller.outside(to="/" if request.url.path in (SIGN_IN, SIGN_OUT) else to)

    async def _posted(self, caller: _Caller, body: bytes) -> Response | None:
        """Answer a form that is not to get to the pages."""
        path, session = caller.request.url.path, caller.session
        if session is None and path != SIGN_IN:
            return caller.outside(wrong="You were signed out in the meantime, so nothing was done.")
        form = await _form(caller.request, body)
        if form is None:
            return _BROKEN.response()
        if path == SIGN_IN:
            return await self._sign_in(caller, form)
        if session is None or not _is_of(form, session.csrf):
            return _STALE.response()
        if path == SIGN_OUT:
            self._entrance.sessions.end(session)
            answer = _go("/")
            caller.cookies.take(answer, caller.cookies.session)
            return answer
        return None if session.operator else _VIEWER.response()

    async def _sign_in(self, caller: _Caller, form: FormData) -> Response:
        if not caller.visitor or not _is_of(form, self._entrance.seal(caller.visitor)):
            return caller.outside(wrong="The page was open for too long. Please try once more.", to=_to(form))
        if self._entrance.by_name:
            return await self._by_password(caller, form)
        printed = self._entrance.show_again()
        there = "A new address is there now, in the window in which the console was started."
        return caller.outside(told=there if printed else "The address is there already. Please look once more.")

    async def _by_password(self, caller: _Caller, form: FormData) -> Response:
        name, cookies = _text(form, "name").strip()[:200], caller.cookies
        client, introduced = caller.request.client, caller.request.cookies.get(cookies.known, "")
        try:
            begun, known = await self._entrance.sign_in(
                name, _text(form, "password"), address=client.host if client else "", introduced=introduced
            )
        except HeldError as held:
            seconds = math.ceil(held.seconds)
            wrong = f"Too many attempts came from here. Please wait {seconds} seconds, then try once more."
            answer = caller.outside(status=429, wrong=wrong, name=name, to=_to(form))
            answer.headers["Retry-After"] = str(seconds)
            return answer
        if not begun:
            return caller.outside(status=403, wrong="The name or the password is not right.", name=name, to=_to(form))
        answer = _go(_to(form))
        cookies.give(answer, cookies.session, begun)
        cookies.give(answer, cookies.known, known, seconds=_KNOWN_FOR)
        return answer


class _Caller:
    """Who asks: a request, its cookies and its session."""

    def __init__(self, request: Request, entrance: Entrance, port: int) -> None:
        self.request, self._entrance = request, entrance
        self.cookies = Cookies(port=port, secure=request.scope["scheme"] == "https")
        self.session: Session | None = entrance.session(request.cookies.get(self.cookies.session, ""))
        self.visitor = request.cookies.get(self.cookies.visitor, "")

    def outside(
        self,
        *,
        status: int = 401,
        wrong: str = "",
        told: str = "",
        name: str = "",
        to: str = "/",
        used: bool = False,
    ) -> Response:
        """Give the page by which one comes in.

        Args:
            wrong: why that did not work.
            told: what was done.
            name: what was typed as one.
            to: where one wanted to go.
            used: an address was opened that is not good any more.
        """
        visitor = self.visitor or secrets.token_urlsafe(32)
        answer = shown(
            "sign-in.html",
            status=status,
            title="Sign in" if self._entrance.by_name else "The console is locked",
            by_name=self._entrance.by_name,
            csrf=self._entrance.seal(visitor),
            wrong=wrong,
            told=told,
            name=name,
            to=to,
            used=used,
        )
        self.cookies.give(answer, self.cookies.visitor, visitor)
        if "hx-request" in self.request.headers:
            # a part of a page would be put into that page
            answer.headers["HX-Refresh"] = "true"
        return answer


async def _form(request: Request, body: bytes) -> FormData | None:
    """Give what a form holds; None where it cannot be read."""
    try:
        return await Request(request.scope, again(body, request.receive)).form(max_files=0, max_fields=FIELDS)
    except MultiPartException:
        return None


def _is_of(form: FormData, token: str) -> bool:
    return hmac.compare_digest(_text(form, TOKEN).encode("utf-8", "replace"), token.encode())


def _text(form: FormData, field: str) -> str:
    value = form.get(field, "")
    return value if isinstance(value, str) else ""


def _to(form: FormData) -> str:
    """Where somebody wanted to go: a page of ours, whatever the form says."""
    to = _text(form, "to")
    return to if _LOCAL_PATH.fullmatch(to) else "/"


def _go(path: str) -> Response:
    return RedirectResponse(path, status_code=303)


def _from_here(path: str) -> Response:
    """Lead on by a page of ours: a browser sends our cookies to what that asks for, and not where another site did."""
    return shown("moving.html", status=200, to=path)


_STALE: Final = Refusal(
    status=403,
    title="Please do that once more",
    text="This form was not made for you as you are signed in now, so nothing was done.",
    hint="Go back, load the page again, and send the form from there.",
)
_VIEWER: Final = Refusal(
    status=403,
    title="You may look, not change",
    text="You are signed in as a viewer: you can read every page and watch what runs. Nothing was done.",
    hint="Ask somebody who is an operator to do it, or to make you one in inventory/console.yml.",
)
_BROKEN: Final = Refusal(status=400, title="Not a form", text="What was sent cannot be read; nothing was done.")
_UNKNOWN: Final = Refusal(status=401, title="Please sign in", text="Nobody is signed in here.")
