"""Events that are watched: they keep a session alive, and end when it ends."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from starlette.requests import ClientDisconnect
from starlette.types import Message, Send

from toolkit.app.console.safety.sessions import Session, Sessions


class Watching:
    """What a session is sent, as long as it lasts."""

    def __init__(self, session: Session, sessions: Sessions, send: Send) -> None:
        self._session, self._sessions, self._send = session, sessions, send
        self._events = self._cut = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        if self._events:
            self._session.watched -= 1
            self._sessions.used(self._session)
        return self._cut and isinstance(error, OSError | ClientDisconnect)

    async def send(self, message: Message) -> None:
        """Send on; OSError, as for a browser that has gone, once the session has ended."""
        if message["type"] == "http.response.start":
            headers = dict(message.get("headers", ()))
            self._events = headers.get(b"content-type", b"").startswith(b"text/event-stream")
            self._session.watched += self._events
        elif self._events and not self._cut and self._sessions.over(self._session):
            self._cut = True
            # who receives is told then that nobody is there any more, and ends what makes the events
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        if self._cut:
            raise OSError("the session has ended")
        await self._send(message)
