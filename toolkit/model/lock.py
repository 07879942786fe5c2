"""Locks that were found in a repository, as people and programs are told of them."""

from __future__ import annotations

from msgspec import Struct


class FoundLock(Struct, frozen=True, kw_only=True):
    """A lock that somebody holds, or left behind.

    Attributes:
        text: who holds it, for what and since when, in a line.
        kind: `shared` or `exclusive`.
        purpose, user, host, process, since: the same one by one; empty, or 0, where the file cannot be understood.
        stale: why it no longer counts; empty for one that does.
        removed: it was removed, or in check mode would be.
    """

    id: str
    text: str
    kind: str
    purpose: str = ""
    user: str = ""
    host: str = ""
    process: int = 0
    since: str = ""
    stale: str = ""
    removed: bool = False
