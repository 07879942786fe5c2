"""Secrets that stand in files as `{env: NAME}`, `{file: PATH}` or `{command: [argv…]}`.

A playbook that does not need one runs without it: what cannot be read is an error where it is used. Variables and files
are looked into at once all the same, so that their values are hidden from the first line on; commands, which may ask
somebody or take long, run on first use.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from msgspec import Struct

from toolkit import stopping
from toolkit.config import masking
from toolkit.config.document import below
from toolkit.errors import InputError, Problem
from toolkit.model.playbook import Place
from toolkit.model.secret import Secret

OWN: Final = PurePosixPath(".playback/secrets")
"""Where `init` keeps passwords, below the control directory."""

TIMEOUT: Final = 60
"""Seconds a secret's command may take; it may have to ask a password manager over a network."""


_TAKEN_BY_LIBRARIES: Final = ("PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class Written(Struct, frozen=True):
    """The source of a secret as a person wrote it, such as `{env: NAME}`, and where."""

    source: Mapping[str, Any]
    place: Place


class SourcedSecret(Secret):
    """A secret that is read from its source when it is first revealed; hidden in every text from then on.

    Attributes:
        written: its source, for another machine to ask; None where it is made of several.
    """

    __slots__ = ("_known", "_lock", "_source", "written")

    def __init__(self, source: Callable[[], str], written: Written | None = None) -> None:
        super().__init__("")
        self.written = written
        self._source = source
        self._known = False
        self._lock = threading.Lock()

    def reveal(self) -> str:
        """Give the value; InputError, naming the place and never the value, when its source does not give one."""
        with self._lock:
            if not self._known:
                self._value = self._source()
                masking.remember(self._value)
                self._known = True
            return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.reveal()

    def __hash__(self) -> int:
        return hash(self.reveal())


def hidden(value: str) -> Secret:
    """Give a secret of a value that is known already; hidden in every text from now on."""
    masking.remember(value)
    return Secret(value)


def derived(value: str, template: str) -> Secret:
    """Give a text that a template made from a secret; hidden as well, unless it only chose among words of its own."""
    # where the secret is still visible in it, it is hidden there already
    return Secret(value) if value in template or masking.mask(value) != value else hidden(value)


def plain(value: Any) -> Any:
    """Give the same value with what its Secrets hold in place of them, however deep."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def is_source(value: object) -> bool:
    """Say whether a value looks like a secret's source: exactly one of `env`, `file` (text) or `command` (argv)."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    (kind, argument) = next(iter(value.items()))
    if kind == "command":
        return isinstance(argument, list) and bool(argument) and all(isinstance(part, str) for part in argument)
    return kind in ("env", "file") and isinstance(argument, str) and bool(argument)


def secret(source: Mapping[str, Any], place: Place, control: Path) -> Secret:
    """Give the secret of a source for which `is_source` holds; relative files and commands are below `control`."""
    (kind, argument) = next(iter(source.items()))
    written = Written(source, place)
    # whoever comes first may print it, so it is hidden before; what is missing is told where it is needed
    if kind == "env":
        masking.remember(os.environ.get(argument, ""))
        return SourcedSecret(lambda: _from_environment(argument, place), written)
    if kind == "file":
        path = control / Path(argument).expanduser()
        with contextlib.suppress(InputError, OSError):
            # a pipe gives what is in it once only
            masking.remember(_from_file(path, place) if path.is_file() else "")
        return SourcedSecret(lambda: _from_file(path, place), written)
    return SourcedSecret(lambda: _from_command(argument, place, control), written)


def with_secrets(value: Any, place: Place, control: Path) -> Any:
    """Give the same value with a Secret in place of every source in it, however deep."""
    if is_source(value):
        return secret(value, place, control)
    if isinstance(value, Mapping):
        return {key: with_secrets(item, below(place, f".{key}"), control) for key, item in value.items()}
    if isinstance(value, list):
        return [with_secrets(item, below(place, f"[{index}]"), control) for index, item in enumerate(value)]
    return value


def hide_environment() -> None:
    """Hide what libraries take from the environment by themselves."""
    for name in _TAKEN_BY_LIBRARIES:
        masking.remember(os.environ.get(name, ""))


def _failure(place: Place, message: str, hint: str) -> InputError:
    return InputError([Problem(file=place.file, line=place.line, path=place.path, message=message)], hint=hint)


def _from_environment(name: str, place: Place) -> str:
    value = os.environ.get(name)
    if not value:
        state = "not set" if value is None else "empty"
        raise _failure(
            place,
            f"the environment variable {name} is {state}; it holds this secret",
            f"set {name} where this command runs",
        )
    return value


def _from_file(path: Path, place: Place) -> str:
    try:
        value = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise _failure(
            place, f"the file {path}, which holds this secret, cannot be read: {reason}", _again(path, place)
        ) from None
    if not value:
        raise _failure(place, f"the file {path}, which holds this secret, is empty", _again(path, place))
    return value


def _again(path: Path, place: Place) -> str:
    """How a secret gets into its file again."""
    by_hand = "write it there again, readable by you alone"
    is_hosts_own = path.stem == Path(place.file).stem or f".{path.stem}." in f".{place.path}."
    if path.parent.parts[-2:] != OWN.parts or not is_hosts_own:
        return by_hand
    address = " --database postgresql://USER@SERVER/DATABASE" if place.path.endswith("database") else ""
    asks = "asks for it and keeps it there" if not address else "keeps it there"
    return f"`invoke init --host {path.stem}{address}` {asks}; or {by_hand}"


def _from_command(argv: list[str], place: Place, control: Path) -> str:
    by_hand = "run it by hand, in the control directory, to see why"
    try:
        code, printed = _done(argv, control)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as error:
        # the error's own text can hold what the command printed
        reason = f"took longer than {TIMEOUT} s" if isinstance(error, subprocess.TimeoutExpired) else "cannot be run"
        raise _failure(place, f"the command {argv[0]}, which prints this secret, {reason}", by_hand) from None
    if code:
        message = f"the command {argv[0]}, which prints this secret, ended with exit code {code}"
        raise _failure(place, message, by_hand)
    value = printed.rstrip("\r\n")
    if not value:
        raise _failure(place, f"the command {argv[0]}, which prints this secret, printed nothing", by_hand)
    return value


def _done(argv: list[str], control: Path) -> tuple[int, str]:
    """Run a command to its end; gives its exit code and what it printed."""
    # others may have waited for the same secret when the run was interrupted
    stopping.check()
    with subprocess.Popen(
        argv, cwd=control, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            printed, _ = stopping.output_of(process, seconds=TIMEOUT)
        except BaseException:
            process.kill()
            raise
    return process.returncode, printed
