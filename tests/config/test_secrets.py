"""Secrets, where they come from, and that they are never shown."""

from __future__ import annotations

import json
import sys
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from toolkit.config import conninfo, masking
from toolkit.config.secrets import hidden, is_source, literal_problems, with_secrets
from toolkit.errors import InputError
from toolkit.model.playbook import Place
from toolkit.model.secret import Secret

PLACE = Place(file="inventory/hosts.yml", line=7, path="all.hosts.till-1")
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)


def secret_of(source: dict[str, Any], control: Path) -> Secret:
    """The secret of a source."""
    made = with_secrets({"database": source}, PLACE, control)["database"]
    assert isinstance(made, Secret)
    return made


def test_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret comes from the environment, from a file or from a command, without the line end at its end."""
    monkeypatch.setenv("SECRET_OF_TEST", "from the environment")
    (tmp_path / "secret").write_text("from a file\r\n", encoding="utf-8")
    command = [sys.executable, "-c", "import pathlib; print(pathlib.Path('secret').read_text().strip(), 'by command')"]
    assert secret_of({"env": "SECRET_OF_TEST"}, tmp_path).reveal() == "from the environment"
    assert secret_of({"file": "secret"}, tmp_path).reveal() == "from a file"
    assert secret_of({"file": str(tmp_path / "secret")}, tmp_path).reveal() == "from a file"
    assert secret_of({"command": command}, tmp_path).reveal() == "from a file by command"


def test_secrets_are_read_on_first_use(tmp_path: Path) -> None:
    """A source is asked when the secret is needed, and once."""
    found = secret_of({"file": "secret"}, tmp_path)
    (tmp_path / "secret").write_text("first", encoding="utf-8")
    assert found.reveal() == "first"
    (tmp_path / "secret").write_text("second", encoding="utf-8")
    assert (found.reveal(), str(found), repr(found), f"{found}") == ("first", "***", "***", "***")
    assert found == hidden("first")
    assert hash(found) == hash(hidden("first"))


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({"env": "NOT_SET_ANYWHERE"}, "the environment variable NOT_SET_ANYWHERE is not set; it holds this secret"),
        ({"env": "EMPTY_OF_TEST"}, "the environment variable EMPTY_OF_TEST is empty; it holds this secret"),
        ({"file": "nowhere"}, "nowhere, which holds this secret, cannot be read: No such file or directory"),
        ({"file": "binary"}, "binary, which holds this secret, cannot be read: not UTF-8"),
        ({"file": "empty"}, "empty, which holds this secret, is empty"),
        ({"command": ["no-such-program"]}, "the command no-such-program, which prints this secret, cannot be run"),
        (
            {"command": [sys.executable, "-c", "print('leak'); import sys; sys.exit('leak')"]},
            "which prints this secret, ended with exit code 1; run it by hand to see why",
        ),
        ({"command": [sys.executable, "-c", ""]}, "which prints this secret, printed nothing"),
    ],
)
def test_sources_that_fail(
    source: dict[str, Any], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that gives nothing is a problem with the place of the secret; what it printed is not shown."""
    monkeypatch.setenv("EMPTY_OF_TEST", "")
    (tmp_path / "binary").write_bytes(b"leak\xff")
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        secret_of(source, tmp_path).reveal()
    assert str(error.value).startswith("inventory/hosts.yml:7: all.hosts.till-1.database: ")
    assert str(error.value).endswith(problem)
    assert "leak" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ({"env": "A"}, True),
        ({"file": "a"}, True),
        ({"command": ["a", "b"]}, True),
        ({"env": "A", "file": "b"}, False),
        ({"env": {"A": "b"}}, False),
        ({"command": "a b"}, False),
        ({"command": []}, False),
        ({"other": "a"}, False),
        ("env", False),
    ],
)
def test_what_is_a_source(value: object, source: bool) -> None:
    """A source is a mapping of exactly one of `env`, `file` and `command`."""
    assert is_source(value) is source


