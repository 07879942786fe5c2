"""What an examination of the whole set-up has found: judged facts for people, and numbers for monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from msgspec import Struct, field


class Level(IntEnum):
    """How grave a finding is.

    Attributes:
        OK: as it should be.
        WARNING: nothing is lost yet, and somebody should look.
        CRITICAL: backups do not happen, cannot be made, or cannot be relied upon.
    """

    OK = 0
    WARNING = 1
    CRITICAL = 2


class Finding(Struct, frozen=True, kw_only=True):
    """One judged fact.

    Attributes:
        about: what was looked at, e.g. `host shop`.
        check: what was asked, one word that stays the same for programs, e.g. `newest`.
        message: a lower-case fact.
        hint: what to do about it; empty where nothing is to be done.
        job: the job of backups that it is about; empty where it is about something else.
    """

    about: str
    check: str
    message: str
    level: Level = Level.OK
    hint: str = ""
    job: str = ""


class Measure(Struct, frozen=True, kw_only=True):
    """A number, under the name of a metric without `playback_`.

    Attributes:
        labels: what it is of.
    """

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


class Examined(Struct, frozen=True, kw_only=True):
    """What was found about one thing, or about all."""

    findings: tuple[Finding, ...] = ()
    measures: tuple[Measure, ...] = ()

    @property
    def level(self) -> Level:
        """The gravest."""
        return max((each.level for each in self.findings), default=Level.OK)
