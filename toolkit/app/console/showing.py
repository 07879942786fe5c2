"""Filters of the pages' templates: how numbers, sizes and times look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup, escape

from toolkit import wording
from toolkit.app.keeping import in_words
from toolkit.config.masking import mask
from toolkit.planning.clock import instant


def moment(time: datetime | str) -> Markup:
    """Write a moment as an element `time`, to the minute, in UTC; the page's script writes it in the reader's zone."""
    try:
        at = datetime.fromisoformat(time) if isinstance(time, str) else time
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):  # a manifest may say anything
        return escape(time)
    return Markup('<time datetime="{}">{} UTC</time>').format(at.isoformat(), f"{at:%Y-%m-%d %H:%M}")


def ago(time: datetime | str, now: datetime) -> str:
    """Write how long ago a moment was, e.g. `26 h ago`."""
    try:
        at = instant(time) if isinstance(time, str) else time
    except ValueError:
        return "at an unknown time"
    return f"{wording.span(max(0.0, (now - at).total_seconds()))} ago"


_OF_SCOPES: Final = {
    "the scope is whole": "the backup is of all businesses",
    "a full-device scope": "a full device backup",
    "scope": "backup",
    "taken rows": "rows in the backup",
    "taken row": "row in the backup",
    "are taken, too": "come along, too",
}


def by_backup(sentence: str) -> str:
    """Write of backups what is said of scopes: nobody who looks at a page has made one."""
    for said, shown in _OF_SCOPES.items():
        sentence = sentence.replace(said, shown)
    return sentence


def roughly(seconds: float) -> str:
    """Write how long something may take yet, e.g. `8 seconds`, `3 minutes`."""
    if seconds < 90:
        return wording.counted(max(1, round(seconds)), "second")
    return wording.counted(round(seconds / 60), "minute") if seconds < 5400 else f"{seconds / 3600:.1f} hours"


FILTERS: Final = {
    "count": wording.count,
    "counted": wording.counted,
    "size": wording.size,
    "seconds": wording.seconds,
    "span": wording.span,
    "called": wording.called,
    "masked": mask,
    "moment": moment,
    "ago": ago,
    "roughly": roughly,
    "by_backup": by_backup,
    "by_person": in_words,
}
"""Filters by name: `{{ 1234|count }}`, `{{ rows|counted("row") }}`, `{{ 4096|size }}`, `{{ backup.time|moment }}`."""
