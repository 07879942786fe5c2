"""Which variables of the environment a run needs: those that its files name, and those that libraries take."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from toolkit.config import document as documents
from toolkit.config.secrets import is_source
from toolkit.errors import InputError

_BY_PSYCOPG: Final = "PG"
_BY_BOTO3: Final = "AWS_"
"""What the names of variables begin with that psycopg takes by itself, and boto3 where there is a bucket."""
_ENDINGS: Final = (".yml", ".yaml")


def variables_in_use(playbook: Path, inventory: Path, *, control: Path) -> list[str]:
    """Give the names of variables that a run of a playbook may need.

    Those that its files name count whether they are set here or not; those that libraries take, where they are set.
    """
    files = [playbook, *(file for file in sorted(inventory.rglob("*")) if file.suffix in _ENDINGS)]
    named: set[str] = set()
    libraries = {_BY_PSYCOPG}
    for file in files:
        try:
            value = documents.read(file, control=control).value
            named.update(_named(value))
            if _has_bucket(value):
                libraries.add(_BY_BOTO3)
        except InputError:
            continue
    return sorted(named | {name for name in os.environ if name.startswith(tuple(libraries))})


def read_file(path: Path) -> dict[str, str]:
    """Read a file of variables, `NAME=value` a line, as systemd's EnvironmentFile and Docker's --env-file.

    Empty lines and those that begin with # or ; do not count; quotes around a value are taken away.

    Raises:
        InputError: it cannot be read, or a line is none of these; values are never shown.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"--env-file: {path} cannot be read: {reason}") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise InputError(f"--env-file: line {number} of {path} is not NAME=value")
        value = value.strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        found[name.strip()] = value[1:-1] if quoted else value
    return found


def _has_bucket(value: Any) -> bool:
    if isinstance(value, Mapping):
        return value.get("type") == "s3" or any(map(_has_bucket, value.values()))
    return isinstance(value, list) and any(map(_has_bucket, value))


def _named(value: Any) -> Iterator[str]:
    if is_source(value) and "env" in value:
        yield value["env"]
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)
