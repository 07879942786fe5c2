"""Completion of command lines, asked for as shells do, and by real shells."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.control import ROOT
from toolkit.app.completion.candidates import answer
from toolkit.app.labels_seen import remember
from toolkit.app.shells import SHELLS, script

HOSTS = "all:\n  hosts: {till-1: , till-2: }\n  children: {inner: {hosts: {back-office: }}}\n"
CATALOG = "catalog: x\nbusiness: {all: {orders: {}, order_items: {}}}\ntransient: {run: {'tmp_*': {}, sessions: {}}}\n"
PLAY = "- name: p\n  hosts: all\n  tasks:\n    - {name: Say it, debug: {msg: x}, tags: [talk, test]}\n"
LABEL = "20260120T020000Z-nightly-business"


@pytest.fixture
def control(tmp_path: Path) -> Path:
    """A control directory with a backup in a local repository, and another repository that does not answer."""
    inventory = tmp_path / "inventory"
    (inventory / "catalogs").mkdir(parents=True)
    (inventory / "hosts.yml").write_text(HOSTS)
    (inventory / "catalogs" / "x.yml").write_text(CATALOG)
    (inventory / "repositories.yml").write_text(
        "near: {type: local, path: repository}\nfar: {type: s3, bucket: b, endpoint: 'http://10.255.255.1'}\n"
    )
    (tmp_path / "repository" / "backups" / LABEL).mkdir(parents=True)
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "own.yml").write_text(PLAY)
    (tmp_path / "tasks.py").write_text("from toolkit.app.program import collection\nnamespace = collection(__file__)\n")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("playback ru", ["run", "runs"]),
        ("invoke doctor.s", ["doctor.storage"]),
        ("cd x; /usr/bin/playback quar", ["quarantine.list", "quarantine.retry"]),
        ("playback run playbooks/ow", ["playbooks/own.yml"]),
        ("playback run playbooks/own.yml --skip", ["--skip-tags"]),
        ("playback run --limit till", ["till-1", "till-2"]),
        ("playback run --limit till-1,i", ["till-1,inner"]),
        ("playback run --limit=back", ["--limit=back-office"]),
        ("playback run playbooks/own.yml --tags ", ["talk", "test"]),
        ("playback run playbooks/own.yml --tags talk,", ["talk,test"]),
        ("playback run playbooks/own.yml --start-at-task 'Say", ["Say it"]),
        ("playback run playbooks/own.yml --check --che", []),
        ("playback run --executor d", ["dask"]),
        ("playback show ", [LABEL]),
        ("playback verify 2026", [LABEL]),
        ("playback check --repository ", ["near", "far"]),
        ("playback explain --host till-1 order", ["orders", "order_items"]),
        ("playback explain --host ", ["till-1", "till-2", "back-office"]),
        ("playback explain orders ", []),
        ("playback completion z", ["zsh"]),
        ("playback backups --inventory nowhere --repository ", []),
        ("playback run --forks ", []),
        ("playback nosuch ", []),
    ],
)
def test_candidates(control: Path, line: str, expected: list[str]) -> None:
    """Commands, options, playbooks, hosts, groups, tags, tasks, labels, repositories and tables are completed."""
    assert [each.partition("\t")[0] for each in answer(line, control)] == expected


def test_options_are_described(control: Path) -> None:
    """An option comes with what its help says."""
    assert list(answer("playback show --js", control)) == ["--json\tprint JSON instead of text"]


def test_a_directory_that_is_wrong_gives_nothing(control: Path) -> None:
    """Files that are not YAML, or not there, cost their own candidates alone."""
    (control / "inventory" / "hosts.yml").write_text("all: [")
    assert list(answer("playback run --limit ", control)) == ["all"]
    assert list(answer("playback show 2", control)) == [LABEL]


def test_labels_of_other_places_are_those_that_were_seen_last(control: Path) -> None:
    """What `invoke backups` saw of a repository that is no directory here is offered, without asking it again."""
    remember(control, {"far": ["20260121T020000Z-nightly-business"]})
    remember(control, {"other": []})
    assert list(answer("playback show ", control)) == ["20260121T020000Z-nightly-business", LABEL]


def test_every_way_to_ask_is_quick_and_silent(control: Path) -> None:
    """`playback` and `invoke` answer, and take less than half a second of the processor, a dead repository named."""
    for program in (["-c", "from toolkit.app.program import main; main()"], ["-m", "invoke"]):
        before = os.times()
        ran = subprocess.run(
            [sys.executable, *program, "--complete", "--"],
            cwd=control,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PLAYBACK_COMPLETE": "playback show "},
            capture_output=True,
            text=True,
            check=True,
        )
        after = os.times()
        assert (ran.stdout, ran.stderr) == (f"{LABEL}\n", "")
        assert after.children_user + after.children_system - before.children_user - before.children_system < 0.5


@pytest.fixture
def shell(control: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The control directory, with `playback` on the PATH and the scripts of all shells in it."""
    program = control / "bin" / "playback"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'from toolkit.app.program import main; main()' \"$@\"\n")
    program.chmod(0o755)
    for name, file in SHELLS.items():
        (control / file).write_text(script(name))
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return control


