"""A host's database as an operator has to know it: what stands in the way of a backup, and of a restore into it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from toolkit.errors import InputError, RefusedError
from toolkit.model.catalog import Catalog
from toolkit.model.scope import Demo, Scope
from toolkit.planning.accounting import account
from toolkit.planning.links import derive_links
from toolkit.postgres.schema.introspection import read_schema
from toolkit.postgres.schema.sequences import looked_at
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.selection.obstacles import Obstacle
from toolkit.postgres.selection.snapshot import Survey, surveyed, unreadable
from toolkit.postgres.session.connection import Connection, connect
from toolkit.postgres.write.remedies import remedy
from toolkit.postgres.write.triggers import is_settable, may_bypass, refused_silence

SHORTEST = 2
"""Seconds for which libpq waits for a connection at least."""


class Outlook(Struct, frozen=True, kw_only=True):
    """What was found of a database that can be reached.

    Attributes:
        version: of its server, e.g. `16.4`; `major` is the number before the dot.
        clock: what time it is by the server's clock, and `asked` when that was, by `time.monotonic`.
        standby: it is one, which can be backed up and not be written to.
        rules: what is wrong with the catalog file for this schema.
        unclassified: tables, and schemas, that the catalog file does not name.
        vanished: tables that the catalog file names and the database lacks.
        backup: what keeps it from being backed up.
        restore: what keeps its role from restoring into it, as far as that does not depend on the backup, and
            `remedy` what helps.
    """

    database: str
    user: str
    version: str
    major: int
    clock: datetime
    asked: float
    standby: bool
    rules: tuple[str, ...] = ()
    unclassified: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    backup: tuple[Obstacle, ...] = ()
    restore: tuple[str, ...] = ()
    remedy: str = ""


def outlook(conninfo: str, catalog: Catalog | None, *, seconds: float) -> Outlook:
    """Look at a database; nothing is read of its rows, and nothing written.

    Args:
        catalog: None for a host without one.
        seconds: how long the server may take to let us in, and for each statement.

    Raises:
        UnreachableError: it cannot be reached, or refuses the log-in.
        RefusedError: it is not in UTF-8.
    """
    with connect(_patient(conninfo, seconds), application="playback doctor") as connection:
        connection.keep_setting("statement_timeout", f"{max(1, round(seconds * 1000))}ms")
        found = _server(connection)
        return found if catalog is None else _with_schema(connection, catalog, found)


def _patient(conninfo: str, seconds: float) -> str:
    given = conninfo_to_dict(conninfo).get("connect_timeout")
    limit = max(SHORTEST, round(seconds))
    return make_conninfo(conninfo, connect_timeout=min(limit, int(given)) if given else limit)


_SERVER = """
SELECT pg_catalog.current_setting('server_version'), pg_catalog.clock_timestamp(), pg_catalog.pg_is_in_recovery()
"""


def _server(connection: Connection) -> Outlook:
    row = connection.execute(_SERVER).fetchone()
    assert row is not None
    version, clock, standby = row
    return Outlook(
        database=connection.info.dbname,
        user=connection.info.user,
        version=str(version).partition(" ")[0],
        major=connection.info.server_version // 10000,
        clock=clock.astimezone(UTC),
        asked=time.monotonic(),
        standby=standby,
    )


def _with_schema(connection: Connection, catalog: Catalog, found: Outlook) -> Outlook:
    schema = read_schema(connection, catalog.schemas)
    links, problems = derive_links(catalog, schema)
    scope = Scope(demo=Demo.INCLUDE)
    accounting = account(catalog, schema, scope, links, unclassified="warn")
    unknown = [name for name in schema.schemas.left_out if not catalog.leaves_out(name)]
    tables = [left.table for left in accounting.left_out if left.reason == "unclassified"]
    found = replace(
        found,
        rules=tuple(map(str, problems)),
        unclassified=(
            *(table for table in tables if schema.schemas.covers(table)),
            *(f"schema {name}" for name in unknown),
        ),
        vanished=accounting.absent,
    )
    if problems:
        return found
    try:
        seen = surveyed(connection, catalog, scope, unclassified="warn")
    except RefusedError as refusal:
        refused = Obstacle(message=refusal.message.partition("\n")[0], reasons=refusal.reasons, hint=refusal.hint)
        return replace(found, backup=(refused,))
    except InputError as error:
        return replace(found, rules=tuple(map(str, error.problems)))
    if unread := unreadable(seen, sequences=True):
        return replace(found, backup=tuple(unread))
    return _restore(found, seen)


def _restore(found: Outlook, seen: Survey) -> Outlook:
    """With what keeps the role from a mirror restore of everything."""
    workspace: Workspace = seen.workspace
    connection = workspace.connection
    tables = sorted(seen.accounting.taken)
    pointing = sorted({link.child for link in seen.links.references if link.parent in seen.accounting.taken})
    sequences: Sequence[str] = looked_at(connection, seen.schema.schemas, (), set(tables))
    wanted = [
        *((privilege, name) for privilege in ("INSERT", "UPDATE", "DELETE") for name in tables),
        *(("SELECT", name) for name in (*pointing, *sequences)),
        *(("UPDATE", name) for name in sequences),
    ]
    lacking = workspace.lacking(wanted)
    bypass = may_bypass(connection)
    heard = list(refused_silence(connection, seen.schema, tables, tables, bypass=bypass))
    settable = bool(heard) and is_settable(connection, seen.schema, tables, tables, bypass=bypass)
    helps = [remedy(connection, lacking, heard, settable=settable, may_fire=True)] if lacking or heard else []
    if workspace.obstacle:
        helps.insert(0, "GRANT TEMPORARY on the database, or name the primary")
    reasons = (*filter(None, [workspace.obstacle]), *map(str, lacking), *heard)
    return replace(found, restore=reasons, remedy="; ".join(helps))
