"""Lint: which files it checks, and as what."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from toolkit.config.lint import lint
from toolkit.shipped import DEMO_INVENTORY

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture
def control(tmp_path: Path) -> Path:
    """A control directory without problems."""
    return Path(shutil.copytree(HERE / "control", tmp_path / "control"))


def write(path: Path, text: str) -> Path:
    """Write a file, making its directory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_this_project() -> None:
    """What the project ships has no problem."""
    assert list(map(str, lint(ROOT, inventory=DEMO_INVENTORY))) == []


def test_repositories_that_variables_name(control: Path) -> None:
    """A repository that a variable of the playbook or of a host names is looked up; what a task gives cannot be."""
    write(control / "inventory" / "host_vars" / "till-1.yml", "third: nowhere\n")
    path = write(
        control / "playbooks" / "a.yml",
        "- hosts: all\n  vars: {second: elsewhere, fine: local}\n  tasks:\n"
        "    - copy: {from: '{{ fine }}', to: '{{ second }}'}\n"
        "    - prune: {repository: '{{ item }}', keep_daily: 1}\n      loop: ['{{ fine }}', '{{ third }}', other]\n"
        "    - set_fact: {made: local}\n    - copy: {from: '{{ made }}', to: '{{ unknown }}'}\n",
    )
    found = [(problem.line, problem.message.partition(";")[0].partition(",")[0]) for problem in lint(control, [path])]
    assert [line for line, _ in found] == [4, 5, 5], found
    assert all(name in said for name, (_, said) in zip(("elsewhere", "nowhere", "other"), found, strict=True)), found


def test_a_secret_in_a_loop(control: Path) -> None:
    """What a task goes through is looked into like its arguments."""
    text = "- hosts: all\n  tasks:\n    - {debug: {msg: '{{ item.user }}'}, loop: [{user: me, password: hunter2}]}\n"
    (problem,) = lint(control, [write(control / "playbooks" / "a.yml", text)])
    assert (problem.line, problem.message.partition(";")[0]) == (3, "a secret is written here")
    assert "hunter2" not in str(problem)


def test_a_directory_with_nothing_to_check(control: Path) -> None:
    """Where no file is checked, nothing is found to be right."""
    write(control / "notes" / "a.txt", "x\n")
    write(control / "notes" / ".hidden" / "b.yml", "- {}\n")
    assert ["no YAML file" in str(problem) for problem in lint(control, [control / "notes"])] == [True]


def test_everything(control: Path) -> None:
    """Without paths, inventory, catalogs and playbooks are checked, and every problem is listed by file and line."""
    write(control / "playbooks" / "a.yml", "- hosts: nosuch*\n  tsks: []\n")
    write(control / "playbooks" / "deep" / "b.yml", "- {}\n")
    write(control / "playbooks" / "vars" / "c.yml", "password: hunter2\n")
    write(control / "inventory" / "catalogs" / "other.yml", "catalog: other\n")
    write(control / "inventory" / "host_vars" / "till-1.yml", "device: {ident: x}\n")
    write(control / "inventory" / "repositories.yml", "local: {type: ftp}\n")
    assert [f"{problem.file}:{problem.line}" for problem in lint(control)] == [
        "inventory/host_vars/till-1.yml:1",
        "inventory/repositories.yml:1",
        "playbooks/a.yml:2",
        "playbooks/deep/b.yml:1",
        "playbooks/vars/c.yml:1",
    ]


def test_problems_of_catalogs_and_hosts(control: Path) -> None:
    """Catalogs are read and hosts are made, so that their problems show before a run needs them."""
    write(control / "inventory" / "catalogs" / "other.yml", "catalog: other\n")
    write(control / "inventory" / "host_vars" / "till-1.yml", "catalog: '{{ nosuch }}'\n")
    assert [str(problem) for problem in lint(control)] == [
        "inventory/catalogs/other.yml:1: the key business is missing: let the database propose it:"
        " invoke classify --host HOST --update",
        "inventory/catalogs/other.yml:1: the key tenant is missing",
        "inventory/host_vars/till-1.yml:1: catalog: the variable nosuch is undefined",
    ]


