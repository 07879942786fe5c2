"""Playbooks as data, and the arguments of actions once they are rendered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.actions.registry import ACTIONS
from toolkit.actions.schema import schema_of
from toolkit.config import playbook
from toolkit.config.secrets import hidden
from toolkit.config.validation import check_arguments
from toolkit.errors import InputError
from toolkit.model.playbook import Block, Place, Playbook, Task
from toolkit.model.secret import Secret

Load = Callable[[str], Playbook]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Writes a playbook and loads it."""

    def write_and_load(text: str) -> Playbook:
        path = tmp_path / "playbooks" / "x.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return playbook.load(path, control=tmp_path)

    return write_and_load


def test_play(load: Load) -> None:
    """A play's keywords are taken over; a list of host patterns is one pattern, tags may stand in one text."""
    (play,) = load(
        """
- name: A play
  hosts: [tills, "!till-9"]
  tags: a, b
  vars: {x: 1, token: {env: TOKEN}}
  vars_files: x.yml
  serial: 2
  any_errors_fatal: true
  pre_tasks: [{debug: {msg: 1}}]
  post_tasks: [{debug: {msg: 2}}]
  handlers: [{name: h, debug: {msg: 3}}]
"""
    ).plays
    assert (play.name, play.hosts, play.tags, play.vars_files) == ("A play", "tills,!till-9", ("a", "b"), ("x.yml",))
    assert (play.serial, play.any_errors_fatal, play.vars["x"]) == (2, True, 1)
    assert isinstance(play.vars["token"], Secret)
    assert [len(section) for section in (play.pre_tasks, play.tasks, play.post_tasks, play.handlers)] == [1, 0, 1, 1]
    assert play.place == Place(file="playbooks/x.yml", line=2, path="[0]")


def test_task(load: Load) -> None:
    """A task's keywords are taken over; one condition and several are conditions."""
    (play,) = load(
        """
- hosts: all
  tasks:
    - name: A task
      when: a == 1
      backup: {scope: business}
      loop: "{{ items }}"
      register: r
      until: [r is succeeded, true]
      delay: 0.5
      changed_when: false
      failed_when: [x, y]
      notify: h
      vars: {v: 1}
      ignore_errors: true
      no_log: true
      check_mode: false
      run_once: "{{ once }}"
  handlers: [{name: h, debug: {msg: x}}]
"""
    ).plays
    (task,) = play.tasks
    assert isinstance(task, Task)
    assert (task.action, task.arguments, task.loop, task.register) == (
        "backup",
        {"scope": "business"},
        "{{ items }}",
        "r",
    )
    assert (task.until, task.retries, task.delay) == (("r is succeeded", True), 3, 0.5)
    assert (task.changed_when, task.failed_when, task.notify) == ((False,), ("x", "y"), ("h",))
    words = task.keywords
    assert (words.name, words.when, words.vars) == ("A task", ("a == 1",), {"v": 1})
    assert (words.ignore_errors, words.no_log, words.check_mode, words.run_once) == (True, True, False, "{{ once }}")
    assert words.place == Place(file="playbooks/x.yml", line=4, path="[0].tasks[0]")


def test_block(load: Load) -> None:
    """Blocks hold steps, which may be blocks, and know where they stand."""
    (play,) = load(
        """
- hosts: all
  tasks:
    - block: [{block: [{debug: {msg: 1}}]}]
      rescue: [{debug: {msg: 2}}]
      always: [{debug: {msg: 3}}, {debug: {msg: 4}}]
      when: x
"""
    ).plays
    (outer,) = play.tasks
    assert isinstance(outer, Block)
    assert (len(outer.block), len(outer.rescue), len(outer.always), outer.keywords.when) == (1, 1, 2, ("x",))
    (inner,) = outer.block
    assert isinstance(inner, Block)
    assert inner.block[0].keywords.place.path == "[0].tasks[0].block[0].block[0]"


