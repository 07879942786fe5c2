"""Secrets that a person has written out where only their place should stand; found by names and by shapes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from toolkit.config import conninfo, masking
from toolkit.config.document import below
from toolkit.config.secrets import is_source
from toolkit.errors import Problem
from toolkit.model.playbook import Place

_NAME = re.compile(
    r"(?:passw(?:or)?d|passphrase|passcode|_pwd|(?:^|_)(?:secret|token|credentials?|authorization|cookie)"
    r"|(?:api|access|secret|private|signing|encryption|account)_?key)$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OPTION = re.compile(r"(?:^|(?<=\s))-{0,2}(?P<name>[A-Za-z][\w.-]*)=(?P<value>\S+)")
_LONE_OPTION = re.compile(r"--?(?P<name>[A-Za-z][\w-]*)")
_WORDS: Final = ("argv", "cmd")

_REMEDY: Final = "put {env: NAME}, {file: PATH} or {command: [argv…]} in its place"
_DATABASE_REMEDY: Final = (
    "write its parts, {host: …, dbname: …, user: …, password: {env: NAME}}, or the whole of it as {env: NAME}"
)
_PART_REMEDY: Final = (
    "put {env: NAME}, {file: PATH} or {command: [argv…]} into a variable and write {{ variable }} in its place"
)


def is_secret_name(name: str) -> bool:
    """Say whether what has this name usually is one: `password`, `apiKey`, `X-Auth-Token`, `PGPASSWORD` and so on."""
    # PWD is the working directory
    return name == "pwd" or bool(_NAME.search(re.sub(r"[-. ]", "_", _CAMEL.sub("_", name).lower())))


def problems(name: str, value: Any, place: Place) -> list[Problem]:
    """Give a problem for every password, key or the like that stands in a value as plain text; the text is never shown.

    Args:
        name: of the variable or argument.
    """
    if is_source(value):
        return []
    if isinstance(value, Mapping):
        parts = ((str(key), item, below(place, f".{key}")) for key, item in value.items())
        return [problem for key, item, where in parts for problem in problems(key, item, where)]
    if isinstance(value, list):
        found = [
            problem for index, item in enumerate(value) for problem in problems(name, item, below(place, f"[{index}]"))
        ]
        return found + (_lone_options(value, place) if name in _WORDS else [])
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return []
    return [_problem(place, written, message) for written, message in list(_written(name, str(value)))[:1]]


def _written(name: str, text: str) -> Iterator[tuple[str, str]]:
    """The secrets in a text, with what to say of them."""
    if conninfo.is_database(text):
        if (password := conninfo.password_in(text)) and _literal(password):
            yield password, f"a password is written in it; {_DATABASE_REMEDY}"
        return
    if text and is_secret_name(name):
        if _literal(text):
            yield text, f"a secret is written here; {_REMEDY}"
        return
    for password in conninfo.passwords_in_uris(text):
        if _literal(password):
            yield password, f"a password is written in it; {_PART_REMEDY}"
    if name in _WORDS:
        for option in _OPTION.finditer(text):
            if is_secret_name(option["name"]) and _literal(option["value"]):
                yield option["value"], f"a secret is written in it; {_PART_REMEDY}"


def _lone_options(words: list[Any], place: Place) -> list[Problem]:
    """`--password` and its value as two words."""
    return [
        _problem(below(place, f"[{index + 1}]"), value, f"a secret is written here; {_REMEDY}")
        for index, (word, value) in enumerate(itertools.pairwise(words))
        if isinstance(word, str)
        and isinstance(value, str)
        and (option := _LONE_OPTION.fullmatch(word))
        and is_secret_name(option["name"])
        and not value.startswith("-")
        and _literal(value)
    ]


def _literal(text: str) -> bool:
    return "{{" not in text and "{%" not in text and set(text) != {"*"}


def _problem(place: Place, written: str, message: str) -> Problem:
    masking.remember(written)
    return Problem(file=place.file, line=place.line, path=place.path, message=message)
