"""Ranges of a table's key, about equal in rows, so that several sessions can each read a part of it in order.

Where the ranges begin is guessed from a sample. They cover every row once in any case: what ends one begins the next.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from toolkit.model.schema import Column, Table
from toolkit.planning.row_order import SortKey, sort_key
from toolkit.postgres.schema.order import FEW_TERMS, expression, order_by
from toolkit.postgres.schema.relation import Relation, Sql
from toolkit.postgres.session.connection import Connection

_PAGES = 300
"""Pages of a table that a sample has, about."""

_PAGE = 8192

Bound = tuple[str, ...]
"""The output texts of a key."""

_SAMPLE = sql.SQL("""
SELECT {texts} FROM (
    SELECT {values}, row_number() OVER (ORDER BY {order}) AS place, count(*) OVER () AS total
    FROM {source} t TABLESAMPLE system ({percent})
) s
WHERE ((place OPERATOR(pg_catalog.*) {parts}) / total) > (((place - 1) OPERATOR(pg_catalog.*) {parts}) / total)
      AND place < total
ORDER BY place
""")


def key_ranges(connection: Connection, table: Table, relation: Relation, parts: int) -> list[Sql]:
    """Give conditions on the rows `t` of a table that has a size, each with a range of the key, in its order.

    Returns:
        At most so many as `parts`; none for a table without a key, or where the sample shows no ranges.
    """
    key = sort_key(table)
    if not has_ranges(key):
        return []
    names = [sql.Identifier(f"k{number}") for number, _ in enumerate(key.columns)]
    query = _SAMPLE.format(
        texts=sql.SQL(", ").join(sql.SQL("concat(s.{})").format(name) for name in names),
        values=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(expression(column, "t"), name)
            for column, name in zip(key.columns, names, strict=True)
        ),
        order=order_by(key, "t"),
        source=relation.source,
        percent=sql.Literal(min(100.0, 100.0 * _PAGES * _PAGE / max(relation.bytes or 0, 1))),
        parts=sql.Literal(parts),
    )
    return ranges_between(key, list(dict.fromkeys(connection.execute(query).fetchall())))


def ranges_between(key: SortKey, bounds: Sequence[Bound]) -> list[Sql]:
    """Give conditions on rows `t` with the ranges of a key that begin at bounds and before the first; none for none."""
    if not bounds:
        return []
    begins = [_compared(key.columns, ">=", bound) for bound in bounds]
    ends = [_compared(key.columns, "<", bound) for bound in bounds]
    middle = [sql.SQL("{} AND {}").format(begin, end) for begin, end in zip(begins, ends[1:], strict=False)]
    return [ends[0], *middle, begins[-1]]


def between(table: Table, spans: Sequence[tuple[Bound, Bound]]) -> Sql:
    """Give a condition on the rows `t` of a table with a key: behind one key, up to another one, for any of the spans.

    An empty key stands for the begin or the end of the table.
    """
    columns = sort_key(table).columns
    spanned = []
    for after, until in spans:
        sides = [_compared(columns, ">", after)] if after else []
        sides += [_compared(columns, "<=", until)] if until else []
        spanned.append(sql.SQL("({})").format(sql.SQL(" AND ").join(sides or [sql.SQL("true")])))
    return sql.SQL("({})").format(sql.SQL(" OR ").join(spanned))


def has_ranges(key: SortKey) -> bool:
    """Tell whether rows can be read by ranges of a key."""
    return key.unique and 0 < len(key.columns) <= FEW_TERMS


def _compared(columns: Sequence[Column], operator: str, bound: Bound) -> Sql:
    """The condition that a key comes before a bound, or not before it, in the order of the repository."""
    sides = (
        [expression(column, "t") for column in columns],
        # a value of a domain is compared as what it is made of: today the domain may not take it
        [
            sql.SQL("{}" if column.sort == "native" else "{}::text").format(sql.Literal(text))
            for column, text in zip(columns, bound, strict=True)
        ],
    )
    template = "{} {} {}" if len(columns) == 1 else "ROW({}) {} ROW({})"
    left, right = (sql.SQL(", ").join(side) for side in sides)
    return sql.SQL(template).format(left, sql.SQL(operator), right)
