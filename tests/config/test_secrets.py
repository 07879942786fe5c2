"""Secrets, where they come from, and that they are never shown."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import sys
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from toolkit.config import conninfo, masking
from toolkit.config.plain_secrets import problems as literal_problems
from toolkit.config.secrets import hidden, is_source, with_secrets
from toolkit.config.templates import Templates
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
            "which prints this secret, ended with exit code 1",
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
    assert error.value.message.endswith(problem)
    assert error.value.hint
    assert "leak" not in str(error.value)


@pytest.mark.parametrize(("name", "offered"), [("till-1", True), ("all-tills", False)])
def test_init_is_offered_for_the_host_whose_own_file_it_is(name: str, offered: bool, tmp_path: Path) -> None:
    """A file that several hosts share is called after none of them, and `init` would find no such host."""
    with pytest.raises(InputError) as error:
        secret_of({"file": f".playback/secrets/{name}"}, tmp_path).reveal()
    assert (f"invoke init --host {name}" in error.value.hint) is offered
    assert error.value.hint.endswith("write it there again, readable by you alone")


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


WORDS = st.from_regex(r"[A-Za-z]{1,12}", fullmatch=True)
BESIDE = st.text(st.sampled_from(" \n=:/@\"'(),;<>"), max_size=3)


def forms(secret: str) -> list[str]:
    """A secret as programs write it."""
    return [
        secret,
        urllib.parse.quote(secret, safe=""),
        re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), urllib.parse.quote(secret, safe="")),
        urllib.parse.quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret))[3:-3],
        repr(secret)[1:-1],
        repr(secret.encode())[2:-1],
        conninfo.from_parts({"password": secret}).removeprefix("password="),
        shlex.quote(secret).removeprefix("'").removesuffix("'"),
        base64.b64encode(secret.encode()).decode(),
    ]


@settings(max_examples=40)
@given(secret=VALUES.filter(lambda text: len(text.strip()) >= 8), around=st.text(max_size=10))
def test_a_random_secret_is_hidden_everywhere(secret: str, around: str) -> None:
    """Whatever form a secret of some length takes in a text, and whatever stands beside it, it is hidden."""
    hidden(f"{secret}9#")
    for form in forms(f"{secret}9#"):
        for hide in (masking.mask, masking.mask_own):
            shown = hide(f"{around}{form}{around}")
            assert "***" in shown
            assert f"{secret}9#" not in shown


@settings(max_examples=40)
@given(secret=WORDS, before=BESIDE, behind=BESIDE)
def test_a_wordlike_secret_is_hidden_as_a_word(secret: str, before: str, behind: str) -> None:
    """A secret that could be a word is hidden in text from outside where it stands alone, however it is quoted."""
    hidden(secret)
    for form in forms(secret):
        assert masking.mask(f"{before}{form}{behind}") == f"{before}***{behind}"


@pytest.mark.parametrize("user", ["u", "me", "you", "user"])
def test_a_secret_within_base64_is_hidden(user: str) -> None:
    """An Authorization header made of a user and a password shows neither the password nor its encoded form."""
    hidden("Tr0ub4dor&3")
    header = base64.b64encode(f"{user}:Tr0ub4dor&3".encode()).decode()
    shown = masking.mask(f"Authorization: Basic {header}")
    assert "***" in shown
    assert shown.count("*") < len(header)
    assert header[-8:-3] not in shown


@pytest.mark.parametrize(
    ("text", "outside", "own"),
    [
        ("PASSWORD=demo", "PASSWORD=***", "PASSWORD=***"),
        ("password: 'demo'", "password: '***'", "password: '***'"),
        ("postgresql://u:demo@h/d", "postgresql://u:***@h/d", "postgresql://u:***@h/d"),
        ("X=demo", "X=***", "X=demo"),
        ("demo", "***", "demo"),
        ("restored into demo: 27 inserts", "restored into ***: 27 inserts", "restored into demo: 27 inserts"),
        ("a demonstration, demos", "a demonstration, demos", "a demonstration, demos"),
        ("1-demo-data.yml demo.example.org", "1-demo-data.yml demo.example.org", "1-demo-data.yml demo.example.org"),
        (r"one\ndemo\nthree", r"one\n***\nthree", r"one\ndemo\nthree"),
        ("%20demo%20", "%20***%20", "%20demo%20"),
        ("\x1b[31mdemo\x1b[0m", "\x1b[31m***\x1b[0m", "\x1b[31mdemo\x1b[0m"),
        ("till-7-key-99 is till-7-key-991", "*** is till-7-key-991", "till-7-key-99 is till-7-key-991"),
    ],
)  # fmt: skip
def test_words_and_names_stay(text: str, outside: str, own: str) -> None:
    """Wordlike secrets, and names that are said openly, make no holes in other words nor in what we say ourselves."""
    hidden("demo")
    hidden("till-7-key-99")
    masking.publish(["till-7-key-99"])
    assert (masking.mask(text), masking.mask_own(text)) == (outside, own)


def test_a_password_in_a_uri_is_a_secret_of_its_own() -> None:
    """Of a URI that is a secret, the password alone is hidden too, as written and as it is meant."""
    hidden("https://user:p%40ss-w0rd@h/x")
    hidden("postgresql://u:an0ther-one@h/d")
    assert masking.mask("p%40ss-w0rd p@ss-w0rd an0ther-one user h") == "*** *** *** user h"


def test_sources_are_hidden_before_their_first_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of variables and files are hidden as soon as they are named; a pipe is left for whoever needs it."""
    monkeypatch.setenv("UNUSED_OF_TEST", "unused-v4lue")
    (tmp_path / "file").write_text("unused-f1le\n", encoding="utf-8")
    secret_of({"env": "UNUSED_OF_TEST"}, tmp_path)
    secret_of({"file": "file"}, tmp_path)
    secret_of({"file": "nowhere"}, tmp_path)
    assert masking.mask("unused-v4lue unused-f1le") == "*** ***"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        secret_of({"file": "pipe"}, tmp_path)


