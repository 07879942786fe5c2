"""Who has come in, until they sign out, stay away too long, or the console ends: sessions are kept in memory alone."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

LIFE: Final = 12 * 3600.0
"""Seconds until one has to sign in again, whatever one does."""

IDLE: Final = 3600.0
"""Seconds until a session ends in which no page is asked for and no run is watched."""

MOST: Final = 1000
"""Sessions at most; of more, those end that were not used for longest."""


@dataclass(slots=True, kw_only=True)
class Session:
    """Somebody who came in.

    Attributes:
        name: who it is.
        operator: whether forms may be sent, not only read.
        csrf: what every form of the session holds.
        password: the hash by which the person signed in; empty for the one who started the console.
        watched: how many pages show a run as it goes on.
    """

    name: str
    operator: bool
    password: str = ""
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    begun: float
    seen: float
    watched: int = 0
    ended: bool = False


class Sessions:
    """The sessions there are, by a hash of what the cookie holds: the time of a search tells nothing of the cookie."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._by_hash: dict[bytes, Session] = {}

    def begin(self, *, name: str, operator: bool, password: str = "") -> str:
        """Begin a session, and give what its cookie holds."""
        now = self._clock()
        self._forget(now)
        cookie = secrets.token_urlsafe(32)
        self._by_hash[_hash(cookie)] = Session(name=name, operator=operator, password=password, begun=now, seen=now)
        return cookie

    def find(self, cookie: str) -> Session | None:
        """Give the session of a cookie, which counts as used; None where there is none any more."""
        session = self._by_hash.get(_hash(cookie))
        if session is None or self.over(session):
            return None
        self.used(session)
        return session

    def used(self, session: Session) -> None:
        """Note that somebody is there."""
        session.seen = self._clock()

    def over(self, session: Session) -> bool:
        """Say whether a session has ended."""
        now = self._clock()
        idle = not session.watched and now - session.seen > IDLE
        session.ended = session.ended or idle or now - session.begun > LIFE
        return session.ended

    def end(self, session: Session) -> None:
        """End a session."""
        session.ended = True

    def _forget(self, now: float) -> None:
        for key, session in list(self._by_hash.items()):
            if self.over(session):
                del self._by_hash[key]
        while len(self._by_hash) >= MOST:
            oldest = min(self._by_hash, key=lambda key: self._by_hash[key].seen)
            self._by_hash.pop(oldest).ended = True


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).digest()
