"""Forms that were sent. `safety` has looked at their size and their token before a page sees one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from toolkit.app.console.safety.bodies import FIELDS
from toolkit.errors import InputError

AT_ONCE = 8
"""So many forms of one kind are dealt with at once: what does not answer takes the turns of no other page."""

Handler = Callable[[Request, FormData], Response]


def posted(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Give the endpoint of a handler of forms."""

    turns = asyncio.Semaphore(AT_ONCE)

    async def endpoint(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=FIELDS)
        async with turns:
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
