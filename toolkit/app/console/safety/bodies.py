"""How much is read of what is sent: all of it at once, within a size and a time."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toolkit.app.console.safety.refusal import Refusal

LARGEST: Final = 2 * 1024 * 1024
"""Bytes of a form: some twenty thousand businesses that are ticked."""

FIELDS: Final = 20_000
"""Fields of a form; a business to tick is one."""

SECONDS: Final = 30.0
"""A form takes no longer than this; who sends slower keeps a connection from others."""

_KINDS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


class BodiesMiddleware:
    """Reads the body of what is sent before anything is done with it, and refuses what is too much."""

    def __init__(self, app: ASGIApp, *, seconds: float = SECONDS) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on with its whole body, or refuse it."""
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                found = await _read(scope, receive)
        except TimeoutError:
            found = Refusal(status=408, title="Too slow", text="The form took too long to arrive; nothing was done.")
        except ClientDisconnect:
            return
        if isinstance(found, Refusal):
            await found.response()(scope, receive, send)
        else:
            await self._app(scope, again(found, receive), send)


async def _read(scope: Scope, receive: Receive) -> bytes | Refusal:
    headers = Headers(scope=scope)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > LARGEST:
        return _TOO_LARGE
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > LARGEST:
            return _TOO_LARGE
        if not message.get("more_body", False):
            break
    if kind not in _KINDS:
        return Refusal(status=415, title="Not a form", text="Only forms are taken here; nothing was done.")
    return bytes(body)


def again(body: bytes, receive: Receive) -> Receive:
    """Give what a body that was read already is received by once more."""
    given = False

    async def received() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return received


_TOO_LARGE: Final = Refusal(
    status=413,
    title="Too much at once",
    text="The form is larger than any of the console's can be; nothing was done.",
    hint="Tick fewer businesses, or all of them at once.",
)