def needed(program: str) -> str:
    """The path of a shell; the test is skipped where it is not installed."""
    found = shutil.which(program)
    if not found:
        pytest.skip(f"no {program} is installed")
    return found


@pytest.mark.skipif(os.name == "nt", reason="its bash is another system's")
def test_bash(shell: Path) -> None:
    """bash gets words, and behind = and : only what it replaces."""
    ask = (
        "source playback.bash\n"
        'ask() { COMP_LINE="$1"; COMP_POINT=${#1}; _playback_complete playback; echo "${COMPREPLY[*]}"; }\n'
        "ask 'playback run --limit till'\nask 'playback run --limit=till'\nask 'playback sho'\n"
        "ask 'playback run playbooks/own.yml --start-at-task '\ncomplete -p playback\n"
    )
    ran = subprocess.run(
        [needed("bash"), "--norc", "-c", ask], cwd=shell, capture_output=True, text=True, timeout=120, check=True
    )
    assert ran.stdout.splitlines() == [
        "till-1 till-2",
        "till-1 till-2",
        "show",
        "Say\\ it",
        "complete -o default -F _playback_complete playback",
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no fish")
def test_fish(shell: Path) -> None:
    """fish gets words with their descriptions."""
    ask = 'source playback.fish; complete -C "playback run --limit till"; complete -C "playback sho"'
    ran = subprocess.run(
        [needed("fish"), "--no-config", "-c", ask], cwd=shell, capture_output=True, text=True, timeout=120, check=True
    )
    assert ran.stdout.splitlines() == ["till-1", "till-2", "show\tShow what a backup holds"]


def typed(shell: Path, *words: str, keys: str, wanted: str) -> str:
    """What a shell on a terminal shows when keys are typed, until it shows what is wanted."""
    terminal, other = os.openpty()
    env = {**os.environ, "TERM": "dumb"}
    seen, end = "", time.monotonic() + 120
    with subprocess.Popen(words, cwd=shell, env=env, stdin=other, stdout=other, stderr=other) as process:
        os.write(terminal, keys.encode())
        while wanted not in seen and time.monotonic() < end:
            if select.select([terminal], [], [], 0.2)[0]:
                seen += os.read(terminal, 4096).decode(errors="replace")
        process.kill()
    os.close(terminal)
    os.close(other)
    return seen


@pytest.mark.skipif(os.name == "nt", reason="Windows has no zsh")
def test_zsh(shell: Path) -> None:
    """zsh completes what is typed on a terminal."""
    begin = "autoload -Uz compinit && compinit -u -D; source playback.zsh; PROMPT='> '\n"
    seen = typed(shell, needed("zsh"), "-f", "-i", keys=f"{begin}playback explain --host back\t", wanted="back-office")
    assert "back-office" in seen


def test_powershell_is_not_tried_here() -> None:
    """The script for PowerShell is printed as it is; no PowerShell runs it in these tests."""
    assert "Register-ArgumentCompleter" in script("powershell")
