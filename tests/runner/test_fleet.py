"""Many hosts: what a task costs, what is printed of them, and what one of them does to the others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from toolkit.config.templates import Templates
from toolkit.model.host import Host
from toolkit.model.playbook import Place
from toolkit.runner.hosts import HostState, Variables
from toolkit.runner.results import Recap


class _Watched(dict[str, Any]):
    """Variables that note that somebody read them."""

    def __init__(self, read: list[str], name: str) -> None:
        super().__init__(number=len(read))
        self._read, self._name = read, name

    def keys(self) -> Any:
        self._read.append(self._name)
        return super().keys()

    def __iter__(self) -> Iterator[str]:
        self._read.append(self._name)
        return super().__iter__()


@pytest.mark.parametrize(
    ("template", "read"),
    [
        ("{{ inventory_hostname }}", {"a"}),
        ("{{ hostvars['c'].number }}", {"a", "c"}),
        ("{{ hostvars | length }}", {"a"}),
    ],
)
def test_a_task_reads_the_variables_of_those_hosts_that_it_names(template: str, read: set[str]) -> None:
    """A task costs the same however many hosts there are: variables of others are put together when they are read."""
    seen: list[str] = []
    states = {
        name: HostState(host=Host(name=name, database="", variables=_Watched(seen, name)), recap=Recap())
        for name in "abc"
    }
    variables = Variables(
        templates=Templates(),
        playbook="p",
        groups={"all": list(states)},
        states=states,
        play={},
        extra={},
        now=lambda: datetime.now(UTC),
    )
    given = variables.of(states["a"], {}, check=False, made={}, place=Place())
    Templates().render(template, given, Place())
    assert set(seen) == read
