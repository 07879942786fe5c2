"""`invoke console.password`, and what it makes."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.app.invoking import ROOT
from tests.terminal import talk
from toolkit.app.commands.console_password import COMMAND, Options
from toolkit.app.control import Control
from toolkit.app.passwords import NOBODY, hashed, matches
from toolkit.app.performing import perform
from toolkit.config import console
from toolkit.errors import InputError
from toolkit.output.streams import Output

TYPED = "größer als 12 Zeichen"


class Asked(NamedTuple):
    """What the command printed, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Asked]:
    """Runs `console.password` with options, and with this on standard input."""

    def run(given: bytes = TYPED.encode(), *, json: bool = False, **options: str) -> Asked:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given), encoding="ascii"))
        out, err = io.StringIO(), io.StringIO()
        control = Control(directory=ROOT)
        code = perform(COMMAND, Options(**options), control, json=json, output=Output(out, err))
        return Asked(code, out.getvalue(), err.getvalue())

    return run


def test_its_lines_are_a_file_that_lets_the_user_in(asked: Callable[..., Asked], tmp_path: Path) -> None:
    """What it prints is `console.yml` as it stands, also for a name that YAML would take for something else."""
    file = tmp_path / "console.yml"
    done = asked(f"{TYPED}\r\nnot this".encode(), user="null", role="viewer")
    file.write_text(done.out, encoding="utf-8")
    user = console.load(file, control=tmp_path).users["null"]
    assert (user.role, matches(TYPED, user.password), TYPED in done.out) == ("viewer", True, False)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pty")
def test_it_asks_twice_on_a_terminal() -> None:
    """A person types the password twice, unseen; two that differ make nothing."""
    words = [sys.executable, "-m", "invoke", "console.password", "--user", "anna"]
    code, screen = talk(words, [("for anna:", TYPED), ("the same again:", TYPED + ".")], cwd=ROOT)
    assert (code, "not the same" in screen, TYPED in screen, "$argon2" in screen) == (2, True, False, False)


def test_json_has_the_same_facts(asked: Callable[..., Asked]) -> None:
    """With --json the hash is a value, for scripts."""
    made = json.loads(asked(user="anna", json=True).out)
    assert (made["user"], made["role"], matches(TYPED, made["hash"])) == ("anna", "operator", True)


@pytest.mark.parametrize(
    ("options", "given", "message"),
    [
        ({}, b"", "no password came"),
        ({}, b"short\n", "fewer than 10"),
        ({}, b"\xff\xfe longer than ten\n", "not UTF-8"),
        ({"role": "admin"}, b"", "--role: expected one of viewer, operator"),
        ({"user": "a b"}, b"", "--user: a name has no blanks"),
    ],
)
def test_what_is_wrong_is_said(
    asked: Callable[..., Asked], options: dict[str, str], given: bytes, message: str
) -> None:
    """Bad input is exit 2 with its reason."""
    done = asked(given, **options)
    assert (done.code, message in done.err, done.out) == (2, True, ""), done


def test_passwords_are_the_same_on_every_keyboard() -> None:
    """A letter that a Mac types as two characters is the same password; another one, and nonsense, is not."""
    made = hashed("Schlüsselbrett")
    assert matches("Schlu\u0308sselbrett", made)
    assert not matches("Schlüsselbrett", "no hash")
    assert not matches("x" * 10_000_000, made)
    assert not matches("Schlusselbrett", NOBODY)
    with pytest.raises(InputError, match="more than 1000"):
        hashed("x" * 1001)
