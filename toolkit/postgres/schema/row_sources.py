"""What rows are selected from, with how many it has; and the rows of a table that a table of ids names."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from toolkit.postgres.schema.relation import Relation, Sql
from toolkit.postgres.session.qualifying import type_name

FEW = 4
"""A table is read by row ids when it has more than this many times as many rows."""


class Rows(sql.Composed):
    """Something to select rows from.

    Attributes:
        rows: how many it has; None where nobody has counted.
    """

    def __init__(self, source: Sql, rows: int | None) -> None:
        super().__init__([source])
        self.rows = rows

    @property
    def empty(self) -> bool:
        """Whether it surely has no rows."""
        return self.rows == 0


class Temporary(Rows):
    """A temporary table; `Workspace` keeps count of its rows."""

    rows: int

    def __init__(self, name: str, rows: int) -> None:
        super().__init__(sql.SQL("{}").format(sql.Identifier("pg_temp", name)), rows)


class Held(Temporary):
    """Stands for a temporary table where the server can have none: its rows are part of each statement that reads it.

    Args:
        columns: names and types.
    """

    def __init__(self, columns: Sequence[tuple[str, str]]) -> None:
        super().__init__("", 0)
        self._columns = columns
        nothing = sql.SQL(", ").join(
            sql.SQL("NULL::{} AS {}").format(type_name(kind), sql.Identifier(name)) for name, kind in columns
        )
        self._parts: list[Sql] = [sql.SQL("SELECT {} WHERE false").format(nothing)]
        self._show()

    @property
    def width(self) -> int:
        """How many columns it has."""
        return len(self._columns)

    def add(self, rows: int, texts: Sequence[str]) -> None:
        """Add rows.

        Args:
            texts: per column an array of texts, as the server writes one.
        """
        if rows:
            values = sql.SQL(", ").join(sql.SQL("unnest({}::text[])").format(sql.Literal(text)) for text in texts)
            names = [sql.Identifier(f"c{number}") for number in range(len(self._columns))]
            listed = sql.SQL(", ").join(
                sql.SQL("h.{}::{} AS {}").format(name, type_name(kind), sql.Identifier(column))
                for name, (column, kind) in zip(names, self._columns, strict=True)
            )
            part = sql.SQL("SELECT {} FROM ROWS FROM ({}) AS h({})")
            self._parts.append(part.format(listed, values, sql.SQL(", ").join(names)))
            self.rows += rows
            self._show()

    def _show(self) -> None:
        parts = self._parts if len(self._parts) == 1 else self._parts[1:]
        self._obj = [sql.SQL("({})").format(sql.SQL(" UNION ALL ").join(parts))]


def chosen(relation: Relation, ids: Rows | None, alias: str) -> Sql:
    """`FROM …` the rows of a table that a table of ids names, or all of them for None."""
    source = sql.SQL("FROM {} {}").format(relation.source, sql.Identifier(alias))
    if ids is None:
        return source
    if (few := fetched(relation, ids, alias)) is not None:
        return sql.SQL("{} WHERE {}").format(source, few)
    return sql.SQL("{} JOIN {} i ON {}").format(source, ids, relation.same(alias, "i"))


def fetched(relation: Relation, ids: Rows, alias: str) -> Sql | None:
    """Give the condition by which a few of many rows are fetched by their ids; None where they are not few.

    They are fetched in the order in which they lie. The planner would read the whole table, because it takes every
    fetch for a jump.
    """
    if relation.partitioned or ids.rows is None or ids.rows * FEW >= relation.rows:
        return None
    return sql.SQL("{}.ctid = ANY (ARRAY(SELECT row_id FROM {} i))").format(sql.Identifier(alias), ids)
