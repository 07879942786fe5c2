"""The retention policy that the arguments of `prune` mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from toolkit.actions.arguments import names
from toolkit.errors import InputError, Problem
from toolkit.model.duration import Duration
from toolkit.model.retention import UNLIMITED, GroupKey, Period, RetentionPolicy

_ALL = "unlimited"


def policy_of(arguments: Mapping[str, Any]) -> RetentionPolicy:
    """The policy. Their form has been checked against the schema.

    Raises:
        InputError: no rule keeps anything.
    """
    policy = RetentionPolicy(
        last=_number(arguments.get("keep_last")),
        periods={period: _number(arguments.get(f"keep_{period}")) for period in Period},
        within=duration_of(arguments, "keep_within"),
        within_periods={
            period: duration for period in Period if (duration := duration_of(arguments, f"keep_within_{period}"))
        },
        tags=names(arguments.get("keep_tags")),
        minimum=int(arguments.get("minimum", RetentionPolicy().minimum)),
        group_by=tuple(GroupKey(key) for key in arguments.get("group_by", RetentionPolicy().group_by)),
    )
    if policy.empty:
        raise InputError(
            "prune has no rule that keeps anything", hint="give at least one keep_… argument a value above 0"
        )
    return policy


def zone_of(arguments: Mapping[str, Any]) -> tzinfo:
    """The time zone in which days begin; InputError for a name that is none."""
    name = arguments.get("time_zone", "UTC")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InputError(
            [Problem(path="prune.time_zone", message=f"{name!r} is not a time zone")],
            hint="name it as the IANA does, e.g. Europe/Berlin or UTC",
        ) from None


def duration_of(arguments: Mapping[str, Any], name: str) -> Duration | None:
    """The duration an argument gives, None when it is not given; InputError for what is none."""
    text = arguments.get(name)
    if text is None:
        return None
    try:
        return Duration.parse(str(text))
    except ValueError as error:
        raise InputError([Problem(path=f"prune.{name}", message=str(error))]) from error


def _number(value: Any) -> int:
    return UNLIMITED if value in (_ALL, UNLIMITED) else int(value or 0)
