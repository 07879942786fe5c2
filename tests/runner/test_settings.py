"""Settings of hosts and variables of that name are one thing: what templates see is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner.playbooks import Ran, run_text
from toolkit.app.commands import run
from toolkit.app.control import Control

TEXT = """
- hosts: all
  tasks:
    - debug: {msg: "templates see {{ repository }}"}
    - prune: {keep_last: 1}
"""


@pytest.fixture
def control(tmp_path: Path) -> Control:
    """One host with the repository `own`; `other` is there as well, and both have no directory yet."""
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    (inventory / "hosts.yml").write_text(
        "all: {hosts: {one: {database: embedded:none, repository: own}}}\n", encoding="utf-8"
    )
    (inventory / "repositories.yml").write_text(
        "own: {type: local, path: a}\nother: {type: local, path: b}\n", encoding="utf-8"
    )
    return Control(directory=tmp_path)


def ran(control: Control, *extra: str, text: str = TEXT) -> Ran:
    """Run a playbook with extra variables."""
    return run_text(text, control.directory, run.Options(extra_vars=extra), control)


def test_an_extra_repository_counts_for_actions_too(control: Control) -> None:
    """An action without a repository of its own takes the extra one, as templates do; an unknown one is refused; a file
    is a bundle."""
    carried = ran(control, "repository=bundle:none.playback")
    assert f"there is no repository at {control.directory / 'none.playback'}" in carried.out
    bundle = "bundle:none.playback"
    assert f"; a bundle is written {bundle}" in ran(control, "repository=bundel:none.playback").err
    for name, folder, extra in (("own", "a", ()), ("other", "b", ("repository=other",))):
        there = ran(control, *extra)
        assert f"templates see {name}" in there.out
        assert f"there is no repository at {control.directory / folder}" in there.out
    refused = ran(control, "repository=othr")
    assert refused.code == 2
    assert "--extra-vars repository: unknown repository othr; did you mean other?" in refused.err


def test_what_every_host_has_of_its_own_is_refused_as_an_extra_variable(control: Control) -> None:
    """Other settings of hosts, and the variables of the run itself, are named with the remedy; nothing runs."""
    settings = ("database", "direct", "catalog", "device", "programs", "expect")
    its_own = ("inventory_hostname", "groups", "hostvars", "playbook_name", "check_mode", "now")
    refused = ran(control, *(f"{name}=x" for name in (*settings, *its_own)))
    assert refused.code == 2
    for name in settings:
        assert f"--extra-vars {name}: each host has its own; write it into inventory/host_vars" in refused.err
    for name in its_own:
        assert f"--extra-vars {name}: the run itself sets it" in refused.err
    assert "TASK" not in refused.out


def test_a_playbook_cannot_seem_to_change_a_setting(control: Control) -> None:
    """Variables, facts and results of a playbook that would hide a setting from templates alone are refused."""
    (control.directory / "more.yml").write_text("device: {id: x}\n", encoding="utf-8")
    refused = ran(
        control,
        text="""
- hosts: all
  vars: {repository: other}
  vars_files: [more.yml]
  tasks:
    - debug: {}
      vars: {catalog: x}
      register: database
    - set_fact: {direct: x}
""",
    )
    assert refused.code == 2
    for place, name in (
        ("vars.repository", "repository"),
        ("vars_files[0]", "device"),
        ("tasks[0].vars.catalog", "catalog"),
        ("tasks[0].register", "database"),
        ("tasks[1].set_fact.direct", "direct"),
    ):
        assert f"[0].{place}: {name} is a setting of the host, which a playbook cannot change" in refused.err
