"""What playbooks alone cannot show: parallel hosts, defects, interruptions, exit codes."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.acting import act
from tests.runner.playbooks import CONTROL, Ran, run_text
from toolkit.actions.context import Context
from toolkit.actions.registry import ACTIONS
from toolkit.app.commands import run
from toolkit.app.control import Control
from toolkit.config import inventory
from toolkit.config import playbook as playbooks
from toolkit.config.templates import Templates
from toolkit.errors import (
    PRECEDENCE,
    DamageError,
    DatabaseError,
    DifferenceError,
    InputError,
    LockedError,
    PlaybackError,
    RefusedError,
    TaskError,
    UndecidedError,
)
from toolkit.model.outcome import Outcome
from toolkit.model.playbook import Playbook
from toolkit.output.streams import Output
from toolkit.output.text import TextReporter
from toolkit.runner.interruption import Interruption
from toolkit.runner.options import RunOptions
from toolkit.runner.results import Result, RunRecord, exit_code
from toolkit.runner.run import Runner

Run = Callable[[Any, Context], Outcome]


def run_with(action: Run, text: str, tmp: Path, options: RunOptions | None = None, *, debug: bool = False) -> Ran:
    """Run a playbook in which `demo` is another action, so that a test decides what it does."""
    out, err = io.StringIO(), io.StringIO()
    runner = runner_of(action, TextReporter(Output(out, err), debug=debug))
    code = runner.run(playbook_of(text, tmp), options or RunOptions(), RunRecord())
    return Ran(code=code, out=out.getvalue(), err=err.getvalue())


def runner_of(action: Run, reporter: TextReporter, interruption: Interruption | None = None) -> Runner:
    """A runner in which `demo` is another action."""
    return Runner(
        inventory=CONTROL.load_inventory(),
        actions={**ACTIONS, "demo": replace(ACTIONS["demo"], run=action)},
        templates=Templates(),
        reporter=reporter,
        now=lambda: datetime.now(UTC),
        interruption=interruption or Interruption(),
    )


def playbook_of(text: str, tmp: Path) -> Playbook:
    """A playbook of that text."""
    path = tmp / "playbook.yml"
    path.write_text(text, encoding="utf-8")
    return playbooks.load(path)


@given(st.lists(st.sampled_from((0, *PRECEDENCE))))
def test_exit_code_is_the_first_of_its_precedence(codes: list[int]) -> None:
    """Whatever failed, in whatever order, the run ends with the first code of the documented precedence."""
    expected = [code for code in (130, 8, 7, 2, 5, 4, 1, 6, 3) if code in codes]
    assert exit_code(codes) == (expected[0] if expected else 0)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("wrong"), 2),
        (LockedError("held"), 5),
        (RefusedError("no"), 4),
        (DamageError("broken"), 4),
        (TaskError("failed"), 1),
        (DatabaseError("gone"), 1),
        (DifferenceError("unlike"), 6),
        (ValueError("a defect"), 1),
    ],
)
def test_an_error_of_an_action_is_a_failed_task_with_its_exit_code(error: Exception, code: int, tmp_path: Path) -> None:
    """What an action raises fails its task with the message, the recap is printed, and the error decides the code."""

    def failing(arguments: Any, context: Context) -> Outcome:
        raise error

    ran = run_with(failing, "- hosts: one\n  tasks:\n    - demo: {}\n", tmp_path)
    assert ran.code == code
    assert "fatal: [one]: FAILED! => " in ran.out
    assert str(error).splitlines()[0] in ran.out
    assert "failed=1" in ran.out
    assert "Traceback" not in ran.text


@pytest.mark.parametrize("partial", [3, 6])
def test_an_outcome_can_fail_and_keep_its_facts(partial: int, tmp_path: Path) -> None:
    """An outcome with an exit code fails the task, and a rescue sees what it found."""

    def differing(arguments: Any, context: Context) -> Outcome:
        return Outcome(message="two differ", facts={"tables": 2}, exit_code=partial)

    text = """
- hosts: one
  tasks:
    - block: [demo: {}]
      rescue: [debug: {msg: "{{ failed_result.tables }} tables"}]
    - demo: {}
