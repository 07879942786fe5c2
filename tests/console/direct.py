"""The console's application, asked without a process and a network between."""

from __future__ import annotations

import asyncio

import httpx
from starlette.types import ASGIApp


class Direct(httpx.BaseTransport):
    """Asks an application without a network between."""

    def __init__(self, app: ASGIApp, address: str) -> None:
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 5))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Give the whole answer."""
        request.stream = httpx.ByteStream(request.read())
        return asyncio.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())