@given(secret=VALUES.filter(lambda text: len(text.strip()) >= 4), around=st.text(max_size=10))
def test_masked_text_never_holds_the_secret(secret: str, around: str) -> None:
    """Whatever form a secret takes in a text, it is masked."""
    hidden(secret)
    forms = [secret, urllib.parse.quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]]
    forms.append(conninfo.from_parts({"password": secret}))
    for form in forms:
        masked = masking.mask(f"{around}{form}{around}")
        assert "***" in masked
        assert secret not in masked


def test_short_secrets_make_no_holes() -> None:
    """A secret of one to three characters is hidden where it stands alone, and leaves words whole."""
    hidden("zqx")
    assert masking.mask("password=zqx, zqxx zqx") == "password=***, zqxx ***"
    hidden("")
    assert masking.mask("nothing") == "nothing"


def test_secrets_within_secrets() -> None:
    """Of two secrets one of which begins the other, the longer one is hidden whole."""
    hidden("secret")
    hidden("secret-and-more")
    assert masking.mask("secret-and-more, secret") == "***, ***"


def test_lines_of_a_secret_are_secret() -> None:
    """A key of several lines is hidden when only one of them is shown."""
    hidden("-----BEGIN-----\nbase64lines\n-----END-----")
    assert masking.mask("read base64lines here") == "read *** here"


@given(st.dictionaries(st.sampled_from(["host", "dbname", "user", "password", "options"]), VALUES, min_size=1))
def test_parts_become_a_conninfo(parts: dict[str, str]) -> None:
    """A conninfo made of parts says to libpq exactly what the parts say."""
    text = conninfo.from_parts(parts)
    assert conninfo_to_dict(text) == parts
    assert conninfo.is_database(text)
    assert conninfo.password_in(text) == parts.get("password", "")


@given(password=VALUES)
def test_passwords_are_found(password: str) -> None:
    """The password that libpq would take from a conninfo or URI is the one we find."""
    quoted = urllib.parse.quote(password, safe="")
    texts = [
        make_conninfo("host=h dbname=d", password=password),
        f"postgresql://u:{quoted}@h:5432/d",
        f"postgres://h/d?sslmode=require&password={quoted}",
        f"postgresql://u:{quoted}@h1:1,h2:2/d",
    ]
    for text in texts:
        assert conninfo_to_dict(text)["password"] == password
        assert conninfo.password_in(text) == password


@pytest.mark.parametrize(
    "text", ["postgresql://u@h/d", "postgresql://h:5432/d", "postgresql:///d", "host=h user=u", "embedded:demo"]
)
def test_no_password(text: str) -> None:
    """A URI or conninfo without a password has none."""
    assert conninfo.is_database(text)
    assert conninfo.password_in(text) == ""


@pytest.mark.parametrize("text", ["shop", "embedded:", "mysql://h/d", "host", "host= h d", ""])
def test_no_database(text: str) -> None:
    """What is no URI, no conninfo and no embedded database is told apart."""
    assert not conninfo.is_database(text)


@pytest.mark.parametrize(
    ("name", "value", "paths"),
    [
        ("smtp_password", "hunter2", ["smtp_password"]),
        ("smtp", {"password": "hunter2", "user": "u"}, ["smtp.password"]),
        ("anything", "postgresql://u:hunter2@h/d", ["anything"]),
        ("password", {"env": "A"}, []),
        ("password", "{{ other }}", []),
        ("password", "", []),
        ("password_length", "12", []),
        ("database", "postgresql://u:{{ pw }}@h/d", []),
    ],
)
def test_literal_secrets(name: str, value: object, paths: list[str]) -> None:
    """A password or key written out is a problem that does not repeat it."""
    problems = literal_problems(name, value, Place(file="x.yml", line=1, path=name))
    assert [problem.path for problem in problems] == paths
    assert not any("hunter2" in str(problem) for problem in problems)
