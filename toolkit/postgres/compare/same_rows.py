"""Which row is the same row: the one with the same key, or, without keys, one of as many as have the same text."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from toolkit.model.schema import Table
from toolkit.planning.row_order import sort_key
from toolkit.postgres.schema.relation import Relation, Sql, alike, equal, row_text


def same_key(table: Table, left: str, right: str) -> Sql:
    """Give the condition that two rows have the same key; without a unique key NULLs count as equal."""
    key = sort_key(table)
    if key.unique:
        return equal(left, key.names, right, key.names, key.equalities)
    return alike(left, right, key.names)


def copies(relation: Relation, names: Sequence[str]) -> Sql:
    """Give a subquery of rows, (row_id[, part_id], line, copy): their text, and a number among those of equal text."""
    line = row_text("r", names)
    return sql.SQL("(SELECT {}, {line} AS line, row_number() OVER (PARTITION BY {line}) AS copy FROM {} r)").format(
        relation.ids("r"), relation.source, line=line
    )
