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
        written: what stands as `database:` in the inventory.
        secrets: files with what the inventory refers to, by their names.
        device: the machine and database in words.
    """

    connection: Connection
    address: str
    written: str | Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    device: str = ""


@contextmanager
def reached(database: str | Secret, asker: Asker, control: Path, *, name: str = "") -> Iterator[Reached]:
    """Connect to a database; on a terminal its password is asked for where the server wants one.

    Args:
        database: what a person typed, or what the inventory has.
        name: of the host, where it is known already.

    Raises:
        InputError: the address cannot be read.
        UnreachableError: the server is not there, or refuses the log-in.
    """
    address = database.reveal() if isinstance(database, Secret) else database
    if EmbeddedDatabase.of(address):
        with connect(open_database(control, address), application=_APPLICATION) as connection:
            yield Reached(connection=connection, address=connection.info.dsn, written=address, device=address)
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
                yield _reached(connection, parts, name)
                return
        except UnreachableError as error:
            wanted = addresses.lacks_password(error) or (attempt and addresses.refuses_password(error))
            last = inside or attempt == _ATTEMPTS - 1
            password = asker.password(_prompt(parts, again=bool(attempt))) if wanted and not last else ""
            if not password:
                raise
            masking.remember(password)
            parts["password"] = password


def _prompt(parts: Mapping[str, str], *, again: bool) -> str:
    role = parts.get("user", "the role")
    return f"{'that is not it; p' if again else 'P'}assword of {role} (it is not shown): "


def _reached(connection: Connection, parts: Mapping[str, str], name: str) -> Reached:
    known = addresses.completed(connection, parts)
    called = name or known.get("dbname", "") or known.get("service", "database")
    order = ("host", "hostaddr", "port", "dbname", "user")
    named = [key for key in order if key in known] + [key for key in known if key not in order]
    written: dict[str, Any] = {key: known[key] for key in named if key not in addresses.SECRETS}
    if written.get("port", "").isdecimal():
        written["port"] = int(written["port"])
    secrets = {}
    for secret, ending in zip(addresses.SECRETS, ("", ".key"), strict=True):
        if secret in parts:
            file = f"{SECRETS}/{called}{ending}"
            secrets[file] = parts[secret]
            written[secret] = {"file": file}
    if addresses.password_variable(connection, parts):
        masking.remember(os.environ["PGPASSWORD"])
        written["password"] = {"env": "PGPASSWORD"}
    value: Mapping[str, Any] = written
    if not is_database(written):
        # several servers, say: such an address has no parts in the inventory
        file = f"{SECRETS}/{called}"
        secrets, value = {file: addresses.address_of(known)}, {"file": file}
    server = known.get("host", "")
    here = not server or server.startswith(("/", "@")) or server in ("localhost", "127.0.0.1", "::1")
    return Reached(
        connection=connection,
        address=addresses.address_of(known),
        written=value,
        secrets=secrets,
        device=f"{known.get('dbname', called)} on {platform.node() if here else server}",
    )
