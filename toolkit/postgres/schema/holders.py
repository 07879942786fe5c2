"""Who holds tables that are waited for."""

from __future__ import annotations

from collections.abc import Collection

from psycopg import sql

from toolkit.model.schemas import Schemas
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.session.connection import Connection

READING = ("AccessExclusiveLock",)
"""Modes that keep others from reading a table."""

WRITING = (
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    *READING,
)
"""Modes in which a table cannot be locked against writers."""

ROWS = ("RowShareLock", *WRITING)
"""Modes in which rows of a table may be held."""

ANYHOW = ("AccessShareLock", *ROWS)
"""All modes there are."""

_HOLDERS = sql.SQL("""
SELECT l.pid, CASE WHEN a.application_name > '' THEN a.application_name ELSE 'no name' END,
       coalesce(a.usename, '?'), coalesce(a.state, ''),
       coalesce(round(extract(epoch FROM clock_timestamp() - a.xact_start))::bigint, -1),
       string_agg(DISTINCT c.named, ', ' ORDER BY c.named)
FROM pg_locks l
JOIN {NAMED} c ON c.oid = l.relation
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.granted AND l.pid <> pg_backend_pid() AND l.mode = ANY (%(modes)s)
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND c.named = ANY (%(tables)s)
GROUP BY l.pid, a.application_name, a.usename, a.state, a.xact_start
ORDER BY a.xact_start NULLS LAST, l.pid LIMIT 5
""").format(NAMED=NAMED)


def holders(connection: Connection, schemas: Schemas, tables: Collection[str], modes: Collection[str]) -> list[str]:
    """Give the sessions that hold some of these tables in one of these modes, the longest first, as sentences."""
    found = connection.execute(
        _HOLDERS, {"schemas": parameter(schemas), "modes": list(modes), "tables": sorted(tables)}
    ).fetchall()
    return [
        f"session {pid} ({name} as {user}{f', {state}' if state else ''}"
        f"{f', for {seconds} seconds' if seconds >= 0 else ''}) holds {held}"
        for pid, name, user, state, seconds, held in found
    ]


def listed(sentences: Collection[str]) -> str:
    """Sentences as further lines of a message."""
    return "".join(f"\n  - {sentence}" for sentence in sentences)
