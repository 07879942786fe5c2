"""The parts of a database's address, and what a session says of those that were left out."""

from __future__ import annotations

import os
from collections.abc import Mapping

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from toolkit.errors import InputError
from toolkit.postgres.session.connection import Connection

SECRETS = ("password", "sslpassword")
"""The parts that nobody may read."""


def parts_of(address: str) -> dict[str, str]:
    """Give the parts of a libpq URI or conninfo by their names; InputError, without the text, for anything else."""
    try:
        return {name: str(value) for name, value in conninfo_to_dict(address).items() if value is not None}
    except psycopg.ProgrammingError:
        raise InputError(
            "the database's address cannot be read: it is neither a URI nor a libpq conninfo",
            hint="write postgresql://USER@SERVER:PORT/DATABASE; of a password, what is no letter or digit as %XX",
        ) from None


def address_of(parts: Mapping[str, str]) -> str:
    """Give the conninfo of parts."""
    return make_conninfo("", **parts)


def completed(connection: Connection, parts: Mapping[str, str]) -> dict[str, str]:
    """Give the parts with those that the environment of this session settled, so that they hold elsewhere too."""
    if "service" in parts:
        return dict(parts)
    info = connection.info
    found = {"dbname": info.dbname, "user": info.user}
    if not {"host", "hostaddr"} & parts.keys():
        found["host"] = info.host
    if "port" not in parts and info.port != 5432:
        found["port"] = str(info.port)
    return {**found, **parts}


def password_variable(connection: Connection, parts: Mapping[str, str]) -> bool:
    """Tell whether the server was given the password that the environment variable PGPASSWORD holds."""
    return "password" not in parts and connection.pgconn.used_password and bool(os.environ.get("PGPASSWORD"))


def lacks_password(error: BaseException) -> bool:
    """Tell whether a server wanted a password and was given none."""
    return "no password supplied" in str(error)


def refuses_password(error: BaseException) -> bool:
    """Tell whether a server was given a password that it does not take."""
    return "password authentication failed" in str(error)
