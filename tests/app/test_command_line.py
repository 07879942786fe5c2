"""invoke's parser and the traps in it, on the real command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.app.invoking import INVENTORY, ROOT, invoke, playbook, run
from toolkit.app.command_line import CommandTask
from toolkit.app.commands import commands


def test_list_names_every_command() -> None:
    """`invoke --list` shows each command with what it does."""
    listed = invoke("--list")
    assert listed.code == 0
    for command in commands():
        # the default of a collection stands behind its long name
        assert re.search(rf"^  (\S+ \()?{re.escape(command.name)}\)? +\S", listed.out, re.MULTILINE)


@pytest.mark.parametrize("words", [("run", "--help"), ("--help", "run"), ("run", "x.yml", "-h")])
def test_help_prints_help(words: tuple[str, ...]) -> None:
    """Help is printed wherever it is asked for, and is never taken for the playbook."""
    helped = invoke(*words)
    assert helped.code == 0
    for option in ("--check", "--extra-vars", "--forks", "--limit", "--report", "--skip-tags", "--start-at-task"):
        assert option in helped.out


def test_options_have_no_short_forms() -> None:
    """No option of a command has a short form that could be hit by mistake."""
    for command in commands():
        for argument in CommandTask(command, ROOT).get_arguments():
            assert [len(name) > 1 for name in argument.names] == [True]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run",), "no playbook is named"),
        (("run", "a.yml", "b.yml"), "one playbook at a time, not a.yml, b.yml"),
        (("run", "nowhere.yml"), "nowhere.yml: no such file\nHINT: there are playbooks/"),
        (("run", "playbooks/nigtly.yml"), "no such file\nHINT: did you mean playbooks/nightly.yml?"),
        (("run", "playbooks/nightly.yml", "--inventory", "dem"), "dem: no such directory; did you mean demo?"),
        (("run", "x.yml", "--forks", "five"), "--forks: expected a whole number from 1 to 100, not 'five'"),
        (("run", "x.yml", "--forks=0"), "--forks: expected a whole number from 1 to 100, not '0'"),
        (("run", "x.yml", "--chekc"), "run has no option --chekc\nHINT: did you mean --check?"),
        (("run", "--chekc", "x.yml"), "run has no option --chekc"),
        (("run", "x.yml", "--check=yes"), "--check takes no value"),
        (("run", "x.yml", "--limit", "--check"), "--limit needs a value"),
        (("run", "x.yml", "--limit", "a", "--limit", "b"), "--limit is given twice"),
        (("run", "x.yml", "--dry"), "use --check"),
        (("run", "x.yml", "-R"), "use --check"),
        (("--dry", "run", "x.yml"), "use --check"),
        (("run", "x.yml", "--", "y"), "what stands after -- reaches no task"),
        (("run", "x.yml", "--report", "nowhere/r.json"), "does not exist; create it first"),
        (("doctor", "now"), "doctor takes no arguments besides its options"),
        (("doctor.storage", "local"), "doctor.storage takes no arguments besides its options"),
        (("doctor.storage",), "no repository to look at is named"),
        (("show",), "no backup is named"),
        (("verify", "some-label"), "no host to compare with is named"),
        (("backups", "--repository", "nowhere"), "nowhere"),
    ],
)
def test_wrong_words_are_exit_2_with_one_clear_message(words: tuple[str, ...], message: str) -> None:
    """A wrong command line ends with exit code 2 and says what is wrong, in our words."""
    refused = invoke(*words)
    assert refused.code == 2
    assert message in refused.err
    assert refused.out == ""


def test_every_wrong_option_is_reported() -> None:
    """Several wrong options are reported together, each with its reason."""
    wrong = {
        "novalue": "--extra-vars: expected name=value",
        "1a=b": "--extra-vars: '1a' is not a name",
        "a=1 b=2": "it looks like several variables in one",
        "{bad": "--extra-vars: not valid JSON",
        "@nowhere.yml": "nowhere.yml: no such file",
    }
    words = [word for each in wrong for word in ("--extra-vars", each)]
    refused = invoke("run", "x.yml", "--forks", "five", *words)
    assert refused.code == 2
    for message in wrong.values():
        assert message in refused.err
    assert "--forks" in refused.err


def test_a_word_that_is_no_command_is_exit_1() -> None:
    """What invoke's own parser refuses ends with exit code 1 before anything runs."""
    assert invoke("ruun", "x.yml").code == 1


def test_an_extra_variable_that_nothing_uses_is_refused(tmp_path: Path) -> None:
    """A misspelt variable would leave the playbook's own value in force: nothing is run."""
    path = playbook(tmp_path, "debug: {msg: '{{ business | default(\"none\") }}'}")
    wrong = ("busines", "Business", "bsuinses")
    ran = run(path, *(word for name in wrong for word in ("--extra-vars", f"{name}=a")))
    assert ran.code == 2
    for name in wrong:
        assert f"--extra-vars {name}: the playbook does not use it; did you mean business?" in ran.err
    assert "TASK" not in ran.out
    assert run(path, "--extra-vars", "business=a").code == 0
    # words of comments, and names of facts and arguments, are no variables of a playbook
    wide = run(ROOT / "playbooks" / "restore.yml", "--extra-vars", "tables=x", "--extra-vars", "label=y")
    assert wide.code == 2
    for name in ("tables", "label"):
        text = f"--extra-vars {name}: the playbook does not use it; it has answers, backup, into, mode"
        assert text in wide.err, wide.err


