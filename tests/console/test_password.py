"""`invoke console.password`, and what it makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.invoking import ROOT
from tests.terminal import talk
from toolkit.app.console.safety.passwords import NOBODY, hashed, matches
from toolkit.config import console
from toolkit.errors import InputError

TYPED = "größer als 12 Zeichen"


def asked(*words: str, given: bytes = TYPED.encode()) -> subprocess.CompletedProcess[bytes]:
    """`invoke console.password` with this on standard input."""
    command = [sys.executable, "-m", "invoke", "console.password", *words]
    return subprocess.run(command, cwd=ROOT, input=given, capture_output=True, check=False, timeout=60)


def test_its_lines_are_a_file_that_lets_the_user_in(tmp_path: Path) -> None:
    """What it prints is `console.yml` as it stands, also for a name that YAML would take for something else."""
    file = tmp_path / "console.yml"
    done = asked("--user", "null", "--role", "viewer", given=f"{TYPED}\r\nnot this".encode())
    file.write_bytes(done.stdout)
    user = console.load(file, control=tmp_path).users["null"]
    assert (user.role, matches(TYPED, user.password), TYPED in done.stdout.decode()) == ("viewer", True, False)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pty")
def test_it_asks_twice_on_a_terminal() -> None:
    """A person types the password twice, unseen; two that differ make nothing."""
    words = [sys.executable, "-m", "invoke", "console.password", "--user", "anna"]
    code, screen = talk(words, [("for anna:", TYPED), ("the same again:", TYPED + ".")], cwd=ROOT)
    assert (code, "not the same" in screen, TYPED in screen, "$argon2" in screen) == (2, True, False, False)


def test_json_has_the_same_facts() -> None:
    """With --json the hash is a value, for scripts."""
    made = json.loads(asked("--user", "anna", "--json").stdout)
    assert (made["user"], made["role"], matches(TYPED, made["hash"])) == ("anna", "operator", True)


@pytest.mark.parametrize(
    ("words", "given", "message"),
    [
        ((), b"", b"no password came"),
        ((), b"short\n", b"fewer than 10"),
        ((), b"\xff\xfe longer than ten\n", b"not UTF-8"),
        (("--role", "admin"), b"", b"--role: expected one of viewer, operator"),
        (("--user", "a b"), b"", b"--user: a name has no blanks"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], given: bytes, message: bytes) -> None:
    """Bad input is exit 2 with its reason."""
    done = asked(*words, given=given)
    assert (done.returncode, message in done.stderr, done.stdout) == (2, True, b""), done.stderr


def test_passwords_are_the_same_on_every_keyboard() -> None:
    """A letter that a Mac types as two characters is the same password; another one, and nonsense, is not."""
    made = hashed("Schlüsselbrett")
    assert matches("Schlu\u0308sselbrett", made)
    assert not matches("Schlusselbrett", made)
    assert not matches("Schlüsselbrett", "no hash")
    assert not matches("x" * 10_000_000, made)
    assert not matches("", NOBODY)
    with pytest.raises(InputError, match="more than 1000"):
        hashed("x" * 1001)
