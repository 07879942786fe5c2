"""Forms that were sent: read within bounds, and seen by a page only when their token is that of the session."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from toolkit.errors import InputError, RefusedError

FIELDS: Final = 20_000
"""Fields of a form at most; a business to tick is one."""

TOKEN: Final = "csrf"
"""The field with the token of the session."""

Handler = Callable[[Request, FormData], Response]


def posted(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Give the endpoint of a handler of forms."""

    async def endpoint(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=FIELDS)
        given, expected = text(form, TOKEN), request.state.session.csrf
        if not hmac.compare_digest(given.encode(), expected.encode()):
            raise RefusedError(
                "this form is not of this session, so nothing was done", hint="load the page again, then send it"
            )
        return await run_in_threadpool(handler, request, form)

    return endpoint


def text(form: FormData, name: str) -> str:
    """Give a field's text without blanks around it; empty where the form has none."""
    value = form.get(name, "")
    if not isinstance(value, str):
        raise InputError(f"{name}: a file was sent where a text is expected")
    return value.strip()


def texts(form: FormData, name: str) -> tuple[str, ...]:
    """Give the values of a field that may come several times, such as ticks."""
    return tuple(value for value in form.getlist(name) if isinstance(value, str) and value)
