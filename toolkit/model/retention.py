"""Which backups are kept: what a policy says, what is known of a backup, and what is decided about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct, field

from toolkit.model.duration import Duration

UNLIMITED = -1
"""As a number to keep: all of them."""


class Period(StrEnum):
    """The stretches of time of which one backup each is kept."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


class GroupKey(StrEnum):
    """What can tell groups of backups apart; the rules count within a group."""

    HOST = "host"
    JOB = "job"
    SCOPE = "scope"
    TAGS = "tags"


class RetentionPolicy(Struct, frozen=True, kw_only=True):
    """The rules, any of which keeps a backup.

    Attributes:
        last: how many of the newest; UNLIMITED for all.
        periods: of the last so many periods that have a backup, the newest one each; UNLIMITED for all.
        within: every backup younger than this, counted from the group's newest.
        within_periods: the newest of each period, as long as it is younger than this.
        tags: every backup that carries one of these.
        minimum: how many of the newest are kept whatever the rules say, at least 1.
    """

    last: int = 0
    periods: Mapping[Period, int] = field(default_factory=dict)
    within: Duration | None = None
    within_periods: Mapping[Period, Duration] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    minimum: int = 3
    group_by: tuple[GroupKey, ...] = (GroupKey.HOST, GroupKey.JOB, GroupKey.SCOPE)

    @property
    def empty(self) -> bool:
        """Whether no rule keeps anything."""
        return not (
            self.last or any(self.periods.values()) or self.within or any(self.within_periods.values()) or self.tags
        )


class Pin(Struct, frozen=True, kw_only=True):
    """A person's word that a backup stays: through the day `until`, or, without one, until it is unpinned."""

    until: date | None = None

    def __str__(self) -> str:
        return f"pinned until {self.until}" if self.until else "pinned"


class BackupSummary(Struct, frozen=True, kw_only=True):
    """What retention has to know of a backup.

    Attributes:
        time: when it was recorded, aware.
        scope: what it covers, in words that are equal exactly for equal scopes.
        rows: how many it has.
        bytes: their raw size.
        verified: whether a verification of it has succeeded.
        proven: whether all of it was restored, and found equal.
        awaited: restores have put rows of it aside, and to try them again takes its manifest.
    """

    label: str
    time: datetime
    host: str
    job: str
    scope: str
    tags: tuple[str, ...] = ()
    rows: int = 0
    bytes: int = 0
    verified: bool = False
    proven: bool = False
    awaited: bool = False
    pin: Pin | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """What becomes of a backup, and why; a kept one has every reason for which it is kept."""

    backup: BackupSummary
    group: tuple[str, ...]
    keep: bool
    reasons: tuple[str, ...]
