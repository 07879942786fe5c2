"""`console.password`: make what `inventory/console.yml` says of a user of the console."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from toolkit.app import command
from toolkit.app.command import JSON, Call, Command
from toolkit.errors import InputError, TaskError
from toolkit.output.answer import Answer, Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `console.password` is given."""

    user: str = command.text("the user's name (default: yours on this machine)")
    role: str = command.text("operator, who does everything, or viewer, who reads and watches", default="operator")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser(Answer):
    """The hash of a password, and whose it is."""

    user: str
    role: str
    hash: str

    @property
    def written(self) -> Mapping[str, Any]:
        """What `inventory/console.yml` says of the user."""
        return {"users": {self.user: {"password": self.hash, "role": self.role}}}

    def lines(self) -> Iterator[Line]:
        """Give the lines to paste, and on standard error what to do with them."""
        from toolkit.config import yaml_text

        where = "put these lines into inventory/console.yml; where it has `users:` already, the last three below it"
        yield Line(where, error=True)
        yield Line(yaml_text.write(self.written).rstrip())

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        return asdict(self)


def _body(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.config import validation
    from toolkit.storage.processes import user_name

    try:
        from toolkit.app.passwords import NOBODY, hashed
    except ModuleNotFoundError as error:
        message = "the console needs packages that are not installed: pip install 'playback-toolkit[console]'"
        raise TaskError(message) from error
    user = NewUser(user=given.user or user_name(), role=given.role, hash=NOBODY)
    for finding in validation.check(user.written, "console"):
        option = "--role" if finding.path[-1] == "role" else "--user"
        raise InputError(f"{option}: {finding.message}", hint=call.command.invocation)
    yield NewUser(user=user.user, role=user.role, hash=hashed(_typed(call, user.user)))


def _typed(call: Call, user: str) -> str:
    """The password: typed twice by a person, one line from anything else."""
    import getpass

    if sys.stdin is None or not sys.stdin.isatty():
        line = sys.stdin.buffer.readline().rstrip(b"\r\n") if sys.stdin else b""
        if not line:
            raise InputError("no password came on standard input", hint="run it on a terminal, where it asks for one")
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError("the password on standard input is not UTF-8") from error
    password = getpass.getpass(f"a password for {user}: ")
    if getpass.getpass("the same again: ") != password:
        raise InputError("the two are not the same; nothing was made", hint=call.command.invocation)
    return password


COMMAND = Command(
    name="console.password",
    summary="Make a user of the console: ask for a password, print its hash",
    usage="[--user NAME] [--role ROLE]",
    needs=(JSON,),
    options=Options,
    body=_body,
)