def test_variables_that_are_nearly_known(control: Path) -> None:
    """One that nothing uses and that is spelt like a known one is named; one that a playbook uses is somebody's own."""
    hosts = """
        all:
          hosts:
            shop: {database: "embedded:shop", repositry: local, catlog: shop, devcie: {id: a}, scrach_on: host}
            till: {database: "embedded:till", repository: local, repository2: local, mirror: "{{ secnd }}", secnd: a}
            mine: {database: "embedded:mine", catalogs: mine, directory: here}
    """
    write(control / "inventory" / "hosts.yml", hosts)
    write(control / "playbooks" / "own.yml", "- hosts: all\n  tasks:\n    - debug: {msg: '{{ catalogs }}'}\n")
    found = [(each.line, each.message) for each in lint(control) if "nothing uses" in each.message]
    wanted = {"repositry": "repository", "catlog": "catalog", "devcie": "device", "scrach_on": "scratch_on"}
    assert found == [(4, f"nothing uses a variable {name}; did you mean {near}?") for name, near in wanted.items()]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- hosts: all\n  tsks: []\n", "unknown key tsks; did you mean tasks?"),
        ("all: {hsts: {}}\n", "unknown key hsts; did you mean hosts?"),
        ("local: {type: local}\n", "the key path is missing"),
        ("catalog: x\n", "the key tenant is missing"),
        ("5x: 1\n", "not a variable name: letters, digits and _, not beginning with a digit"),
        ("text\n", "a playbook is a list of plays, each beginning with `- `"),
    ],
)
def test_kinds_by_shape(text: str, message: str, tmp_path: Path, control: Path) -> None:
    """A file outside of the usual places is what its shape says."""
    problems = lint(control, [write(tmp_path / "elsewhere" / "x.yml", text)])
    assert message in [problem.message for problem in problems]


def test_one_file_of_the_inventory(control: Path) -> None:
    """A file of the inventory is checked with the others, but only its own problems are listed."""
    write(control / "inventory" / "repositories.yml", "local: {type: ftp}\n")
    file = write(control / "inventory" / "group_vars" / "tills.yml", "device: {ident: x}\n")
    assert [problem.file for problem in lint(control, [file])] == ["inventory/group_vars/tills.yml"]
    assert lint(control, [control / "inventory" / "catalogs" / "shop.yml"]) == []


def test_directories(control: Path) -> None:
    """A directory stands for all YAML files in it; one with a hosts.yml for the inventory."""
    write(control / "playbooks" / "a.yml", "- {}\n")
    write(control / "playbooks" / ".hidden.yml", "- {}\n")
    write(control / "playbooks" / "notes.txt", "- {}\n")
    write(control / "inventory" / "repositories.yml", "local: {type: ftp}\n")
    assert [problem.file for problem in lint(control, [control / "playbooks"])] == ["playbooks/a.yml"]
    assert [problem.file for problem in lint(control, [control / "inventory"])] == ["inventory/repositories.yml"]


def test_several_paths(control: Path) -> None:
    """Several paths are checked, and one that does not exist is a problem like others."""
    files = [write(control / "playbooks" / f"{name}.yml", "- {}\n") for name in "ba"]
    problems = lint(control, [*files, control / "nowhere.yml"])
    assert [problem.file for problem in problems] == ["nowhere.yml", "playbooks/a.yml", "playbooks/b.yml"]


def test_a_broken_inventory_is_not_blamed_on_playbooks(control: Path) -> None:
    """When the inventory cannot be read, names in playbooks are not held against it."""
    (control / "inventory" / "hosts.yml").write_text("all: [", encoding="utf-8")
    playbook = write(control / "playbooks" / "a.yml", "- {hosts: nosuch, tasks: [{backup: {repository: nosuch}}]}\n")
    assert lint(control, [playbook]) == []
    assert [problem.file for problem in lint(control)] == ["inventory/hosts.yml"]
