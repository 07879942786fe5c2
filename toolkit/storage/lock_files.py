"""The files in `locks/`: who uses a repository, for what, and whether that is still so."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec import Struct

from toolkit.errors import DamageError, MissingError
from toolkit.storage.decoding import decoded, read_small
from toolkit.storage.layout import LOCKS
from toolkit.storage.processes import Process, has_ended
from toolkit.storage.store import Store

_NAME = re.compile(r"locks/(shared|exclusive)-([0-9a-f]{32})")


class LockKind(StrEnum):
    """Any number of shared locks, or one exclusive lock and no other."""

    SHARED = "shared"
    EXCLUSIVE = "exclusive"


class LockTerms(Struct, frozen=True, kw_only=True):
    """How long a lock is good.

    Attributes:
        refresh: how often its holder writes it anew.
        lost: after this time without having refreshed it a holder holds it no more.
        stale: after this time without a refresh others may remove it; later than `lost`, so that never two hold it.
    """

    refresh: timedelta = timedelta(minutes=5)
    lost: timedelta = timedelta(minutes=20)
    stale: timedelta = timedelta(minutes=30)


TERMS = LockTerms()


class LockContent(msgspec.Struct, frozen=True, kw_only=True):
    """What a lock file says.

    Attributes:
        purpose: what runs, for people, e.g. `prune (nightly)`.
        since: when the lock was asked for, and `refreshed` when it was last written, in ISO 8601 by the holder's clock.
    """

    holder: Process
    purpose: str
    since: str
    refreshed: str


_CONTENT = msgspec.json.Decoder(LockContent)
"""Made here, because msgspec crashes when several threads decode into a type for the first time at once."""


class LockFile(Struct, frozen=True, kw_only=True):
    """A lock file that was found.

    Attributes:
        modified: when it was last written, by the store's clock.
        content: None when it cannot be understood.
    """

    id: str
    kind: LockKind
    modified: datetime
    content: LockContent | None = None

    @property
    def name(self) -> str:
        """Its file's name."""
        return lock_name(self.kind, self.id)

    def conflicts_with(self, kind: LockKind) -> bool:
        """Say whether nobody can hold a lock of that kind beside this one."""
        return LockKind.EXCLUSIVE in (self.kind, kind)

    def stale(self, now: datetime, terms: LockTerms = TERMS) -> str:
        """Say why it no longer counts, empty while it does; `now` is by the store's clock."""
        if self.modified < now - terms.stale:
            return f"not refreshed since {self.modified:%Y-%m-%d %H:%M:%S} UTC"
        if self.content and has_ended(self.content.holder):
            return "its process has ended"
        return ""

    def __str__(self) -> str:
        if not self.content:
            return f"{self.kind} lock {self.id}, which cannot be read, of {self.modified:%Y-%m-%d %H:%M:%S} UTC"
        since = self.content.since[:19].replace("T", " ")
        return f"{self.content.purpose} by {self.content.holder.user} on {self.content.holder.host}" + (
            f" (process {self.content.holder.process}) since {since} UTC, {self.kind}"
        )


def lock_name(kind: LockKind, identity: str) -> str:
    """Give the file of a lock."""
    return f"{LOCKS}{kind}-{identity}"


def new_lock_id() -> str:
    """Give an id no lock has."""
    return uuid.uuid4().hex


def list_locks(store: Store) -> list[LockFile]:
    """Give every lock there is, its content unread; other files in `locks/` are none."""
    return [
        LockFile(id=found[2], kind=LockKind(found[1]), modified=file.modified.astimezone(UTC))
        for file in store.list(LOCKS)
        if (found := _NAME.fullmatch(file.name))
    ]


def read_lock(store: Store, lock: LockFile) -> LockFile | None:
    """Give the lock with its content; None when it has been given back meanwhile."""
    try:
        content = decoded(_CONTENT, read_small(store, lock.name))
    except MissingError:
        return None
    except (msgspec.DecodeError, DamageError):
        return lock
    return LockFile(id=lock.id, kind=lock.kind, modified=lock.modified, content=content)
