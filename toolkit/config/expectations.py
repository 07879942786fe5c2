"""The variable `expect` of a host: of every job, or of named ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.model.duration import Duration
from toolkit.model.expectation import Expectation

_OTHERS = ("jobs", "restore")


def expectations(written: Mapping[str, Any]) -> tuple[Expectation, ...]:
    """Give what is expected, by the value of a variable that fits its schema; ValueError for a length of time twice."""
    return tuple(_expectations(written))


def is_restored(written: Mapping[str, Any]) -> bool:
    """Say whether restores into the host's database are expected to be possible."""
    return bool(written.get("restore", True))


def _expectations(written: Mapping[str, Any]) -> Iterator[Expectation]:
    own = {key: value for key, value in written.items() if key not in _OTHERS}
    if "jobs" in written:
        for job, value in written["jobs"].items():
            yield _expectation(job, {**own, **(value or {})})
    elif own:
        yield _expectation("", own)


def _expectation(job: str, written: Mapping[str, Any]) -> Expectation:
    repositories = written.get("repository", ())
    return Expectation(
        job=job,
        newest=_duration(written.get("newest")),
        proven=_duration(written.get("proven")),
        repositories=(repositories,) if isinstance(repositories, str) else tuple(repositories),
    )


def _duration(text: str | None) -> Duration | None:
    return None if text is None else Duration.parse(text)
