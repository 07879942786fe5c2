"""Secrets that a person has written out where only their place should stand; found by names and by shapes."""

from __future__ import annotations

import base64
import itertools
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from toolkit.config import conninfo, document, masking
from toolkit.config.document import below
from toolkit.config.secrets import is_source
from toolkit.errors import InputError, Problem
from toolkit.model.playbook import Place

_NAME = re.compile(
    r"(?:passw(?:or[dt]|d)|passphrase|passcode|kennwort|_pwd"
    r"|(?:^|_)(?:pass|pw|secret|token|credentials?|creds|authorization|x_auth|cookie|bearer|jwt|otp|psk)"
    r"|(?:api|access|secret|private|signing|encryption|account|auth|master|hmac|ssh|app|subscription|license)_?key)"
    r"(?:_?[0-9]+|_(?:base|old|new))?$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_VALUE = r"(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<bare>[^\s;&|'\"]+))"
_OPTION = re.compile(rf"(?:^|(?<=[\s;&|('\"]))-{{0,2}}(?P<name>[A-Za-z][\w.-]*)=(?={_VALUE})")
_LONE_OPTION = re.compile(r"--?(?P<name>[A-Za-z][\w-]*)")
_HEADER = re.compile(r"(?P<name>[A-Za-z][\w-]*):\s*(?P<value>\S.*)", re.DOTALL)
_LOGIN = re.compile(r"(?:-u|-U|--user|--proxy-user)=?(?P<login>.*)")
_BROWSERS: Final = ("curl", "wget")
_WORDS: Final = ("argv", "cmd")
_SCHEME = re.compile(r"(?P<scheme>Bearer|Basic)\s+(?P<value>\S+)", re.IGNORECASE)
_KEY_FILE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_PAIRS = re.compile(r"\s*[A-Za-z][\w ]*=[^;=]*(?:;\s*[A-Za-z][\w ]*=[^;=]*)+;?\s*")
_FORM = re.compile(r"[^\s=&]+=[^\s&]*(?:&[^\s=&]+=[^\s&]*)*")
_FIELD = re.compile(r"(?:^|(?<=[;&]))\s*(?P<name>[A-Za-z][\w .-]*?)\s*=(?P<value>[^;&\s]+)")
_IN_SQL = re.compile(r"\bPASSWORD\s+'(?P<value>(?:[^']|'')+)'", re.IGNORECASE)

_REMEDY: Final = "put {env: NAME}, {file: PATH} or {command: [argv…]} in its place"
_DATABASE_REMEDY: Final = (
    "write its parts, {host: …, dbname: …, user: …, password: {env: NAME}}, or the whole of it as {env: NAME}"
)
_PART_REMEDY: Final = (
    "put {env: NAME}, {file: PATH} or {command: [argv…]} into a variable and write {{ variable }} in its place"
)
_PART: Final = f"a secret is written in it; {_PART_REMEDY}"


def is_secret_name(name: str) -> bool:
    """Say whether what has this name usually is one: `password`, `apiKey`, `X-Auth-Token`, `PGPASSWORD` and so on."""
    # PWD is the working directory
    return name == "pwd" or bool(_NAME.search(re.sub(r"[-. ]", "_", _CAMEL.sub("_", name).lower())))


def without_secrets(text: str) -> str:
    """Give a YAML text as it is, or masked where a secret is written out in it; one that is not YAML as it is."""
    try:
        value = document.parse(text, file="").value
    except InputError:
        return text
    return masking.mask(text) if problems("", value, Place()) else text


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
        return found + (_in_words(value, place) if name in _WORDS else [])
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return []
    text = str(value)
    if name == "body" and (parsed := _json(text)):
        return [_problem(place, each, _PART) for each in _secrets_in(parsed)][:1]
    found = [_problem(place, written, message) for written, message in _written(name, text)]
    if name == "cmd":
        found += _in_words(_split(text), place, inner=True)
    return found[:1]


def _written(name: str, text: str) -> Iterator[tuple[str, str]]:
    """The secrets in a text, with what to say of them."""
    if conninfo.is_database(text) and (password := conninfo.password_in(text)) and _literal(password):
        yield password, f"a password is written in it; {_DATABASE_REMEDY}"
    elif text and is_secret_name(name):
        if _literal(text):
            yield text, f"a secret is written here; {_REMEDY}"
    else:
        yield from _shaped(name, text)


def _shaped(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Those that their form gives away, whatever they are called."""
    for password in filter(_literal, conninfo.passwords_in_uris(text)):
        yield password, f"a password is written in it; {_PART_REMEDY}"
    if _KEY_FILE.search(text):
        yield text, f"a private key is written here; {_REMEDY}"
    if (scheme := _SCHEME.fullmatch(text)) and _literal(text) and _logs_in(scheme):
        yield scheme["value"], _PART
    for named in _named(name, text):
        value = next(filter(None, named.groups()[1:]), "")
        if is_secret_name(named["name"].strip()) and _literal(value):
            yield value, _PART
    for secret in _IN_SQL.finditer(text) if name == "query" else ():
        if _literal(secret["value"]):
            yield secret["value"], f"a password is written in it; {_PART_REMEDY}, or name it in `args`"


def _named(name: str, text: str) -> Iterator[re.Match[str]]:
    """What stands in a text as `name=value`, and its like: the name, then the value in one of several groups."""
    if name in _WORDS:
        yield from _OPTION.finditer(text)
        if header := _HEADER.fullmatch(text):
            yield header
    if _FORM.fullmatch(text) if name == "body" else _PAIRS.fullmatch(text):
        yield from _FIELD.finditer(text)


def _logs_in(scheme: re.Match[str]) -> bool:
    """Whether what is behind the name of a scheme logs in: a token of some length, or a user and a password."""
    if scheme["scheme"].lower() == "bearer":
        return True
    with suppress(ValueError):
        return b":" in base64.b64decode(scheme["value"], validate=True)
    return False


def _json(text: str) -> Any:
    with suppress(ValueError):
        return json.loads(text) if text.lstrip().startswith(("{", "[")) else None
    return None


def _secrets_in(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets_in(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _secrets_in(item, name)
    elif isinstance(value, str):
        yield from (written for written, _ in _written(name, value))


def _in_words(words: list[Any], place: Place, *, inner: bool = False) -> list[Problem]:
    """`--password` and its value as two words, and what logs in to a site; in a command within a word, too.

    Args:
        inner: the words stand in one text, which is the place.
    """
    found: list[Problem] = []
    browser = str(words[0]).replace("\\", "/").rpartition("/")[2] in _BROWSERS if words else False
    for index, (word, value) in enumerate(itertools.pairwise([*words, ""])):
        if not isinstance(word, str):
            continue
        where = place if inner else below(place, f"[{index + 1}]")
        option = _LONE_OPTION.fullmatch(word)
        if isinstance(value, str) and value and _literal(value) and not value.startswith("-"):
            if option and is_secret_name(option["name"]):
                found.append(_problem(where, value, f"a secret is written here; {_REMEDY}"))
            elif inner and (header := _HEADER.fullmatch(value)) and is_secret_name(header["name"]):
                found.append(_problem(where, header["value"], _PART))
        if browser and (login := _LOGIN.fullmatch(word)):
            written = login["login"] or str(value)
            _, colon, password = written.partition(":")
            if colon and password and _literal(password):
                found.append(_problem(where, password, _PART))
        if index and not inner and re.search(r"\s", word):
            found += _in_words(_split(word), below(place, f"[{index}]"), inner=True)
    return found


def _split(text: str) -> list[str]:
    """The words of a command, as a shell would have them."""
    with suppress(ValueError):
        return shlex.split(text)
    return text.split()


def _literal(text: str) -> bool:
    return "{{" not in text and "{%" not in text and set(text) != {"*"}


def _problem(place: Place, written: str, message: str) -> Problem:
    masking.remember(written)
    if scheme := _SCHEME.fullmatch(written):
        masking.remember(scheme["value"])
    return Problem(file=place.file, line=place.line, path=place.path, message=message)