def test_secrets_in_arguments(load: Load) -> None:
    """A secret's source in an argument becomes a Secret; arguments that only look like one stay as they are."""
    (play,) = load(
        """
- hosts: all
  tasks:
    - sql: {file: x.sql}
    - sql: {query: SELECT 1, database: {env: URL}}
    - http: {url: "https://h", headers: {Authorization: {env: TOKEN}}}
"""
    ).plays
    file, query, http = (task.arguments for task in play.tasks if isinstance(task, Task))
    assert file == {"file": "x.sql"}
    assert isinstance(query["database"], Secret)
    assert isinstance(http["headers"]["Authorization"], Secret)


def test_problems_name_the_file(load: Load) -> None:
    """All problems come at once, each with the file as the user types it, its line and its path."""
    with pytest.raises(InputError) as error:
        load("- hosts: all\n  tasks:\n    - backup: {demo: exclud}\n    - restore: {}\n")
    assert str(error.value).splitlines() == [
        "playbooks/x.yml:3: [0].tasks[0].backup.demo: expected one of exclude, include, only, "
        'found "exclud"; did you mean exclude?',
        "playbooks/x.yml:4: [0].tasks[1].restore: the key mode is missing (one of merge, mirror)",
    ]


def test_variables_file(tmp_path: Path) -> None:
    """A file of variables gives a mapping with secrets; nothing in it gives none; anything else is a problem."""
    path = tmp_path / "vars.yml"
    path.write_text("a: 1\nb: {env: B}\n", encoding="utf-8")
    variables = playbook.load_variables(path, control=tmp_path)
    assert (variables["a"], type(variables["b"]).__mro__[1]) == (1, Secret)
    path.write_text("# nothing\n", encoding="utf-8")
    assert playbook.load_variables(path, control=tmp_path) == {}
    path.write_text("- a\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"^vars.yml:1: expected a mapping, found a list$"):
        playbook.load_variables(path, control=tmp_path)


PLACE = Place(file="playbooks/x.yml", line=7, path="[0].tasks[1]")


@pytest.mark.parametrize(
    ("action", "arguments", "problems"),
    [
        ("backup", {"scope": "business", "repository": ["a", "b"]}, []),
        ("backup", {"businesses": ("a", "b")}, []),
        ("backup", {"scope": "{{ x }}"}, ['.scope: expected one of business, full-device, found "{{ x }}"']),
        ("backup", {"businesses": "{{ x }}"}, ['.businesses: expected a list, found "{{ x }}"']),
        (
            "backup",
            {"businesses": []},
            [".businesses: the list is empty; name at least one business, or leave the key out for all of them"],
        ),
        (
            "backup",
            {"optional": {"audit_logs": {"limit": "50"}}},
            [
                '.optional.audit_logs.limit: expected a whole number, found "50", which is text; '
                "drop the quotes or, in a template, append `| int`"
            ],
        ),
        (
            "restore",
            {"mode": "merge", "atomic": "no"},
            [
                '.atomic: expected true or false, found "no", which is text; '
                "write true or false or, in a template, append `| bool`"
            ],
        ),
        ("http", {"url": hidden("https://h/token"), "headers": {"Authorization": hidden("Bearer x")}}, []),
        ("sql", {"query": "SELECT 1", "database": hidden("host=h")}, []),
        ("sql", {"query": "SELECT 1", "args": "{{ x }}"}, ['.args: expected a list or a mapping, found "{{ x }}"']),
        ("debug", {"msg": {"any": ["thing", None, 1.5]}}, []),
        ("set_fact", {"a": None}, []),
        ("debug", "text", [': expected a mapping, found "text"']),
    ],
)
def test_rendered_arguments(action: str, arguments: object, problems: list[str]) -> None:
    """Rendered arguments are checked again, and then a template is no longer taken for a value."""
    prefix = f"playbooks/x.yml:7: [0].tasks[1].{action}"
    assert [str(problem) for problem in check_arguments(action, schema_of(ACTIONS[action]), arguments, PLACE)] == [
        f"{prefix}{problem}" for problem in problems
    ]


def test_problems_do_not_show_secrets() -> None:
    """A value in a problem is masked when a secret is in it."""
    hidden("hunter2-of-arguments")
    (problem,) = check_arguments("backup", schema_of(ACTIONS["backup"]), {"scope": "hunter2-of-arguments"}, PLACE)
    assert problem.message == 'expected one of business, full-device, found "***"'
