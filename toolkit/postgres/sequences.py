"""Sequences: reading their state, and moving them forward, never back."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from toolkit.model.manifest import SequenceEntry
from toolkit.postgres.connection import Connection

_SEQUENCES = """
SELECT s.relname, t.relname, a.attname
FROM pg_class s
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i')
     AND d.refclassid = 'pg_class'::regclass
LEFT JOIN pg_class t ON t.oid = d.refobjid
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE s.relkind = 'S' AND s.relnamespace = to_regnamespace(quote_ident(%s))
ORDER BY s.relname COLLATE "C"
"""


def read_sequences(connection: Connection, schema: str, tables: Iterable[str]) -> tuple[SequenceEntry, ...]:
    """The sequences of a schema that belong to one of these tables or to none.

    Read them after the rows: sequences are outside every snapshot, so they are then at least as far as the rows.
    """
    wanted = set(tables)
    entries = []
    for name, table, column in connection.execute(_SEQUENCES, [schema]).fetchall():
        if table is not None and table not in wanted:
            continue
        query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, name))
        row = connection.execute(query).fetchone()
        assert row is not None
        owner = (str(table), str(column)) if table is not None else None
        entries.append(SequenceEntry(name=name, last_value=row[0], is_called=row[1], owned_by=owner))
    return tuple(entries)
