"""Pages that need what may never answer: they are waited for some seconds, and hold up no other page meanwhile."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial, wraps
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from toolkit.errors import StorageError
from toolkit.stopping import begun

PATIENCE: Final = 20.0
"""Seconds until a page says that it cannot be shown now."""

LONGER: Final = 60.0
"""The same where rows are compared while one waits."""

AT_ONCE: Final = 12
"""So many people may wait for the same page; others wait for their turn."""

LEFT: Final = 48
"""So many times a page may be left behind, still being made; then nobody waits for it until some have ended."""

_SLOW: Final = ("/verify/differences",)

Endpoint = Callable[[Request], Response]


def bounded(route: BaseRoute) -> BaseRoute:
    """Give a route whose page comes, or says that it does not, within some seconds.

    A form is never left alone like that: nobody would know whether something begins later.
    """
    if not isinstance(route, Route) or inspect.iscoroutinefunction(route.endpoint):
        return route
    assert route.methods == {"GET", "HEAD"}, route
    return Route(route.path, _within(route.endpoint, slow=route.path in _SLOW), name=route.name)


def _within(endpoint: Endpoint, *, slow: bool) -> Callable[[Request], Awaitable[Response]]:
    turns, making = asyncio.Semaphore(AT_ONCE), set[Future[Response]]()

    @wraps(endpoint)
    async def shown(request: Request) -> Response:
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGER if slow else PATIENCE), turns:
                making.difference_update([each for each in making if each.done()])
                if len(making) < LEFT + AT_ONCE:
                    page = begun(partial(endpoint, request), name="page")
                    making.add(page)
                    return await asyncio.wrap_future(page)
        raise StorageError(
            "what this page needs does not answer: a computer, or a place for backups",
            hint="is it switched on and connected? Overview says what does not answer. A first look at many backups"
            " takes longer, and goes on: load this page again in a moment",
        )

    return shown
