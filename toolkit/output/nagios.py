"""One line for Nagios, Icinga and their kin, and the exit code that goes with it.

Source of the format: Monitoring Plugins Development Guidelines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from toolkit.model.finding import Examined, Finding, Level, Measure
from toolkit.wording import counted, one_line

UNKNOWN = 3
LONGEST = 1000
"""Characters of the text; some agents cut the line."""

_AGES = ("newest", "proven")


def status_line(found: Examined, now: float) -> str:
    """Give the line: the gravest first, then numbers.

    Args:
        now: as seconds since 1970.
    """
    grave = sorted((each for each in found.findings if each.level), key=lambda each: -each.level)
    numbers = [
        counted(number, level.name.lower()) if level is Level.CRITICAL else counted(number, "warning")
        for level in (Level.CRITICAL, Level.WARNING)
        if (number := sum(1 for each in grave if each.level is level))
    ]
    said = (
        f"{', '.join(numbers)}: {'; '.join(map(_said, grave))}" if grave else f"{len(found.findings)} checks are fine"
    )
    return f"PLAYBACK {found.level.name} - {_plain(said)} | {' '.join(_perfdata(found.measures, now))}".rstrip(" |")


def unknown_line(message: str) -> str:
    """Give the line where nothing could be found out."""
    return f"PLAYBACK UNKNOWN - {_plain(message)}"


def _said(finding: Finding) -> str:
    return f"{finding.about}: {finding.message}"


def _plain(text: str) -> str:
    """A text without what has a meaning in such a line."""
    line = one_line(text).replace("|", "/")
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _perfdata(measures: Iterable[Measure], now: float) -> Iterator[str]:
    """Ages with what is allowed, free space, and how many findings."""
    known = {(each.name, *sorted(each.labels.items())): each.value for each in measures}
    for each in measures:
        labels = sorted(each.labels.items())
        name = "_".join(value for _, value in labels)
        for kind in _AGES:
            if each.name == f"backup_{kind}_timestamp_seconds":
                allowed = known.get((f"backup_{kind}_allowed_seconds", *labels))
                limit = "" if allowed is None else f"{allowed:.0f}"
                yield f"{_label(f'{name}_{kind}')}={now - each.value:.0f}s;;{limit};0"
        if each.name == "repository_free_bytes":
            yield f"{_label(f'{name}_free')}={each.value:.0f}B;;;0"
        elif each.name == "doctor_findings" and each.labels["level"] != "ok":
            yield f"{each.labels['level']}={each.value:.0f};;;0"


def _label(name: str) -> str:
    return f"'{name.replace(chr(39), '').replace('=', '')}'"
