"""Where the console may listen, by which names it is reached then, and with which certificate."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from toolkit.app.console.safety.origins import LOCAL, Names
from toolkit.config import console
from toolkit.config.document import show_file
from toolkit.errors import InputError, Problem, RefusedError
from toolkit.model.console import ConsoleConfig, User

_GUIDE: Final = "see docs/guide/console-server.md"


def settled(listen: str, port: int, config: ConsoleConfig, *, file: str) -> Names:
    """Give by which names the console is reached that listens there.

    Args:
        listen: the address, without brackets.
        file: what `config` was read from, as a person would type it.

    Raises:
        RefusedError: that address is not this machine's alone, and what that needs is not in the file.
        InputError: the certificate or its key cannot be used.
    """
    _check_certificate(config, file)
    if is_local(listen):
        return Names(local=LOCAL | {listen.lower()}, port=port, others=frozenset(config.names))
    lacking = [
        what
        for what, there in (
            ("users, whose lines `invoke console.password` makes", config.users),
            ("a certificate and its key", config.certificate),
            ("names, by which browsers reach it", config.names),
        )
        if not there
    ]
    if lacking:
        raise RefusedError(
            f"--listen: {listen} is open to other machines, so {file} has to say who may come in; it lacks",
            lacking,
            hint=f"--listen 127.0.0.1:{port or 8642} is for this machine alone; for others {_GUIDE}",
        )
    return Names(local=LOCAL, port=port, others=frozenset({*config.names, listen.lower()}))


def is_local(listen: str) -> bool:
    """Say whether an address is for this machine alone."""
    try:
        return ipaddress.ip_address(listen).is_loopback
    except ValueError:
        return listen.lower() == "localhost"


def _check_certificate(config: ConsoleConfig, file: str) -> None:
    if not config.certificate or not config.key:
        return
    for path, key in ((config.certificate, "certificate"), (config.key, "key")):
        try:
            path.read_bytes()
        except OSError as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
            raise InputError([Problem(file=file, path=key, message=f"{path}: {reason}")]) from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.certificate, config.key, password=_no_passphrase)
    except _PassphraseError as error:
        message = f"{config.key}: it has a passphrase, which nobody could type when the console starts by itself"
        hint = f"openssl pkey -in {config.key.name} -out NEW writes it without one, for your eyes alone"
        raise InputError([Problem(file=file, path="key", message=message)], hint=hint) from error
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or "not PEM"
        words = "the key is not the certificate's" if reason == "KEY_VALUES_MISMATCH" else f"not usable: {reason}"
        message = f"{config.certificate} with {config.key.name}: {words}"
        raise InputError([Problem(file=file, path="certificate", message=message)]) from error


class _PassphraseError(Exception):
    """A key asks for a passphrase."""


def _no_passphrase() -> str:
    raise _PassphraseError


class Users:
    """The users as `inventory/console.yml` has them at the moment: who is taken out of it is out at once."""

    def __init__(self, path: Path, *, control: Path, tell: Callable[[str], None] = lambda _text: None) -> None:
        """Read the file; InputError with every problem of it.

        Args:
            tell: tells the person who started the console why the users are not read again.
        """
        self._path, self._control, self._tell = path, control, tell
        self._stamp = self._stamped()
        self.config = console.load(path, control=control)

    @property
    def file(self) -> str:
        """The file as a person would type it."""
        return show_file(self._path, self._control)

    def __call__(self) -> Mapping[str, User]:
        """Give them by name; as they were last, while the file is not right."""
        stamp = self._stamped()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self.config = console.load(self._path, control=self._control)
            except InputError as error:
                self._tell(f"the users stay as they were, since the file is not right:\n{error.message}")
        return self.config.users

    def _stamped(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)
