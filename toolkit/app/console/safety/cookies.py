"""The console's cookies: for its own pages alone, and out of reach of scripts."""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response


class Cookies(Struct, frozen=True, kw_only=True):
    """The cookies of one console.

    Attributes:
        port: tells them from those of another console on this machine, since browsers do not.
        secure: TLS is used, so that they are sent by nothing else, and nobody but this very host can set them.
    """

    port: int
    secure: bool

    @property
    def session(self) -> str:
        """The name of the one that holds a session."""
        return self._named("session")

    @property
    def visitor(self) -> str:
        """The name of the one to which the form for signing in is bound."""
        return self._named("visitor")

    @property
    def known(self) -> str:
        """The name of the one that says that somebody has signed in from this browser before."""
        return self._named("known")

    def give(self, answer: Response, name: str, value: str, *, seconds: int | None = None) -> None:
        """Set one, for as long as the browser is open or for some seconds."""
        answer.set_cookie(name, value, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="strict")

    def take(self, answer: Response, name: str) -> None:
        """Take one away."""
        answer.delete_cookie(name, path="/", secure=self.secure, httponly=True, samesite="strict")

    def _named(self, what: str) -> str:
        return f"{'__Host-' if self.secure else ''}playback-{self.port}-{what}"
