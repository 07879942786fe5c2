"""Many hosts: what a task costs, what is printed of them, and what one of them does to the others."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.runner.playbooks import run_text
from toolkit.app.commands import run
from toolkit.app.control import Control
from toolkit.config.templates import Templates
from toolkit.model.host import Host
from toolkit.model.outcome import Moved
from toolkit.model.playbook import Place
from toolkit.output.recap import moved_lines, warning_lines
from toolkit.runner.hosts import HostState, Variables
from toolkit.runner.results import PlayRecord, Recap, Result, RunRecord, Status, TaskRecord


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


FLEET = 40


@pytest.fixture
def fleet(tmp_path: Path) -> Control:
    """A control directory with FLEET hosts, h0 to h39, whose databases nobody listens for."""
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    hosts = {f"h{number}": {"database": f"host=127.0.0.1 port=9 dbname=x{number}"} for number in range(FLEET)}
    (inventory / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    return Control(directory=tmp_path)


FAILING = """
- hosts: all
  tasks:
    - debug: {msg: hello}
    - assert: {that: "fine is defined or inventory_hostname not in ('h3', 'h17')"}
    - when: inventory_hostname != 'h5'
      debug: {msg: bye}
"""


def test_the_recap_of_many_hosts_names_those_that_failed(fleet: Control, tmp_path: Path) -> None:
    """Hosts that are well stand together by their counts; --verbose, and the report, name every one."""
    ran = run_text(FAILING, tmp_path, run.Options(report=str(tmp_path / "report.json")), control=fleet)
    recap = ran.out.partition("PLAY RECAP")[2].splitlines()[1:6]
    assert ran.code == 1
    assert [line.split(" : ")[0].strip() for line in recap if line] == ["h3", "h17", "37 hosts", "1 host"]
    assert [line.split("ok=")[1][0] for line in recap if line] == ["1", "1", "3", "2"]
    assert len(json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["recap"]) == FLEET
    whole = run_text(FAILING, tmp_path, run.Options(verbose=True), control=fleet).out.partition("PLAY RECAP")[2]
    assert all(f"h{number} " in whole for number in range(FLEET))


def test_a_failed_run_can_be_repeated_where_it_failed(fleet: Control, tmp_path: Path) -> None:
    """The file that a failed run names takes the next one to the hosts that failed, and to no other."""
    ran = run_text(FAILING, tmp_path, control=fleet)
    option = ran.out.strip().splitlines()[-1].rpartition("--limit ")[2]
    assert option.endswith(".playback/playbook.retry")
    again = run_text(FAILING, tmp_path, run.Options(limit=option, extra_vars=("fine=yes",)), control=fleet)
    assert again.code == 0
    assert re.findall(r"ok: \[(\w+)\] => hello", again.out) == ["h3", "h17"]
    missing = run_text(FAILING, tmp_path, run.Options(limit="@nowhere.retry"), control=fleet)
    assert (missing.code, missing.out) == (2, "")
    assert missing.err.count("\n") == 1
    assert "--limit: the file" in missing.err
    assert "nowhere.retry cannot be read: No such file or directory" in missing.err


def test_a_host_that_does_not_answer_stops_no_other(fleet: Control, tmp_path: Path) -> None:
    """Hosts that refuse, and one that takes connections and never says a word, are unreachable; the others go on."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        address = f"host=127.0.0.1 port={port} dbname=x connect_timeout=2"
        text = f"""
- hosts: h0:h1:h2
  tasks:
    - when: inventory_hostname == 'h0'
      sql: {{query: SELECT 1, database: '{address}'}}
    - when: inventory_hostname == 'h1'
      sql: {{query: SELECT 1}}
    - debug: {{msg: went on}}
"""
        ran = run_text(text, tmp_path, run.Options(forks="2"), control=fleet)
    assert ran.code == 1
    assert re.findall(r"fatal: \[(\w+)\]: UNREACHABLE!", ran.out) == ["h0", "h1"]
    assert re.findall(r"ok: \[(\w+)\] => went on", ran.out) == ["h2"]


def test_what_moved_on_many_hosts_is_summed_up() -> None:
    """A table of more rows than a person reads gives sums, warnings that hosts share stand once; nothing gets lost."""
    moved = Moved(what="backup label", tables=2, rows=10, bytes=1000, seconds=1.5, stored=100)
    results = [
        Result(host=f"h{number}", status=Status.CHANGED, moved=(moved,), warnings=("table old is absent",))
        for number in range(FLEET)
    ]
    task = TaskRecord(name="t", action="backup", handler=False, started=datetime.now(UTC), results=results)
    record = RunRecord(plays=[PlayRecord(name="p", hosts=(), tasks=[task])])
    assert moved_lines(record)[2].split() == (
        ["40", "hosts", "40", "times", "backup", "80", "400", "39.1", "KiB", "3.91", "KiB", "1", "min", "00", "s"]
    )
    assert warning_lines(record) == ["", "[WARNING]: [h0 and 39 others] table old is absent"]
    assert len(moved_lines(record, whole=True)) == FLEET + 2
    assert len(warning_lines(record, whole=True)) == FLEET + 1
