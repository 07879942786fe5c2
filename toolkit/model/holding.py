"""What a repository holds, for people who look after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from toolkit.model.check import CheckRecord
from toolkit.model.lock import FoundLock


class Added(Struct, frozen=True, kw_only=True):
    """What a backup added to a repository: the size of the chunks that no backup before it has."""

    label: str
    time: datetime
    bytes: int


class Holding(Struct, frozen=True, kw_only=True):
    """What a repository holds.

    Attributes:
        added: of each backup that there is and can be read, the oldest first.
        backups: how many there are, also those that cannot be read.
        check: the newest check, and `whole` the newest one that read everything; None where nothing is known of one.
        checkable: whether checks are remembered, which they are in no bundle.
        locks: of everybody who uses it, and those that were left behind.
        free: bytes that are free on its file system; None where nobody knows.
    """

    repository: str
    place: str
    backups: int
    added: Sequence[Added]
    check: CheckRecord | None
    whole: CheckRecord | None
    checkable: bool
    locks: Sequence[FoundLock]
    free: int | None

    @property
    def size(self) -> int:
        """The size of all chunks that backups need."""
        return sum(each.bytes for each in self.added)

    def grown(self, days: int, now: datetime) -> int:
        """Give what the backups of the last days added."""
        return sum(each.bytes for each in self.added if each.time > now - timedelta(days=days))
