"""The rules by which backups are kept, as arguments and as the policy that they mean."""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta

from toolkit.actions.arguments import Arguments, Text, Texts, about, matching
from toolkit.errors import InputError, Problem
from toolkit.model.duration import PATTERN, Duration
from toolkit.model.retention import UNLIMITED, GroupKey, Period, RetentionPolicy
from toolkit.model.role import Role

Count = Annotated[int, Meta(ge=UNLIMITED)] | Literal["unlimited"]
Age = Annotated[str, matching(f"^{PATTERN}$", "a duration is numbers with h, d, w, m or y, e.g. 14d or 1y6m")]


class RetentionArguments(Arguments, frozen=True, kw_only=True):
    """The rules, any of which keeps a backup."""

    keep_last: Annotated[Count, about("Keep so many of the newest backups; -1 or `unlimited` for all.", 7)] = 0
    keep_hourly: Annotated[
        Count,
        about("Keep the newest backup of each of the last so many hours that have one; -1 or `unlimited` for all.", 24),
    ] = 0
    keep_daily: Annotated[
        Count,
        about("Keep the newest backup of each of the last so many days that have one; -1 or `unlimited` for all.", 14),
    ] = 0
    keep_weekly: Annotated[
        Count,
        about("Keep the newest backup of each of the last so many weeks that have one; -1 or `unlimited` for all.", 8),
    ] = 0
    keep_monthly: Annotated[
        Count,
        about(
            "Keep the newest backup of each of the last so many months that have one; -1 or `unlimited` for all.", 12
        ),
    ] = 0
    keep_yearly: Annotated[
        Count,
        about("Keep the newest backup of each of the last so many years that have one; -1 or `unlimited` for all.", 5),
    ] = 0
    keep_within: Annotated[
        Age | None,
        about(
            "Keep every backup younger than this, counted from the newest of its group: numbers with h, d, w, m"
            " (months) or y, e.g. 1y6m.",
            "14d",
            role=Role.DURATION,
        ),
    ] = None
    keep_within_hourly: Annotated[
        Age | None,
        about("Keep the newest backup of each hour that is younger than this.", "2d", role=Role.DURATION),
    ] = None
    keep_within_daily: Annotated[
        Age | None,
        about("Keep the newest backup of each day that is younger than this.", "14d", role=Role.DURATION),
    ] = None
    keep_within_weekly: Annotated[
        Age | None,
        about("Keep the newest backup of each week that is younger than this.", "2m", role=Role.DURATION),
    ] = None
    keep_within_monthly: Annotated[
        Age | None,
        about("Keep the newest backup of each month that is younger than this.", "1y", role=Role.DURATION),
    ] = None
    keep_within_yearly: Annotated[
        Age | None,
        about("Keep the newest backup of each year that is younger than this.", "10y", role=Role.DURATION),
    ] = None
    keep_tags: Annotated[Texts, about("Keep every backup that carries one of these tags.", ["before-migration"])] = ()
    minimum: Annotated[
        Annotated[int, Meta(ge=1)],
        about("How many of the newest backups of a group are kept whatever the rules say.", 5),
    ] = RetentionPolicy().minimum
    group_by: Annotated[
        Annotated[tuple[GroupKey, ...], Meta(extra_json_schema={"uniqueItems": True})],
        about(
            "What makes a group, within which the rules count; an empty list makes one group of all. Default: host,"
            " job and scope.",
            ["host", "job"],
        ),
    ] = RetentionPolicy().group_by
    time_zone: Annotated[
        Text,
        about("The time zone in which days, weeks and months begin.", "Europe/Berlin", role=Role.TIME_ZONE),
    ] = "UTC"

    @property
    def policy(self) -> RetentionPolicy:
        """The policy; InputError when no rule keeps anything."""
        counts = {
            Period.HOURLY: self.keep_hourly,
            Period.DAILY: self.keep_daily,
            Period.WEEKLY: self.keep_weekly,
            Period.MONTHLY: self.keep_monthly,
            Period.YEARLY: self.keep_yearly,
        }
        ages = {
            Period.HOURLY: self.keep_within_hourly,
            Period.DAILY: self.keep_within_daily,
            Period.WEEKLY: self.keep_within_weekly,
            Period.MONTHLY: self.keep_within_monthly,
            Period.YEARLY: self.keep_within_yearly,
        }
        policy = RetentionPolicy(
            last=_number(self.keep_last),
            periods={period: _number(count) for period, count in counts.items()},
            within=None if self.keep_within is None else duration_of("keep_within", self.keep_within),
            within_periods={
                period: duration
                for period, age in ages.items()
                if age is not None and (duration := duration_of(f"keep_within_{period}", age))
            },
            tags=self.keep_tags,
            minimum=self.minimum,
            group_by=self.group_by,
        )
        if policy.empty:
            raise InputError(
                "prune has no rule that keeps anything", hint="give at least one keep_… argument a value above 0"
            )
        return policy

    @property
    def zone(self) -> tzinfo:
        """The time zone in which days begin; InputError for a name that is none."""
        try:
            return ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError):
            raise InputError(
                [Problem(path="prune.time_zone", message=f"{self.time_zone!r} is not a time zone")],
                hint="name it as the IANA does, e.g. Europe/Berlin or UTC",
            ) from None


def duration_of(name: str, text: str) -> Duration:
    """Give the duration in the argument of that name; InputError for what is none."""
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise InputError([Problem(path=f"prune.{name}", message=str(error))]) from error


def _number(count: int | str) -> int:
    return count if isinstance(count, int) else UNLIMITED