def test_what_a_template_chooses_is_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is made of a secret is hidden; a word that a condition on it chose is not."""
    monkeypatch.setenv("CHOSEN_OF_TEST", "w0nderful")
    variables = {"token": secret_of({"env": "CHOSEN_OF_TEST"}, tmp_path)}
    templates = Templates()
    assert isinstance(templates.render("{{ token | upper }}", variables, PLACE), Secret)
    assert isinstance(templates.render("{{ 'maybe' if token else 'never' }}", variables, PLACE), Secret)
    assert masking.mask("W0NDERFUL maybe") == "*** maybe"


def test_secrets_within_secrets() -> None:
    """Of two secrets one of which begins the other, the longer one is hidden whole."""
    hidden("secret")
    hidden("secret-and-more")
    assert masking.mask("secret-and-more, secret") == "***, ***"


def test_lines_of_a_secret_are_secret() -> None:
    """A key of several lines is hidden when only one of them is shown, indented or not."""
    hidden("-----BEGIN-----\n  base64lines\n-----END-----")
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
        *(
            (name, "hunter2", [name])
            for name in (
                "smtp_password", "password", "passwd", "pwd", "PGPASSWORD", "dbPassword", "userpassword",
                "db_pwd", "passphrase", "secret", "client_secret", "clientSecret", "token", "api_token",
                "accessToken", "X-Auth-Token", "api_key", "apikey", "apiKey", "X-API-Key", "access_key",
                "secret_key", "AWS_SECRET_ACCESS_KEY", "private_key", "encryption_key", "Authorization",
                "Proxy-Authorization", "Cookie", "credentials", "pass", "DB_PASS", "smtpPass", "pw", "adminPw", "creds",
                "auth_key", "MASTER_KEY", "hmac_key", "ssh_key", "APP_KEY", "license_key", "SECRET_KEY_BASE", "psk",
                "password2", "password_old", "token_1", "X-Auth", "jwt", "bearer", "otp", "Passwort",
                "Ocp-Apim-Subscription-Key",
            )
        ),
        *(
            (name, "hunter2", [])
            for name in (
                "password_length", "passwords_file", "PWD", "token_count", "tokens", "secret_name", "key", "sort_key",
                "public_key", "access_key_id", "foreign_key", "passenger", "author", "keys", "auth", "auth_method",
                "compass", "pass_count", "natural_key", "partition_key", "monkey", "password_file", "token_type",
            )
        ),
        ("smtp", {"password": "hunter2", "user": "u"}, ["smtp.password"]),
        ("list", [{"token": "hunter2"}, "x"], ["list[0].token"]),
        ("password", 123456, ["password"]),
        ("password", True, []),
        ("password", None, []),
        ("anything", "postgresql://u:hunter2@h/d", ["anything"]),
        ("anything", "host=h password=hunter2", ["anything"]),
        ("url", "https://user:hunter2@example.org/hook", ["url"]),
        ("url", "redis://:hunter2@h:1", ["url"]),
        ("url", "https://example.org/hook?token=hunter2", ["url"]),
        ("msg", "see https://user:hunter2@example.org.", ["msg"]),
        ("url", "https://example.org:8080/a@b", []),
        ("url", "https://user@example.org/", []),
        ("url", "https://{{ user }}:{{ password }}@example.org/", []),
        ("url", "https://user:{{ password }}@example.org/", []),
        ("argv", ["psql", "postgresql://u:hunter2@h/d"], ["argv[1]"]),
        ("argv", ["tool", "--password=hunter2"], ["argv[1]"]),
        ("argv", ["tool", "--api-key", "hunter2", "x"], ["argv[2]"]),
        ("argv", ["tool", "--api-key", {"env": "A"}], []),
        ("argv", ["tool", "--token", "--verbose"], []),
        ("cmd", "env PGPASSWORD=hunter2 psql", ["cmd"]),
        ("cmd", "tool --keep=2 --password={{ x }}", []),
        ("argv", ["/usr/bin/curl", "-u", "me:hunter2", "https://h/"], ["argv[2]"]),
        ("argv", ["curl", "--user=me:hunter2", "https://h/"], ["argv[2]"]),
        ("argv", ["curl", "-H", "X-Api-Key: hunter2", "https://h/"], ["argv[2]"]),
        ("argv", ["curl", "-u", "me:{{ pw }}", "-H", "Authorization: Bearer {{ token }}"], []),
        ("argv", ["docker", "run", "-u", "1000:1000", "--user", "me:us", "x"], []),
        ("argv", ["sh", "-c", "cd x;PGPASSWORD='hunter2' psql"], ["argv[2]"]),
        ("argv", ["sh", "-c", "tool --token hunter2 | cat"], ["argv[2]"]),
        ("argv", ["sh", "-c", "echo {{ token }} --token {{ token }}", "don't: x"], []),
        ("cmd", "tool --token hunter2 x", ["cmd"]),
        ("cmd", "curl -u me:hunter2 https://h/", ["cmd"]),
        ("cmd", "curl -H 'Authorization: Bearer hunter2' https://h/", ["cmd"]),
        ("cmd", "it isn't closed --keep 2", []),
        ("headers", {"X-Any": "Bearer hunter2", "X": "Basic bWU6aHVudGVyMg=="}, ["headers.X-Any", "headers.X"]),
        ("Authorization", "Bearer hunter2", ["Authorization"]),
        ("msg", "Basic training", []),
        ("body", "user=me&password=hunter2", ["body"]),
        ("body", '{"user": {"password": "hunter2"}}', ["body"]),
        ("body", "the password=… was changed", []),
        ("url", "https://h/x?sig=hunter2&x=y", ["url"]),
        ("dsn", "Server=h;User Id=me;Password=hunter2;", ["dsn"]),
        ("any", "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----", ["any"]),
        ("any", "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----", []),
        ("query", "ALTER ROLE shop PASSWORD 'hunter2'", ["query"]),
        ("query", "ALTER ROLE shop PASSWORD %s", []),
        ("token", "abc=def", ["token"]),
        ("query", "UPDATE t SET token='hunter2'", []),
        ("password", {"env": "A"}, []),
        ("password", "{{ other }}", []),
        ("password", "***", []),
        ("password", "", []),
        ("database", "postgresql://u:{{ pw }}@h/d", []),
    ],
)  # fmt: skip
def test_secrets_that_are_written_out(name: str, value: object, paths: list[str]) -> None:
    """A password, key or the like written out is a problem that does not repeat it, and is hidden from then on."""
    problems = literal_problems(name, value, Place(file="x.yml", line=1, path=name))
    assert [problem.path for problem in problems] == paths
    assert not any("hunter2" in str(problem) for problem in problems)
    if paths and value != 123456 and "hunter2" in str(value):
        assert masking.mask("PW=hunter2") == "PW=***"