"""
    ran = run_with(differing, text, tmp_path)
    assert ran.code == partial
    assert "=> 2 tables" in ran.out


def test_codes_of_several_hosts_are_combined(tmp_path: Path) -> None:
    """With several failing hosts the precedence decides, ignored and rescued failures do not count."""
    errors = {"one": DifferenceError("unlike"), "two": RefusedError("no"), "three": LockedError("held")}

    def failing(arguments: Any, context: Context) -> Outcome:
        raise errors[context.host.name]

    play = "- hosts: {}\n  tasks:\n    - demo: {{}}\n      ignore_errors: {}\n"
    for hosts, ignored, code in (
        ("all", "false", 5),
        ("one, two", "false", 4),
        ("one", "false", 6),
        ("all", "true", 0),
    ):
        assert run_with(failing, play.format(hosts, ignored), tmp_path).code == code


def test_a_defect_shows_its_trace_with_debug_only(tmp_path: Path) -> None:
    """An unexpected exception is one line and a hint; with debug its trace follows, secrets masked."""

    def defect(arguments: Any, context: Context) -> Outcome:
        raise KeyError("lost")

    text = "- hosts: one\n  tasks:\n    - demo: {}\n"
    quiet = run_with(defect, text, tmp_path)
    assert quiet.code == 1
    assert "unexpected KeyError: 'lost'\nHINT: this is a defect; run with --debug for the trace" in quiet.out
    assert "Traceback" not in quiet.text
    assert "Traceback" in run_with(defect, text, tmp_path, debug=True).err


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "/srv/x: permission denied\nHINT: give the user who runs this access to it"),
        (errno.ENOSPC, "/srv/x: no space left on device\nHINT: free some space there"),
    ],
    ids=["permission", "space"],
)
def test_what_the_machine_refuses_is_no_defect(number: int, said: str, tmp_path: Path) -> None:
    """A file of another user and a full disk are told as what they are, with what to do."""

    def refused(arguments: Any, context: Context) -> Outcome:
        raise OSError(number, os.strerror(number), "/srv/x")

    ran = run_with(refused, "- hosts: one\n  tasks:\n    - demo: {}\n", tmp_path)
    assert ran.code == 1
    assert said in ran.out
    assert "defect" not in ran.text


def test_forks_run_hosts_at_the_same_time_in_host_order(tmp_path: Path) -> None:
    """With --forks 3 three hosts run at once, and their results stand in host order all the same."""
    together = threading.Barrier(3, timeout=120)

    def meeting(arguments: Any, context: Context) -> Outcome:
        together.wait()
        return Outcome(message=f"met as {context.host.name}", facts={"name": context.host.name})

    text = """
- hosts: all
  tasks:
    - demo: {}
      register: met
    - debug: {msg: "{{ met.name }}"}
"""
    ran = run_with(meeting, text, tmp_path, RunOptions(forks=3))
    assert ran.code == 0
    order = [line.split("=> ")[1] for line in ran.out.splitlines() if line.startswith("ok:")]
    assert order == ["met as one", "met as two", "met as three", "one", "two", "three"]


@pytest.mark.parametrize("forks", [1, 3])
def test_an_interruption_ends_the_run_after_always(forks: int, tmp_path: Path) -> None:
    """Ctrl-C in an action runs the blocks' always, and neither rescue nor anything after; the run ends with 130."""

    def interrupted(arguments: Any, context: Context) -> Outcome:
        raise KeyboardInterrupt

    text = """
- hosts: all
  tasks:
    - block:
        - block: [demo: {}]
          rescue: [debug: {msg: rescue}]
          always: [debug: {msg: inner always}]
      always:
        - debug: {msg: outer always}
    - debug: {msg: after}
- hosts: all
  tasks:
    - debug: {msg: later}
"""
    ran = run_with(interrupted, text, tmp_path, RunOptions(forks=forks))
    assert ran.code == 130
    # told once, at the end, by the command; the recap counts
    assert 1 <= ran.out.count("interrupted") == ran.out.count("interrupted=1") <= forks
    assert "PLAY RECAP" in ran.out
    for said, expected in (("inner always", True), ("outer always", True), ("rescue\n", False), ("after", False)):
        assert (said in ran.out) is expected
    assert "later" not in ran.out


