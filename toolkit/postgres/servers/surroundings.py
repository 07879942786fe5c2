"""What of this process's environment counts for private servers: nothing that is meant for the user's own databases.

libpq takes what a conninfo leaves out from variables such as PGPASSWORD, PGSSLMODE or PGOPTIONS, or from the service
that PGSERVICE names. So the conninfo of a private server leaves nothing out that is set there.
"""

from __future__ import annotations

import os
import re

from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_PRIVATE = {"fallback_application_name": "playback embedded"}
"""What tells the conninfo of a private server from others: libpq shows it nowhere, as sessions have names."""

_VARIABLE = re.compile(r"PG[A-Z_]+")

_UNSET = {
    "connect_timeout": "60",
    "client_encoding": "UTF8",
    "require_auth": "scram-sha-256",
    "sslcertmode": "allow",
    "min_protocol_version": "3.0",
    "max_protocol_version": "3.0",
}
"""Values for options for which libpq has no default that could be written, and for which an empty one is an error."""


def private_conninfo(**parts: str) -> str:
    """Give a conninfo that says all that the environment would say otherwise."""
    closed = _unset() if any(map(_VARIABLE.fullmatch, os.environ)) else {}
    return make_conninfo("", **{**closed, **_PRIVATE, **parts})


def for_programs(conninfo: str) -> tuple[dict[str, str], dict[str, str]]:
    """Give what a program's command line says of a database, and the environment that it runs in.

    A password goes through the environment, where no other user sees it. For a private server the environment has
    nothing of libpq's, and the command line only what programs of every version know.
    """
    parts = {name: str(value) for name, value in conninfo_to_dict(conninfo).items() if value is not None}
    password = parts.pop("password", None)
    environment = dict(os.environ)
    if _PRIVATE.items() <= parts.items():
        environment = own_environment()
        unset = _unset()
        parts = {name: value for name, value in parts.items() if value != unset.get(name) and name not in _PRIVATE}
    return parts, environment if password is None else {**environment, "PGPASSWORD": password}


def _unset() -> dict[str, str]:
    """Every option that the environment can settle, with the value that it has where nothing does."""
    return {
        name: _UNSET.get(name) or (option.compiled or b"").decode()
        for option in pq.Conninfo.get_defaults()
        if option.envvar and (name := option.keyword.decode()) != "service"
    }


def own_environment() -> dict[str, str]:
    """Give this process's environment without all that is meant for PostgreSQL."""
    return {name: value for name, value in os.environ.items() if not _VARIABLE.fullmatch(name)}
