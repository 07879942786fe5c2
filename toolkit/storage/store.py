"""The port every place of storage plugs into: complete files under names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from msgspec import Struct

_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")
_WINDOWS_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file in a store.

    Attributes:
        size: in bytes.
        modified: when it was last written, in UTC by the store's clock.
        version: another text once the file was written again, whatever its size and times; empty where nothing tells.
    """

    name: str
    size: int
    modified: datetime
    version: str = ""


class Ability(Struct, frozen=True, kw_only=True):
    """One thing that was found out about a place by using it.

    Attributes:
        what: what was asked about, in a word or two.
        found: the answer.
        meaning: what it means for backups here; empty when it goes without saying.
        bad: a repository cannot be used like this.
    """

    what: str
    found: str
    meaning: str = ""
    bad: bool = False


class OneFile(Protocol):
    """What is different where all files of a store are in one file, which is written anew whenever one changes.

    Who only reads leaves it as it is: it needs no lock, and notes nothing in it. Those who write exclude each other.
    """

    @property
    def locks(self) -> Store:
        """Where the locks of those who write are kept."""

    def changing(self) -> AbstractContextManager[None]:
        """Take all that is written within, by whatever thread, as one change.

        It takes effect when the block ends, and not at all when an error ends it. Whoever asks this very store sees
        it before. To be used with an exclusive lock. At the end:

        Raises:
            StorageError: it cannot take effect; nothing was changed.
        """

    def settle(self) -> None:
        """Let what was written within `changing` so far take effect now; raises as that does."""

    def expect(self, size: int) -> None:
        """Raise StorageError where files of so many bytes in all cannot be added."""

    def misleading(self) -> Iterator[str]:
        """Give what of the file would mislead other programs, though what is in it can be read."""


class Store(Protocol):
    """Complete files under names, whose parts `/` separates (see `check_name`).

    Every method may be called from any thread. Every failure is a StorageError that names the file and a remedy.
    """

    @property
    def place(self) -> str:
        """Where the store is, as a user would write it, for messages."""

    @property
    def parallel(self) -> int:
        """How many files are best read or written at once: more where each call waits for a network."""

    @property
    def conditional(self) -> bool:
        """Whether `put_new` is atomic here. The first time this may ask the place itself, by writing to it."""

    @property
    def keeps_deleted(self) -> bool:
        """Whether deleted files go on taking space, as in a bucket that keeps old versions or locks its objects.

        True, too, once a deletion has been seen to free nothing.
        """

    @property
    def one_file(self) -> OneFile | None:
        """What is different where all files are in one; None where each is one of its own."""

    def put(self, name: str, data: bytes) -> None:
        """Store a file durably, replacing one of that name. Whatever happens, it is there whole or not at all."""

    def put_new(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Store a file as `put` does unless there is one of that name; gives whether it was stored.

        Of several at once exactly one succeeds, but only where `conditional` is true; elsewhere several may.

        Args:
            durable: False where `make_durable` comes later. Until then the file is there whole or, after a crash of the
                machine, not at all.
        """

    def make_durable(self, names: Iterable[str]) -> None:
        """Make files durable that were stored without being so, or may just now have been by somebody else."""

    def get(self, name: str, *, limit: int | None = None) -> bytes:
        """Give a file's content.

        Args:
            limit: how many bytes such a file has at most.

        Raises:
            MissingError: there is none of that name.
            DamageError: it has more bytes; they are not read. Or it is no ordinary file.
        """

    def get_part(self, name: str, at: int, size: int, *, limit: int) -> bytes:
        """Give so many bytes of a file from byte `at` on, and fewer where it ends before.

        Args:
            limit: how many bytes such a file has at most.

        Raises:
            MissingError, DamageError: as `get` does.
        """

    def size(self, name: str) -> int | None:
        """Give a file's size in bytes, None when there is none of that name."""

    def sizes(self, names: Collection[str]) -> dict[str, int]:
        """Give the sizes in bytes of those of these files that there are, asked for together."""

    def exists(self, name: str) -> bool:
        """Say whether there is a file of that name."""

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Give the files whose names begin with `prefix`, sorted by name; unfinished ones are not among them."""

    def delete(self, name: str) -> None:
        """Remove a file; nothing happens when there is none."""

    def delete_many(self, names: Iterable[str]) -> None:
        """Remove files, those that are not there passed over.

        Raises:
            StorageError: some could not be removed; all the others have been.
        """

    def sweep(self, before: datetime) -> int:
        """Remove what interrupted writes left behind, where they began before that time; gives how many."""

    def probe(self, prefix: str) -> Iterator[Ability]:
        """Give what can only be asked of a place of this kind, by using it; nothing stays behind.

        Args:
            prefix: what the names of files that are made begin with.
        """


def check_name(name: str) -> None:
    """Raise ValueError unless every part of a name can be a file name on Linux, macOS and Windows and in S3.

    Parts are ASCII letters, digits, `.`, `_` and `-`; none begins or ends with a dot or is a device name of Windows.
    """
    for part in name.split("/"):
        if not _PART.fullmatch(part) or _WINDOWS_DEVICE.fullmatch(part):
            raise ValueError(f"{name!r} is no portable file name")