def test_extra_vars_repeat_in_every_form(tmp_path: Path) -> None:
    """--extra-vars may be given again, as name=value (with any value), as JSON and as a file; the last wins."""
    variables = tmp_path / "more.yml"
    variables.write_text("c: [1, 2]\nd: from the file\n", encoding="utf-8")
    path = playbook(tmp_path, 'debug: {msg: "{{ a }}|{{ b }}|{{ c }}|{{ d }}|{{ e + 1 }}"}')
    given = ("a=-x --check = y", "b=", f"@{variables}", "d=later", '{"e": 41}')
    ran = run(path, *(word for each in given for word in ("--extra-vars", each)))
    assert ran.code == 0
    assert "=> -x --check = y||[1, 2]|later|42" in ran.out


@pytest.mark.parametrize("words", [("--start-at-task", "-x"), ("--start-at-task=-x",)])
def test_a_value_may_begin_with_a_dash(words: tuple[str, ...], tmp_path: Path) -> None:
    """A value that begins with a dash reaches its option."""
    ran = run(playbook(tmp_path, "{name: first, debug: {}}", "{name: -x, debug: {msg: second}}"), *words)
    assert ran.code == 0
    assert "TASK [-x]" in ran.out
    assert "TASK [first]" not in ran.out


def test_lint_takes_no_path_one_and_several(tmp_path: Path) -> None:
    """`invoke lint` checks the control directory, a file or several, and lists every problem with its line."""
    assert invoke("lint").code == 0
    good = playbook(tmp_path, "debug: {msg: hello}", hosts="demo")
    one = playbook(tmp_path, "debug: {mgs: hello}", hosts="demo", name="one.yml")
    two = playbook(tmp_path, "debug: {msg: x}\n      retires: 3", hosts="demo", name="two.yml")
    assert invoke("lint", str(good)).code == 0
    bad = invoke("lint", str(one), str(two))
    assert bad.code == 2
    assert re.search(r"one\.yml:3: .*mgs", bad.err)
    assert re.search(r"two\.yml:4: .*retires", bad.err)


def test_relative_names_from_another_directory(tmp_path: Path) -> None:
    """From elsewhere a playbook is looked for below the working directory, then below the control directory."""
    playbook(tmp_path, "debug: {msg: from here}")
    for option in ("-r", "--search-root"):
        ran = invoke(option, str(ROOT), "run", "playbook.yml", "--inventory", str(INVENTORY), cwd=tmp_path)
        assert ran.code == 0
        assert "from here" in ran.out
    listed = invoke("-r", str(ROOT), "run", "playbooks/nightly.yml", "--list-tasks", cwd=tmp_path)
    assert listed.code == 0
    assert "playbook: nightly.yml" in listed.out
    inventory = "tests/runner/control/inventory"
    ran = invoke("-r", str(ROOT), "run", "playbook.yml", "--inventory", inventory, cwd=tmp_path)
    assert ran.code == 0


def test_commands_work_in_a_directory_below(tmp_path: Path) -> None:
    """In a directory below the control directory tasks.py is found as well."""
    del tmp_path
    assert invoke("run", "nightly.yml", "--list-tasks", cwd=ROOT / "playbooks").code == 0


def test_list_tasks_runs_nothing(tmp_path: Path) -> None:
    """--list-tasks shows the tasks that the tags choose, and runs none."""
    path = playbook(
        tmp_path,
        f"{{name: Make, command: {{argv: [touch, '{tmp_path.as_posix()}/made']}}, tags: a}}",
        "{name: Other, debug: {}, tags: b}",
    )
    listed = run(path, "--list-tasks", "--tags", "a")
    assert listed.code == 0
    assert "Make  TAGS: [a]" in listed.out
    assert "Other" not in listed.out
    assert not (tmp_path / "made").exists()
    listed = run(path, "--list-tasks", "--start-at-task", "Oth*")
    assert (listed.code, "Other" in listed.out, "Make" in listed.out) == (0, True, False)
    refusals = (
        ("--tags", "c"),
        ("--skip-tags", "all"),
        ("--limit", "nobody"),
        ("--tags", ","),
        ("--start-at-task", "x"),
    )
    for option, value in refusals:
        refused = run(path, "--list-tasks", option, value)
        assert (refused.code, refused.out) == (2, "")


def test_doctor_says_what_is_installed() -> None:
    """`invoke doctor.machine` names Python and the libraries, `invoke doctor` the demo's host and repositories."""
    found = invoke("doctor.machine").out + invoke("doctor").out
    for word in ("python 3.", "psycopg 3.", "invoke ", "control directory", "host demo", "repository local", "ok\n"):
        assert word in found
