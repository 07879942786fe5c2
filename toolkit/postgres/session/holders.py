"""Who holds tables that are waited for."""

from __future__ import annotations

from collections.abc import Collection

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

_HOLDERS = """
SELECT l.pid, coalesce(nullif(a.application_name, ''), 'no name'), coalesce(a.usename, '?'), coalesce(a.state, ''),
       coalesce(round(extract(epoch FROM clock_timestamp() - a.xact_start))::bigint, -1),
       string_agg(DISTINCT c.relname, ', ' ORDER BY c.relname)
FROM pg_locks l
JOIN pg_class c ON c.oid = l.relation
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.granted AND l.pid <> pg_backend_pid() AND l.mode = ANY (%s)
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND c.relnamespace = to_regnamespace(quote_ident(%s)) AND c.relname = ANY (%s)
GROUP BY l.pid, a.application_name, a.usename, a.state, a.xact_start
ORDER BY a.xact_start NULLS LAST, l.pid LIMIT 5
"""


def holders(connection: Connection, schema: str, tables: Collection[str], modes: Collection[str]) -> list[str]:
    """Give the sessions that hold some of these tables in one of these modes, the longest first, as sentences."""
    found = connection.execute(_HOLDERS, [list(modes), schema, sorted(tables)]).fetchall()
    return [
        f"session {pid} ({name} as {user}{f', {state}' if state else ''}"
        f"{f', for {seconds} seconds' if seconds >= 0 else ''}) holds {held}"
        for pid, name, user, state, seconds, held in found
    ]


def listed(sentences: Collection[str]) -> str:
    """Sentences as further lines of a message."""
    return "".join(f"\n  - {sentence}" for sentence in sentences)
