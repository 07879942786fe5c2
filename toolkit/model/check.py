"""What reading a repository back has found, what a repair takes away, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct


class FindingKind(StrEnum):
    """What is wrong. All are damage but `foreign`, a file that is no part of the repository, and `spoilt`.

    `spoilt` is a pack that is damaged only where no backup needs it, and so harms as little as a damaged orphan.
    `unreadable` is what could not be read now, and `later` a backup that only a later version can read: whether these
    are whole is not known. `header` is about a bundle that is whole to Playback, and not to other programs.
    """

    MISSING = "missing"
    TRUNCATED = "truncated"
    ALTERED = "altered"
    UNREADABLE = "unreadable"
    LATER = "later"
    MANIFEST = "manifest"
    VANISHED = "vanished"
    HEADER = "header"
    FOREIGN = "foreign"
    SPOILT = "spoilt"

    @property
    def harmless(self) -> bool:
        """Whether it is no damage."""
        return self in (FindingKind.FOREIGN, FindingKind.SPOILT)


class Finding(Struct, frozen=True, kw_only=True):
    """One thing found.

    Attributes:
        labels: the backups it harms, sorted; empty for a foreign file, a header or a spoilt pack.
        tables: the tables it harms, by name; empty when it is not about a chunk.
        chunk: the chunk's id, or empty.
        pack: the id of the pack that it stands in, or that the finding is about; empty for a chunk in its own file.
    """

    kind: FindingKind
    message: str
    labels: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    chunk: str = ""
    pack: str = ""


class CheckReport(Struct, frozen=True, kw_only=True):
    """The result of a check.

    Attributes:
        backups: how many there are, damaged ones included.
        chunks: how many the readable backups reference, each counted once.
        rows: rows of tables in the chunks that were read and found right.
        bytes: the raw size of these chunks.
        stored: the size of the files read for it.
        orphans: files of chunks no readable backup references; an interrupted or deleted backup leaves them, they harm
            nothing.
        orphan_bytes: their size.
    """

    findings: tuple[Finding, ...]
    backups: int
    chunks: int
    rows: int
    bytes: int
    stored: int
    orphans: int
    orphan_bytes: int

    @property
    def damage(self) -> tuple[Finding, ...]:
        """The findings that are not harmless."""
        return tuple(finding for finding in self.findings if not finding.kind.harmless)

    @property
    def damaged(self) -> bool:
        """Whether any finding is damage."""
        return bool(self.damage)

    @property
    def harmed(self) -> tuple[str, ...]:
        """The labels of the backups that something is wrong with."""
        return tuple(sorted({label for finding in self.findings for label in finding.labels}))


class RepairPlan(Struct, frozen=True, kw_only=True):
    """What a repair takes away.

    Attributes:
        backups: label → the tables that cannot be restored, empty where the manifest itself is damaged.
        chunks: ids of the chunks whose own files are damaged.
        packs: ids of packs that are damaged; they stay, but for those in bundles: what is whole in them may be needed.
    """

    backups: Mapping[str, tuple[str, ...]]
    chunks: tuple[str, ...]
    packs: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.backups or self.chunks)


class CheckRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A check of a repository, as the repository remembers it.

    Attributes:
        time: when it ended, ISO 8601 in UTC.
        damaged: something was damaged.
        harmed: labels of the backups that it was found in.
        repaired: what was damaged was taken away at once.
        subset: which part of the chunks was read; empty for all of them.
        backups: how many there were.
        stored: the size of the files that were read.
        seconds: how long it took.
        playbook, tool, by: what checked it: the playbook, empty for the command; the version of the program; the user
            at the machine.
    """

    time: str
    damaged: bool
    harmed: tuple[str, ...] = ()
    repaired: bool = False
    subset: str = ""
    backups: int = 0
    stored: int = 0
    seconds: float = 0
    playbook: str = ""
    tool: str = ""
    by: str = ""