def test_warnings_and_moved_rows_end_the_run(tmp_path: Path) -> None:
    """Every warning is repeated after the recap, and what moved stands in a table."""
    result = run_text("- hosts: one\n  tasks:\n    - debug: {msg: hi}\n", tmp_path)
    assert "moved" not in result.out

    def warning(arguments: Any, context: Context) -> Outcome:
        return Outcome(warnings=("table old is absent",))

    ran = run_with(warning, "- hosts: one\n  tasks:\n    - demo: {}\n", tmp_path)
    assert ran.out.count("table old is absent") == 2
    assert ran.out.rstrip().endswith("[WARNING]: [one] table old is absent")
    # several tasks, and items of a loop, warn of it once before that
    tasks = "- hosts: one\n  tasks:\n    - demo: {}\n    - {demo: {}, loop: [1, 2]}\n"
    assert run_with(warning, tasks, tmp_path).out.count("table old is absent") == 2


class _InterruptedPrinter(TextReporter):
    """Stands for Ctrl-C while the first result is printed."""

    def host_result(self, result: Result) -> None:
        """Print it, then be interrupted."""
        super().host_result(result)
        if result.host == "one":
            raise KeyboardInterrupt


@pytest.mark.parametrize(("forks", "running"), [(1, {"one"}), (2, {"one", "two", "three"})])
def test_an_interruption_while_a_result_is_printed_begins_nothing_more(
    forks: int, running: set[str], tmp_path: Path
) -> None:
    """Hosts whose turn has not come do not run the task any more, and what others did is recorded all the same."""
    begun: list[str] = []

    def noting(arguments: Any, context: Context) -> Outcome:
        begun.append(context.host.name)
        while context.host.name != "one":
            time.sleep(0.01)
            context.progress.note("waiting")
        return Outcome(message="done")

    record = RunRecord()
    text = "- hosts: all\n  tasks:\n    - demo: {}\n    - debug: {msg: after}\n"
    out = io.StringIO()
    reporter = _InterruptedPrinter(Output(out, io.StringIO()), debug=False)
    hosts: dict[str, object] = {name: {"database": f"embedded:{name}"} for name in ("one", "two", "three", "four")}
    (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    runner = replace(runner_of(noting, reporter), inventory=inventory.load(tmp_path))
    code = runner.run(playbook_of(text, tmp_path), RunOptions(forks=forks), record)
    assert code == 130
    # the third may take the place of the first before that one is told of
    assert {"one"} <= set(begun) <= running
    assert {result.host for _, result in record.results()} == set(begun)
    assert "after" not in out.getvalue()


def test_an_interruption_that_a_library_swallows_is_not_lost(tmp_path: Path) -> None:
    """Where a library swallows KeyboardInterrupt, its host's result counts, and no other host begins."""
    begun: list[str] = []
    interruption = Interruption()

    def swallowing(arguments: Any, context: Context) -> Outcome:
        begun.append(context.host.name)
        interruption.notice()
        return Outcome(message="as if nothing had happened")

    out = io.StringIO()
    runner = runner_of(swallowing, TextReporter(Output(out, io.StringIO()), debug=False), interruption)
    text = (
        "- hosts: all\n  tasks:\n    - {demo: {}, loop: [1, 2], retries: 2, until: false, delay: 0}\n    - demo: {}\n"
    )
    assert runner.run(playbook_of(text, tmp_path), RunOptions(), RunRecord()) == 130
    assert begun == ["one"]


def test_what_may_have_taken_effect_is_not_tried_again(tmp_path: Path) -> None:
    """A task that ended as undecided is not done twice, whatever `retries` says; one that failed is."""
    for error, begun in ((UndecidedError, 1), (TaskError, 3)):
        calls: list[str] = []

        def failing(
            arguments: Any, context: Context, calls: list[str] = calls, error: type[PlaybackError] = error
        ) -> Outcome:
            calls.append(context.host.name)
            raise error("the connection was lost")

        ran = run_with(failing, "- hosts: one\n  tasks: [{demo: {}, retries: 2, delay: 0}]\n", tmp_path)
        assert (ran.code, len(calls)) == (error.exit_code, begun)


def test_always_runs_where_something_was_begun(tmp_path: Path) -> None:
    """After an interruption `always` tidies up on the hosts that had begun the block, and on no other."""

    def interrupted(arguments: Any, context: Context) -> Outcome:
        raise KeyboardInterrupt

    text = """
- hosts: all
  tasks:
    - block: [demo: {}]
      always: [debug: {msg: "tidied {{ inventory_hostname }}"}]
"""
    ran = run_with(interrupted, text, tmp_path)
    assert ran.code == 130
    assert [host for host in ("one", "two", "three") if f"tidied {host}" in ran.out] == ["one"]


def test_hosts_beside_each_other_stop_soon(tmp_path: Path) -> None:
    """With --forks a program that runs on one host is ended when another one is interrupted."""

    def interrupted(arguments: Any, context: Context) -> Outcome:
        if context.host.name == "one":
            raise KeyboardInterrupt
        return act("command", {"argv": [sys.executable, "-c", "import time; time.sleep(60)"]}, context)

    started = time.monotonic()
    ran = run_with(interrupted, "- hosts: all\n  tasks:\n    - demo: {}\n", tmp_path, RunOptions(forks=3))
    assert ran.code == 130
    assert time.monotonic() - started < 50


NOWHERE = "host=127.0.0.1 port=9 dbname=x connect_timeout=2"


def test_a_host_that_cannot_be_reached_is_counted_as_that(tmp_path: Path) -> None:
    """It is out like one that failed, with exit code 1, in its own column; rescue and ignore_errors see it too."""
    dead = f"sql: {{query: SELECT 1, database: '{NOWHERE}'}}"
    ran = run_text(f"- hosts: one\n  tasks:\n    - {dead}\n    - debug: {{}}\n", tmp_path)
    assert ran.code == 1
    assert "fatal: [one]: UNREACHABLE! => cannot connect to" in ran.out
    assert "failed=0    unreachable=1    rescued=0" in ran.out
    text = f"""
- hosts: one
  tasks:
    - block: [{{{dead}}}]
      rescue: [debug: {{msg: "{{{{ failed_result.unreachable }}}}"}}]
    - {dead}
      ignore_errors: true
    - {dead}
      loop: [1, 2]
"""
    ran = run_text(text, tmp_path)
    assert ran.code == 1
    assert "=> true" in ran.out
    assert "failed=0    unreachable=1    rescued=1    ignored=1" in ran.out


NOTHING = """
- hosts: one
  tags: playing
  tasks:
    - {name: first, debug: {}, tags: quick}
    - {name: second, debug: {}}
"""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tags": "quik"}, "--tags: no task has the tag quik; did you mean quick? (known: playing, quick)"),
        ({"tags": "quick,slow"}, "--tags: no task has the tag slow (known: playing, quick)"),
        ({"skip_tags": "slow"}, "--skip-tags: no task has the tag slow (known: playing, quick)"),
        ({"tags": "quick", "skip_tags": "playing"}, "--tags quick --skip-tags playing leaves none of the 2 tasks"),
        ({"tags": "quick", "start_at_task": "second"}, "--tags quick --start-at-task second leaves none"),
        ({"start_at_task": "secnd"}, "--start-at-task: there is no task 'secnd'; did you mean second?"),
        ({"limit": "two"}, "no host to run on: nothing matches hosts: one, --limit two (known: one, two, three, "),
        ({"limit": "one:!one"}, "nothing matches hosts: one, --limit one:!one"),
    ],
)
def test_nothing_to_do_is_refused(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    """A run that would do nothing of what it was asked for ends with 2, the reason and what there is."""
    ran = run_text(NOTHING, tmp_path, run.Options(**options))
    assert ran.code == 2
    assert message in ran.err
    assert ran.out == ""


def test_an_empty_inventory_is_refused(tmp_path: Path) -> None:
    """Without any host, or without any task, nothing can be done, and that is no success."""
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "hosts.yml").write_text("all: {hosts: {}}\n", encoding="utf-8")
    control = Control(directory=tmp_path)
    ran = run_text("- hosts: all\n  tasks: [debug: {}]\n", tmp_path, control=control)
    assert (ran.code, ran.err) == (2, "ERROR: the inventory has no hosts\n")
    ran = run_text("- hosts: one\n  tasks: []\n", tmp_path)
    assert ran.code == 2
    assert "there are no tasks to run" in ran.err


def test_a_run_whose_tasks_are_all_skipped_says_so(tmp_path: Path) -> None:
    """Conditions that do not hold, and empty loops, are no mistake; that nothing was done is said all the same."""
    text = "- hosts: one\n  tasks:\n    - {debug: {}, when: false}\n    - {debug: {}, loop: []}\n"
    ran = run_text(text, tmp_path)
    assert ran.code == 0
    assert "nothing was done: every task was skipped" in ran.out
    assert "nothing was done" not in run_text(text + "    - debug: {}\n", tmp_path).out
