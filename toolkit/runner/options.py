"""What a person asked of a run, checked and typed."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, field


class RunOptions(Struct, frozen=True, kw_only=True):
    """The options of one run.

    Attributes:
        limit: a host pattern; empty for every host of each play.
        tags: run only tasks with one of these tags (and `always`); empty for all.
        skip_tags: never run tasks with one of these tags.
        check: say what would change and change nothing.
        diff: show samples of what would change.
        write_answers: a file for what drift asks; empty for none.
        extra_vars: variables that win over all others.
        forks: how many hosts run a task at the same time; 0 for as many as the executor is made for: one for threads,
            one for each processor for processes.
        executor: where tasks run: `threads`, `processes`, `dask` or `dask:ADDRESS`.
        start_at_task: name (or glob) of the first task to run; empty for the first one.
    """

    limit: str = ""
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    check: bool = False
    diff: bool = False
    write_answers: str = ""
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    forks: int = 0
    executor: str = "threads"
    start_at_task: str = ""

    @property
    def scheduler(self) -> str | None:
        """The address of the Dask scheduler, empty for one of the run's own; None where tasks run in threads."""
        kind, _, address = self.executor.partition(":")
        return address if kind == "dask" else None


def scheduler_problem(address: str) -> str:
    """Say what is wrong with the address of a scheduler; empty for nothing."""
    parts = urlsplit(address)
    if parts.scheme not in ("tls", "tcp") or not parts.hostname:
        return f"{address} is no address of a scheduler, such as tls://scheduler.example.org:8786"
    try:
        is_here = parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        is_here = False
    if parts.scheme == "tcp" and not is_here:
        return f"{address} is not encrypted, so that anybody between here and there could run tasks; use tls://"
    return ""
