"""Expressions of constraints and indexes that speak of their row as a whole, or of the table that it is in.

The server prints such a row by the name of its table, `okay(items.*)`. Over rows of another table, staged ones, there
is nothing of that name, and their rows are of another type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from psycopg import sql

from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.session.qualifying import Verbatim


def whole_row(tree: LiteralString) -> Sql:
    """Give SQL for the name, the type and the columns of a table `r`, where an expression needs them; NULL elsewhere.

    Args:
        tree: SQL for the expression as the system catalogs hold it.
    """
    return sql.SQL(
        "CASE WHEN {} ~ ':varattno [0-]' THEN (SELECT ARRAY[r.relname::text, format('%%I.%%I', n.nspname, r.relname)]"
        " || array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a JOIN pg_namespace n"
        " ON n.oid = r.relnamespace WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " GROUP BY n.nspname) END"
    ).format(sql.SQL(tree))


def over(expression: str, whole: Sequence[str] | None, alias: str) -> Sql:
    """Give an expression for use over rows of any table with the columns of its own.

    Args:
        whole: what `whole_row` gave for it.
        alias: what the row is called in the statement.
    """
    if whole is None:
        return Verbatim(expression)
    name, kind, *columns = whole
    return sql.SQL(
        "(SELECT ({expression}) FROM unnest(ARRAY[ROW({values})::{kind}]) AS {name},"
        " (SELECT {text}::regclass::oid AS tableoid) {beside})"
    ).format(
        expression=Verbatim(expression),
        values=sql.SQL(", ").join(sql.Identifier(alias, each) for each in columns),
        kind=Verbatim(kind),
        name=sql.Identifier(name),
        text=sql.Literal(kind),
        beside=sql.Identifier("playback table"),
    )
