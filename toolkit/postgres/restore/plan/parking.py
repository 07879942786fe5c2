"""Parking: rows let go of a value of an exclusive key before others take it, and get their own by a later update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from psycopg import sql

from toolkit.model.schema import Column, Table
from toolkit.postgres.connection import Connection
from toolkit.postgres.relation import Relation, Sql, create_temporary, scalar
from toolkit.postgres.restore.plan.comparison import Comparison
from toolkit.postgres.restore.plan.exclusive_keys import ExclusiveKey


@dataclass(frozen=True, slots=True)
class Parking:
    """Rows of a target table that let go of a column's value before others are written.

    Attributes:
        value: an expression over the target row `t`.
        rows: a table of ids.
    """

    table: str
    column: str
    value: Sql
    rows: Sql
    count: int


class Parkings:
    """Finds columns that can hold something else for a while.

    Args:
        bypass: foreign keys are not checked while rows are written, so that any column may be parked.
    """

    def __init__(self, comparison: Comparison, *, bypass: bool) -> None:
        self._comparison = comparison
        self._bypass = bypass
        self._numbers = count()
        pointing = [key for table in comparison.schema.tables.values() for key in table.foreign_keys]
        self._pointed_at = {(key.parent, column) for key in pointing for column in key.parent_columns}

    def park(self, name: str, key: ExclusiveKey, held: Sql) -> Parking | None:
        """Park the rows of a table of (row_id, part_id, fate) that do not stay; None where no column can be parked."""
        found = self._column(self._comparison.schema.tables[name], key)
        if found is None:
            return None
        column, value = found
        ids = sql.SQL("row_id, part_id" if self._comparison.relations[name].partitioned else "row_id")
        query = sql.SQL("SELECT DISTINCT {} FROM {} WHERE fate <> 'stays'").format(ids, held)
        rows = create_temporary(self._comparison.connection, f"parked_{next(self._numbers)}", query)
        number = scalar(self._comparison.connection, sql.SQL("SELECT count(*) FROM {}").format(rows))
        return Parking(name, column, value, rows, number)

    def less(self, parking: Parking, deleted: Sql) -> Parking:
        """The parking without the rows in a table of ids, which will be gone before."""
        same = self._comparison.relations[parking.table].same_ids("d", "x")
        query = sql.SQL("DELETE FROM {} d USING {} x WHERE {}").format(parking.rows, deleted, same)
        return replace(parking, count=parking.count - self._comparison.connection.execute(query).rowcount)

    def _column(self, table: Table, key: ExclusiveKey) -> tuple[str, Sql] | None:
        """A column of the key with what it can hold meanwhile."""
        pointing = {name for foreign in table.foreign_keys for name in foreign.columns}
        free = [
            column
            for column in map(table.column, key.columns)
            if not column.generated
            and column.identity != "always"
            and (self._bypass or (table.name, column.name) not in self._pointed_at)
        ]
        for column in free:
            if column.nullable and not key.nulls_not_distinct:
                return column.name, sql.SQL("NULL")
        for column in free:
            value = self._unwanted(table, column)
            if value is not None and (self._bypass or column.name not in pointing):
                return column.name, value
        return None

    def _unwanted(self, table: Table, column: Column) -> Sql | None:
        """An expression, different for every row `t`, that no row has or is to have; None for other types."""
        kind, modified = column.type.partition("(")[0].partition(" with")[0], sql.SQL(column.type)
        least = sql.SQL("least((SELECT min(m.{0}) FROM {1} m), (SELECT min(m.{0}) FROM {2} m))").format(
            sql.Identifier(column.name),
            self._comparison.relations[table.name].source,
            self._comparison.source.staged(table.name).table,
        )
        # a number that is different for every row of a table: its block and its place therein
        place = sql.SQL("(((t.ctid::text::point)[0] * 65536 + (t.ctid::text::point)[1])::bigint + 1)")
        if kind in ("integer", "bigint", "smallint", "numeric"):
            return sql.SQL("({} - {})::{}").format(least, place, modified)
        if kind in ("text", "character varying", "character"):
            return sql.SQL("md5(t.ctid::text || random()::text)::{}").format(modified)
        if kind == "uuid":
            return sql.SQL("gen_random_uuid()")
        if kind == "date":
            return sql.SQL("({} - {}::integer)").format(least, place)
        if kind == "timestamp":
            return sql.SQL("({} - {} * interval '1 second')::{}").format(least, place, modified)
        return None


def park(connection: Connection, relation: Relation, parking: Parking, noted: Sequence[Sql], *, name: str) -> int:
    """Let rows go of a value, and note where they are now: an update moves a row; gives how many they were.

    Args:
        noted: the tables of ids that may have them.
        name: of a temporary table to make.
    """
    nobody = sql.SQL("SELECT x.*, NULL::tid AS new_row, NULL::oid AS new_part FROM {} x WHERE false")
    moved = create_temporary(connection, name, nobody.format(parking.rows))
    query = sql.SQL(
        "WITH parked AS (UPDATE {target} t SET {column} = {value} FROM {rows} x WHERE {same}"
        " RETURNING x.*, t.ctid AS new_row, t.tableoid AS new_part) INSERT INTO {moved} SELECT * FROM parked"
    ).format(
        target=relation.source,
        column=sql.Identifier(parking.column),
        value=parking.value,
        rows=parking.rows,
        same=relation.same("t", "x"),
        moved=moved,
    )
    rows = connection.execute(query).rowcount
    part = sql.SQL(", part_id = m.new_part" if relation.partitioned else "")
    for ids in noted:
        update = sql.SQL("UPDATE {} d SET row_id = m.new_row{} FROM {} m WHERE {}")
        connection.execute(update.format(ids, part, moved, relation.same_ids("d", "m")))
    return rows
