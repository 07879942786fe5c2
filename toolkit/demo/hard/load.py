"""Puts the hard schema and its rows into a database: files of SQL, and what the server cannot do is passed over."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from enum import StrEnum
from importlib import resources
from typing import LiteralString

import psycopg
from msgspec import Struct
from psycopg import sql

from toolkit.postgres.session.connection import Connection, connect

SCHEMA = "Odd schema"


class Feature(StrEnum):
    """What not every server or role can do; the value names its files in `schema/` and `rows/`."""

    VIRTUAL = "50_virtual"
    XML = "51_xml"
    COLLATION = "52_collation"
    FOREIGN_TABLE = "53_foreign_table"


class HardReport(Struct, frozen=True, kw_only=True):
    """What was loaded.

    Attributes:
        skipped: features that are not there, with the reason.
        seconds: how long it took.
    """

    skipped: Mapping[Feature, str]
    seconds: float


def create_hard(conninfo: str, *, without: Collection[Feature] = ()) -> HardReport:
    """Create the hard schema without rows, as `load_hard` does."""
    return _load(conninfo, without, ())


def load_hard(conninfo: str, *, large_documents: bool = False, without: Collection[Feature] = ()) -> HardReport:
    """Create the hard schema in a database and fill it, in one transaction.

    Args:
        conninfo: a database whose owner the role is; it must not have the schema.
        large_documents: add a document of 60 MB to the one of 5 MB.
        without: features to leave out, so that two servers get the same tables.

    Raises:
        DatabaseError: the server refuses.
    """
    return _load(conninfo, without, ("rows", "large") if large_documents else ("rows",))


def _load(conninfo: str, without: Collection[Feature], folders: Collection[str]) -> HardReport:
    started = time.monotonic()
    with connect(conninfo, application="playback hard demo") as connection, connection.transaction():
        skipped = _missing(connection) | dict.fromkeys(without, "not wanted")
        name = sql.Identifier(SCHEMA)
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
        connection.execute(sql.SQL("SET LOCAL search_path TO {}, pg_catalog").format(name))
        _run(connection, "schema", skipped)
        for folder in folders:
            _run(connection, folder, skipped)
        _run(connection, "triggers", skipped)
        connection.execute("ANALYZE")
    return HardReport(skipped=skipped, seconds=time.monotonic() - started)


def _missing(connection: Connection) -> dict[Feature, str]:
    """The features that this server or role lacks, with the reason."""
    missing = {}
    if connection.info.server_version < 180000:
        missing[Feature.VIRTUAL] = "virtual columns are new in PostgreSQL 18"
    if not _works(connection, "SELECT '<a/>'::xml"):
        missing[Feature.XML] = "the server is built without libxml"
    if not _works(connection, "CREATE COLLATION pg_temp.try (PROVIDER = icu, LOCALE = 'und')"):
        missing[Feature.COLLATION] = "the server is built without ICU"
    if not _works(connection, "CREATE FOREIGN DATA WRAPPER try"):
        missing[Feature.FOREIGN_TABLE] = "the role is no superuser"
    return missing


def _works(connection: Connection, statement: LiteralString) -> bool:
    """Whether the server accepts a statement, which is undone."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement.encode())
    except psycopg.Error:
        return False
    return True


def _run(connection: Connection, folder: str, skipped: Collection[str]) -> None:
    files = [file for file in resources.files(__package__).joinpath(folder).iterdir() if file.name.endswith(".sql")]
    for file in sorted(files, key=lambda each: each.name):
        if file.name.removesuffix(".sql") not in skipped:
            connection.execute(file.read_bytes())
