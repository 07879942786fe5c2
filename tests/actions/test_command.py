"""The actions `command`, `debug` and `assert`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.actions.running import act
from toolkit.errors import InputError, TaskError
from toolkit.model.secret import Secret


def python(*words: object) -> dict[str, object]:
    """Arguments that run Python."""
    return {"argv": [sys.executable, "-c", *words]}


def test_a_command_runs_without_a_shell(tmp_path: Path) -> None:
    """Arguments reach the program as they are, whatever a shell would make of them."""
    words = ("a b", "$HOME", "*", "'\"", ";", "|", "ü")
    outcome = act("command", python("import sys; print(ascii(sys.argv[1:]))", *words), tmp_path)
    assert outcome.changed
    assert outcome.facts["stdout"] == ascii(list(words))


def test_a_command_line_is_split_into_words(tmp_path: Path) -> None:
    """`cmd` is split as a shell would, and bad quoting is refused."""
    program = Path(sys.executable).as_posix()
    outcome = act("command", {"cmd": f"{program} -c 'print(1 + 1)'"}, tmp_path)
    assert outcome.facts["stdout"] == "2"
    with pytest.raises(InputError, match=r"command\.cmd: no closing quotation"):
        act("command", {"cmd": f"{program} 'open"}, tmp_path)


def test_a_failing_command_keeps_what_it_said(tmp_path: Path) -> None:
    """Another exit code than 0 fails the task, with the code and both streams in its facts."""
    outcome = act("command", python("import sys; print('out'); sys.exit('went wrong')"), tmp_path)
    assert outcome.exit_code == 1
    assert (outcome.facts["rc"], outcome.facts["stdout"], outcome.facts["stderr"]) == (1, "out", "went wrong")
    assert "went wrong" in outcome.message


def test_a_command_runs_where_it_is_told_to(tmp_path: Path) -> None:
    """`chdir` is relative to the control directory, `environment` is added, and secrets in it are revealed."""
    (tmp_path / "below").mkdir()
    script = "import os, pathlib; print(pathlib.Path.cwd().name, os.environ['PIN'], 'PATH' in os.environ)"
    arguments = {**python(script), "chdir": "below", "environment": {"PIN": Secret("1234")}}
    assert act("command", arguments, tmp_path).facts["stdout"] == "below 1234 True"


def test_a_needless_command_is_not_run(tmp_path: Path) -> None:
    """With `creates` nothing runs when that path exists."""
    script = python("raise SystemExit(1)")
    (tmp_path / "there").touch()
    outcome = act("command", {**script, "creates": "there"}, tmp_path)
    assert not outcome.changed
    assert outcome.exit_code == 0
    assert act("command", {**script, "creates": "gone"}, tmp_path).exit_code == 1


def test_a_command_that_cannot_run_says_why(tmp_path: Path) -> None:
    """An unknown program and one that takes too long are errors with their reason."""
    with pytest.raises(TaskError, match="no-such-program cannot be run"):
        act("command", {"argv": ["no-such-program"]}, tmp_path)
    with pytest.raises(TaskError, match=r"it took longer than 0\.2 s"):
        act("command", {**python("import time; time.sleep(30)"), "timeout": 0.2}, tmp_path)


def test_a_command_is_skipped_in_check_mode(tmp_path: Path) -> None:
    """Nothing runs in check mode."""
    outcome = act("command", python(f"open({str(tmp_path / 'made')!r}, 'w')"), tmp_path, check=True)
    assert outcome.skipped
    assert not (tmp_path / "made").exists()


def test_debug_prints_texts_and_values(tmp_path: Path) -> None:
    """`msg` prints text as it is and values as JSON; `var` prints an expression's value; a secret prints as ***."""
    assert act("debug", {"msg": "text"}, tmp_path).message == "text"
    assert act("debug", {"msg": {"a": [1, None], "b": Secret("x")}}, tmp_path).message == '{"a": [1, null], "b": "***"}'
    assert act("debug", {"msg": ["one", 2]}, tmp_path).details == ("one", "2")
    variables = {"found": {"rows": [1, 2]}}
    assert act("debug", {"var": "found.rows[1]"}, tmp_path, variables=variables).message == "found.rows[1]: 2"


def test_assert_names_every_condition_that_does_not_hold(tmp_path: Path) -> None:
    """An assertion passes when all conditions hold, and otherwise lists those that do not."""
    variables = {"rows": 3}
    assert act("assert", {"that": "rows == 3", "success_msg": "fine"}, tmp_path, variables=variables).message == "fine"
    with pytest.raises(TaskError) as failed:
        act("assert", {"that": ["rows > 1", "rows > 5", False], "fail_msg": "too few"}, tmp_path, variables=variables)
    assert failed.value.message == "too few\n  - rows > 5\n  - false"
    with pytest.raises(InputError, match="nowhere is undefined"):
        act("assert", {"that": "nowhere"}, tmp_path)
