"""Slowing down those who guess passwords, without shutting out those who know them.

Failures count against where they come from: after some, that place has to wait, at most a minute. A name that is
guessed from many places makes every further attempt on it take some seconds, and refuses none. A browser that has
signed in as somebody before counts for itself alone, so guesses of others hold it up in nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from toolkit.model.console import User

FREE: Final = 5
"""Failures in a row that cost nothing: people mistype."""

LONGEST: Final = 60.0
"""Seconds that a place has to wait at most."""

FORGOTTEN: Final = 900.0
"""Seconds after which failures no longer count."""

_HELD: Final = ((100, 5.0), (20, 2.0))
"""From how many failures on a name its attempts take how many seconds longer."""

_MOST: Final = 10_000
"""Places and names that are remembered at most."""


class _Failures(Struct):
    number: int
    last: float


class Attempts:
    """The failures of late."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[tuple[str, str], _Failures] = {}

    def wait(self, place: str) -> float:
        """Say how many seconds a place has to wait before its next attempt; 0 for none."""
        found = self._found("place", place)
        if found is None or found.number < FREE:
            return 0.0
        return max(0.0, found.last + min(LONGEST, 2.0 ** (found.number - FREE)) - self._clock())

    def hold(self, name: str) -> float:
        """Say how many seconds longer an attempt on a name takes."""
        found = self._found("name", name)
        return next((seconds for number, seconds in _HELD if found and found.number >= number), 0.0)

    def begin(self, place: str, name: str) -> None:
        """Count an attempt as failed until `succeeded` says otherwise, so that many at once count as well."""
        for key in (("place", place), ("name", name)):
            found = self._found(*key) or _Failures(number=0, last=0.0)
            # put at the end, so that the first ones are the oldest
            self._failures.pop(key, None)
            self._failures[key] = _Failures(number=found.number + 1, last=self._clock())
        while len(self._failures) > _MOST:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, place: str, name: str) -> None:
        """Forget the failures of a place; take this attempt back from those on the name."""
        self._failures.pop(("place", place), None)
        found = self._found("name", name)
        if found:
            found.number -= 1

    def _found(self, kind: str, of: str) -> _Failures | None:
        found = self._failures.get((kind, of))
        return found if found and self._clock() - found.last <= FORGOTTEN else None


def place_of(address: str) -> str:
    """Give the place of a network address: a machine has a whole /64 of IPv6 to itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def introduction(user: User) -> str:
    """Give what a browser gets that has signed in, by which it is known from then on; until the password changes."""
    number = secrets.token_urlsafe(16)
    return f"{number}.{_seal(user, number)}"


def known_place(user: User, shown: str) -> str:
    """Give the place of a browser that shows an introduction; empty where it is not one of this user."""
    number, dot, seal = shown.partition(".")
    good = dot and hmac.compare_digest(seal.encode("utf-8", "replace"), _seal(user, number).encode())
    return f"browser {number}" if good else ""


def _seal(user: User, number: str) -> str:
    message = f"{user.name}\0{number}".encode("utf-8", "surrogateescape")
    return hmac.new(user.password.encode(), message, hashlib.sha256).hexdigest()
