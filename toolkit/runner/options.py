"""What a person asked of a run, checked and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options of one run.

    Attributes:
        limit: a host pattern; empty for every host of each play.
        tags: run only tasks with one of these tags (and `always`); empty for all.
        skip_tags: never run tasks with one of these tags.
        check: say what would change and change nothing.
        diff: show samples of what would change.
        write_answers: a file for what drift asks; empty for none.
        extra_vars: variables that win over all others.
        forks: how many hosts run a task at the same time.
        start_at_task: name (or glob) of the first task to run; empty for the first one.
    """

    limit: str = ""
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    check: bool = False
    diff: bool = False
    write_answers: str = ""
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    forks: int = 1
    start_at_task: str = ""
