"""Sequences: reading their state, and moving them forward, never back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import sql

from toolkit.model.manifest import SequenceEntry
from toolkit.model.plan import SequenceMove
from toolkit.postgres.connection import Connection

_SEQUENCES = """
SELECT s.relname, t.relname, a.attname, a.atttypid = ANY ('{smallint,integer,bigint,numeric}'::regtype[])
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
    for name, table, column, _ in connection.execute(_SEQUENCES, [schema]).fetchall():
        if table is not None and table not in wanted:
            continue
        query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, name))
        row = connection.execute(query).fetchone()
        assert row is not None
        owner = (str(table), str(column)) if table is not None else None
        entries.append(SequenceEntry(name=name, last_value=row[0], is_called=row[1], owned_by=owner))
    return tuple(entries)


def behind(connection: Connection, schema: str, recorded: Sequence[SequenceEntry]) -> tuple[SequenceMove, ...]:
    """The sequences of a schema that are behind the backup's or behind the greatest value of the column they serve.

    A sequence is the backup's when it has the name, or serves the column, of one there. Only ascending sequences are
    moved. Call it again after the rows have been written, which may raise the maxima.
    """
    wanted = {entry.name: entry.last_value - (not entry.is_called) for entry in recorded}
    # a renamed table's sequence may have been renamed with it
    served = {entry.owned_by: wanted[entry.name] for entry in recorded if entry.owned_by}
    moves = []
    for name, table, column, counts in connection.execute(_SEQUENCES, [schema]).fetchall():
        state = wanted.get(name, served.get((table, column)))
        if state is None:
            continue
        query = sql.SQL("SELECT last_value - (NOT is_called)::integer, seqincrement FROM {} s, pg_sequence").format(
            sql.Identifier(schema, name)
        )
        query = sql.SQL("{} WHERE seqrelid = s.tableoid").format(query)
        row = connection.execute(query).fetchone()
        assert row is not None
        value = max(state, _greatest(connection, schema, table, column) if counts else 0)
        if row[1] > 0 and value > row[0]:
            moves.append(SequenceMove(name=name, value=value))
    return tuple(moves)


def advance(connection: Connection, schema: str, moves: Iterable[SequenceMove]) -> None:
    """Move sequences forward. It takes effect at once and cannot be rolled back: call it after the commit."""
    for move in moves:
        query = sql.SQL(
            "SELECT setval({name}::regclass, greatest({value}, last_value - (NOT is_called)::integer), true) FROM {seq}"
        ).format(
            name=sql.Literal(sql.Identifier(schema, move.name).as_string(connection)),
            value=sql.Literal(move.value),
            seq=sql.Identifier(schema, move.name),
        )
        connection.execute(query)


def _greatest(connection: Connection, schema: str, table: str, column: str) -> int:
    query = sql.SQL("SELECT coalesce(max({}), 0)::bigint FROM {}").format(
        sql.Identifier(column), sql.Identifier(schema, table)
    )
    row = connection.execute(query).fetchone()
    return 0 if row is None else int(row[0])
