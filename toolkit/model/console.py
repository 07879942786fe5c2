"""Who may use the console, and by which names it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from msgspec import Struct, field


class Role(StrEnum):
    """What a user of the console may do."""

    VIEWER = "viewer"
    """Reads and watches."""
    OPERATOR = "operator"
    """Does everything."""


class User(Struct, frozen=True, kw_only=True):
    """Somebody who may sign in.

    Attributes:
        password: its hash, in the form of argon2.
    """

    name: str
    password: str
    role: Role


class ConsoleConfig(Struct, frozen=True, kw_only=True):
    """What `inventory/console.yml` says; nothing where there is no such file.

    Attributes:
        users: by name; none where the console is for whoever starts it.
        names: names and addresses by which browsers reach it, beside those of the machine alone; in small letters,
            without brackets.
        certificate, key: files in PEM; both or neither.
        proxies: addresses and networks whose forwarded headers are believed.
    """

    users: Mapping[str, User] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    proxies: tuple[str, ...] = ()
