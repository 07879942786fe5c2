"""Which backup is meant by `latest` or by a description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from toolkit.errors import InputError, RefusedError
from toolkit.model.published import Published
from toolkit.planning.clock import instant, is_future

LATEST: Final = "latest"
"""The word for a host's newest backup, in place of a label."""


_NAMED: Final = 3
"""How many other hosts are named at most."""


class Criteria(Struct, frozen=True, kw_only=True):
    """What narrows down whose newest backup is meant.

    Attributes:
        host: another host than the one that asks; empty for that one.
        job, scope: empty for any.
        tags: a backup carries all of them.
    """

    host: str = ""
    job: str = ""
    scope: str = ""
    tags: tuple[str, ...] = ()


def choose(backups: Mapping[str, Published], wanted: Criteria, *, host: str, now: datetime) -> str:
    """Give the label of the newest backup that fits.

    Args:
        backups: by label.
        wanted: the newest of those; without criteria the host's newest.
        host: the host whose `latest` is meant.
        now: an aware time.

    Raises:
        InputError: there is none, or several jobs or scopes qualify.
        RefusedError: the newest is dated in the future, so nobody knows which one really is.
    """
    fitting = {label: backup for label, backup in backups.items() if _fits(backup, wanted, host)}
    if not fitting:
        described = ", ".join(_described(wanted, host))
        others = sorted({backup.host for backup in backups.values()} - {wanted.host or host})
        there = f" (there are some of {', '.join(others[:_NAMED])}: `{{host: {others[0]}}}`)" if others else ""
        raise InputError(
            f"there is no backup of {described}", hint=f"`invoke backups` lists the backups there are{there}"
        )
    kinds = {_kind(backup) for backup in fitting.values()}
    if len(kinds) > 1:
        raise InputError(
            f"several jobs or scopes have backups of host {wanted.host or host}: {'; '.join(sorted(kinds))}",
            hint="say which: in place of `latest`, `{job: …, scope: …}` or the label",
        )
    newest = max(fitting, key=lambda label: (fitting[label].time, label))
    time = fitting[newest].time
    if is_future(instant(time), now):
        raise RefusedError(
            f"the newest of the backups that are meant, {newest}, is dated in the future:"
            f" {time}, while it is {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} here",
            hint="set the clock right that is wrong, or name the backup by its label; `invoke backups` lists them",
        )
    return newest


def may_be_meant(published: Published | None, wanted: Criteria, *, host: str) -> bool:
    """Say whether a backup of which only that is known, or nothing, could be among those that are meant."""
    return published is None or _fits(published, wanted, host)


def _fits(backup: Published, wanted: Criteria, host: str) -> bool:
    return (
        backup.host == (wanted.host or host)
        and wanted.job in ("", backup.job)
        and wanted.scope in ("", backup.scope)
        and set(wanted.tags) <= set(backup.tags)
    )


def _described(wanted: Criteria, host: str) -> Iterator[str]:
    yield f"host {wanted.host or host}"
    for name, value in (("job", wanted.job), ("scope", wanted.scope), ("tags", ", ".join(wanted.tags))):
        if value:
            yield f"{name} {value}"


def _kind(backup: Published) -> str:
    named = ", ".join(backup.businesses) or "all businesses"
    return f"job {backup.job}, {backup.scope} ({named}, demo {backup.demo})"
