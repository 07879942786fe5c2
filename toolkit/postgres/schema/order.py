"""The order of rows in a repository, as ORDER BY: the same under every collation and version."""

from __future__ import annotations

from psycopg import sql

from toolkit.model.schema import Column
from toolkit.planning.row_order import SortKey
from toolkit.postgres.schema.relation import Sql, is_null

FEW_TERMS = 100
"""Terms of an ORDER BY that stand by themselves. More are compared as rows: a query has at most 1664 columns, and those
that it sorts by count."""

PLAIN_TEXT = frozenset({"text", "character varying"})


def order_by(key: SortKey, alias: str) -> Sql:
    """Give the ORDER BY list of a sort key; without a unique key, ties are settled by the text of every column."""
    terms = [expression(column, alias) for column in key.columns]
    if not key.unique:
        terms = [
            term
            for column in key.columns
            for term in (is_null(sql.Identifier(alias, column.name)), expression(column, alias))
        ]
        terms.extend(_text(column, alias) for column in key.columns if column.sort == "native")
    if 0 < len(terms) <= FEW_TERMS:
        return sql.SQL(", ").join(terms)
    groups = [terms[first : first + FEW_TERMS] for first in range(0, len(terms), FEW_TERMS)] or [[]]
    return sql.SQL(", ").join(sql.SQL("ROW({})").format(sql.SQL(", ").join(group)) for group in groups)


def expression(column: Column, alias: str) -> Sql:
    """Give what one column sorts by: itself for numbers and times, its output text as bytes otherwise."""
    if column.sort == "native":
        return sql.SQL("{}").format(sql.Identifier(alias, column.name))
    return _text(column, alias)


def _text(column: Column, alias: str) -> Sql:
    if column.type.partition("(")[0] in PLAIN_TEXT:
        return sql.SQL('{} COLLATE "C"').format(sql.Identifier(alias, column.name))
    # concat() gives the type's output text where a cast would not: char(n) keeps its blanks, inet its short form
    return sql.SQL('concat({}) COLLATE "C"').format(sql.Identifier(alias, column.name))
