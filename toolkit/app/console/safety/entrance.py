"""Who may come in, and how: by the address that was printed, or by name and password."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Final

from starlette.concurrency import run_in_threadpool

from toolkit.app.console.safety.attempts import Attempts, introduction, known_place, place_of
from toolkit.app.console.safety.sessions import Session, Sessions
from toolkit.app.passwords import NOBODY, matches
from toolkit.model.console import Role, User
from toolkit.storage.processes import user_name

_AT_ONCE: Final = 2
"""Passwords that are checked at the same time: each takes 64 MiB."""

_WAITING: Final = 20
"""Places whose attempts may wait for that."""

_PRINTED_AGAIN: Final = 10.0
"""Seconds between two addresses that are printed because somebody asks."""


class HeldError(Exception):
    """An attempt comes too early; it was not looked at.

    Attributes:
        seconds: after which it may be made again.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Entrance:
    """Begins sessions and finds them.

    Attributes:
        sessions: those there are.
    """

    def __init__(
        self,
        users: Callable[[], Mapping[str, User]] = dict,
        *,
        announce: Callable[[str], None] = lambda _token: None,
        tell: Callable[[str], None] = lambda _text: None,
        sessions: Sessions | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make an entrance.

        Args:
            users: gives those who may sign in at the moment; none when it is for whoever sees what is announced.
            announce: tells the person who started the console a token.
            tell: tells that person who came in, and who tried to.
        """
        self.sessions = sessions or Sessions()
        self._users, self._announce, self._tell, self._clock = users, announce, tell, clock
        self._by_name = bool(users())
        self._token = secrets.token_urlsafe(32)
        self._announced = -_PRINTED_AGAIN
        self._key = secrets.token_bytes(32)
        self._attempts = Attempts(clock)
        self._checking, self._waiting = asyncio.Semaphore(_AT_ONCE), set[str]()
        self._checking_known = asyncio.Semaphore(1)

    @property
    def by_name(self) -> bool:
        """Whether one signs in by name and password; as it was when the console was started."""
        return self._by_name

    @property
    def token(self) -> str:
        """The token that lets one browser in; another one once it was used."""
        return self._token

    def take(self, token: str) -> str:
        """Use the token up: gives the cookie of a new session, which is the operating system's user's; else nothing."""
        good = hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode())
        if not good or self.by_name:
            return ""
        self._token = secrets.token_urlsafe(32)
        return self.sessions.begin(name=user_name(), operator=True)

    def show_again(self) -> bool:
        """Announce the token once more; False where that was done a moment ago."""
        if self.by_name or self._clock() - self._announced < _PRINTED_AGAIN:
            return False
        self._announced = self._clock()
        self._announce(self._token)
        return True

    async def sign_in(self, name: str, password: str, *, address: str, introduced: str) -> tuple[str, str]:
        """Check a name and a password.

        Args:
            address: where it comes from.
            introduced: what a browser got that signed in before.

        Returns:
            The cookie of a new session and what the browser is known by from now on; empty where they are not right.

        Raises:
            HeldError: it is too early.
        """
        user = self._users().get(name)
        known = known_place(user, introduced) if user else ""
        place = known or place_of(address)
        if seconds := self._attempts.wait(place):
            raise HeldError(seconds)
        # one at a time from a place, so that no place can take the turns of all others
        if place in self._waiting or (not known and len(self._waiting) >= _WAITING):
            raise HeldError(2.0)
        self._attempts.begin(place, name)
        self._waiting.add(place)
        try:
            # a browser that is known waits for nobody else
            await asyncio.sleep(0.0 if known else self._attempts.hold(name))
            async with self._checking_known if known else self._checking:
                good = await run_in_threadpool(matches, password, user.password if user else NOBODY)
        finally:
            self._waiting.discard(place)
        if not good or not user:
            # a name that nobody has may be a password that was typed into the wrong field
            whose = f"{name}: a wrong password" if user else "a name that nobody has"
            self._tell(f"{whose}, from {place_of(address)}")
            return "", ""
        self._attempts.succeeded(place, name)
        self._tell(f"{name} signed in from {place_of(address)}")
        operator = user.role is Role.OPERATOR
        return self.sessions.begin(name=name, operator=operator, password=user.password), introduction(user)

    def session(self, cookie: str) -> Session | None:
        """Give the session of a cookie; None where it has ended, or its user is another one by now, or none."""
        session = self.sessions.find(cookie) if cookie else None
        if session is None or not session.password:
            return session
        user = self._users().get(session.name)
        if user is None or user.password != session.password:
            self.sessions.end(session)
            return None
        session.operator = user.role is Role.OPERATOR
        return session

    def seal(self, visitor: str) -> str:
        """Give the token of a form for somebody who has no session yet, only a cookie with a random text."""
        return hmac.new(self._key, visitor.encode("utf-8", "surrogateescape"), "sha256").hexdigest()
