"""Reaching the database that a person names, and what is kept of its address: never a password."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from toolkit.actions.databases import open_database
from toolkit.app.beginning.asking import Asker
from toolkit.config import conninfo, masking
from toolkit.config.inventory_text import is_database
from toolkit.errors import InputError, UnreachableError
from toolkit.model.host import EmbeddedDatabase
from toolkit.model.secret import Secret
from toolkit.postgres.session import parts as addresses
from toolkit.postgres.session.connection import Connection, connect

SECRETS: Final = ".playback/secrets"
"""Where passwords are, below the control directory: what is there belongs to its owner alone, and git never sees it."""

_ATTEMPTS = 3
"""How often a password is asked for."""

_APPLICATION = "playback init"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A database that was connected to.

    Attributes:
        address: the whole conninfo, for us alone.
        embedded: its name, where it is a private server's; empty elsewhere.
        by_variable: the password is that of PGPASSWORD.
    """

    connection: Connection
    address: str = field(repr=False)
    parts: Mapping[str, str] = field(default_factory=dict, repr=False)
    embedded: str = ""
    by_variable: bool = False

    def written(self, name: str) -> tuple[str | Mapping[str, Any], Mapping[str, str]]:
        """Give what stands as `database:` of a host in the inventory, and the files with the secrets it refers to."""
        if self.embedded:
            return self.embedded, {}
        order = ("host", "hostaddr", "port", "dbname", "user")
        named = [key for key in order if key in self.parts] + [key for key in self.parts if key not in order]
        value: dict[str, Any] = {key: self.parts[key] for key in named if key not in addresses.SECRETS}
        if value.get("port", "").isdecimal():
            value["port"] = int(value["port"])
        secrets = {}
        for secret, ending in zip(addresses.SECRETS, ("", ".key"), strict=True):
            if secret in self.parts:
                file = f"{SECRETS}/{name}{ending}"
                secrets[file] = self.parts[secret]
                value[secret] = {"file": file}
        if self.by_variable:
            value["password"] = {"env": "PGPASSWORD"}
        if is_database(value):
            return value, secrets
        # several servers, say: such an address has no parts in the inventory
        file = f"{SECRETS}/{name}"
        return {"file": file}, {file: self.address}

    @property
    def device(self) -> str:
        """The database and its machine, in words."""
        server = self.parts.get("host", "")
        here = not server or server.startswith(("/", "@")) or server in ("localhost", "127.0.0.1", "::1")
        return self.embedded or f"{self.connection.info.dbname} on {platform.node() if here else server}"


@contextmanager
def reached(database: str | Secret, asker: Asker, control: Path) -> Iterator[Reached]:
    """Connect to a database; on a terminal its password is asked for where the server wants one.

    Args:
        database: what a person typed, or what the inventory has.

    Raises:
        InputError: the address cannot be read.
        UnreachableError: the server is not there, or refuses the log-in.
    """
    address = database.reveal() if isinstance(database, Secret) else database
    if EmbeddedDatabase.of(address):
        with connect(open_database(control, address), application=_APPLICATION) as connection:
            yield Reached(connection=connection, address=connection.info.dsn, embedded=address)
        return
    if not conninfo.is_database(address):
        raise InputError(
            "the database's address is neither a URI nor a conninfo nor embedded:NAME",
            hint="write postgresql://USER@SERVER:PORT/DATABASE; of a password, what is no letter or digit as %XX",
        )
    parts = addresses.parts_of(address)
    for secret in addresses.SECRETS:
        masking.remember(parts.get(secret, ""))
    inside = False
    for attempt in range(_ATTEMPTS):
        try:
            with connect(addresses.address_of(parts), application=_APPLICATION) as connection:
                inside = True
                yield _reached(connection, parts)
                return
        except UnreachableError as error:
            again = addresses.refuses_password(error)
            wanted = again or addresses.lacks_password(error)
            last = inside or attempt == _ATTEMPTS - 1
            password = asker.password(_prompt(parts, again=again)) if wanted and not last else ""
            if not password and wanted and not asker.person:
                hint = "run this on a terminal, where it is asked for, or set PGPASSWORD"
                why = "the password is wrong" if again else "the server wants a password"
                raise UnreachableError(error.message, hint=f"{why}: {hint}") from error
            if not password:
                raise
            masking.remember(password)
            parts["password"] = password


def _prompt(parts: Mapping[str, str], *, again: bool) -> str:
    role = parts.get("user", "the role")
    return f"{'that is not it; p' if again else 'P'}assword of {role} (it is not shown): "


def _reached(connection: Connection, parts: Mapping[str, str]) -> Reached:
    known = addresses.completed(connection, parts)
    by_variable = addresses.password_variable(connection, parts)
    if by_variable:
        masking.remember(os.environ["PGPASSWORD"])
    return Reached(connection=connection, address=addresses.address_of(known), parts=known, by_variable=by_variable)
