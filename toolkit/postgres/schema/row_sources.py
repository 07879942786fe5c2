"""What rows are selected from, with how many it has; and the rows of a table that a table of ids names."""

from __future__ import annotations

from psycopg import sql

from toolkit.postgres.schema.relation import Relation, Sql

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


def chosen(relation: Relation, ids: Rows | None, alias: str) -> Sql:
    """`FROM …` the rows of a table that a table of ids names, or all of them for None.

    A few of many rows are fetched by their ids, in the order in which they lie; the planner would read the whole
    table, because it takes every fetch for a jump.
    """
    source = sql.SQL("FROM {} {}").format(relation.source, sql.Identifier(alias))
    if ids is None:
        return source
    if not relation.partitioned and ids.rows is not None and ids.rows * FEW < relation.rows:
        fetched = sql.SQL("{} WHERE {}.ctid = ANY (ARRAY(SELECT row_id FROM {} i))")
        return fetched.format(source, sql.Identifier(alias), ids)
    return sql.SQL("{} JOIN {} i ON {}").format(source, ids, relation.same(alias, "i"))
