"""Parking: rows let go of a value of an exclusive key before others take it, and get their own by a later update."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import psycopg
from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql

from toolkit.model.schema import Column, Table
from toolkit.postgres.compare.comparison import Comparison
from toolkit.postgres.schema.exclusive_keys import ExclusiveKey
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.relation import Relation, Sql, assigned, scalar
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.session.qualifying import type_name

NUMBERS = ("integer", "bigint", "smallint", "numeric")


class Parking(Struct, frozen=True):
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
    """Finds columns that can hold something else for a while, under foreign keys that are in force."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._connection = comparison.connection
        self._numbers = count()
        pointing = [key for table in comparison.schema.tables.values() for key in table.foreign_keys]
        self._pointed_at = {(key.parent, column) for key in pointing for column in key.parent_columns}

    def park(self, name: str, key: ExclusiveKey, keys: Sequence[ExclusiveKey], held: Sql, fate: str) -> Parking | None:
        """Park the rows of a table of (row_id, part_id, fate) with this fate; None where no column can be parked.

        Args:
            keys: all exclusive keys of the table.
        """
        ids = sql.SQL("row_id, part_id" if self._comparison.relations[name].partitioned else "row_id")
        query = sql.SQL("SELECT DISTINCT {} FROM {} WHERE fate = {}").format(ids, held, sql.Literal(fate))
        rows = self._comparison.workspace.keep("parked", query)
        for column, value in self._candidates(self._comparison.schema.tables[name], key):
            parking = Parking(name, column, value, rows, rows.rows)
            if self._bears(parking, [each for each in keys if column in each.columns]):
                return parking
        return None

    def less(self, parking: Parking, deleted: Sql) -> Parking:
        """Give the parking without the rows in a table of ids, which will be gone before."""
        same = self._comparison.relations[parking.table].same_ids("d", "x")
        query = sql.SQL("DELETE FROM {} d USING {} x WHERE {}").format(parking.rows, deleted, same)
        return replace(parking, count=parking.count - self._connection.execute(query).rowcount)

    def _candidates(self, table: Table, key: ExclusiveKey) -> Iterator[tuple[str, Sql]]:
        """The columns of the key with what they may perhaps hold meanwhile."""
        single, shared = set[str](), set[str]()
        for foreign in table.foreign_keys:
            full = foreign.match_full and len(foreign.columns) > 1
            (shared if full else single).update(foreign.columns)
        free = [
            column
            for column in map(table.column, key.columns)
            if not column.generated
            and column.identity != "always"
            and column.name not in shared
            and (table.name, column.name) not in self._pointed_at
        ]
        for column in free:
            if column.nullable:
                yield column.name, sql.SQL("NULL")
        for column in free:
            if column.name not in single:
                for value in self._unwanted(table, column):
                    yield column.name, value

    def _bears(self, parking: Parking, keys: Sequence[ExclusiveKey]) -> bool:
        """Whether the rows can have the value: tried on a copy of theirs, beside all that is there and is to come."""
        table, target = self._comparison.schema.tables[parking.table], self._comparison.relations[parking.table]
        names = [column.name for column in table.stored_columns]
        copy = Relation(sql.SQL("{}").format(sql.Identifier("pg_temp", f"borne_{next(self._numbers)}")))
        staged = self._comparison.source.staged(parking.table).relation
        try:
            with self._connection.transaction(force_rollback=True):
                self._connection.execute(
                    sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING GENERATED INCLUDING CONSTRAINTS)").format(
                        copy.source, identifier(self._comparison.schema.schemas, parking.table)
                    )
                )
                self._connection.execute(
                    sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} t JOIN {} x ON {}").format(
                        copy.source,
                        sql.SQL(", ").join(map(sql.Identifier, names)),
                        sql.SQL(", ").join(
                            parking.value if name == parking.column else sql.Identifier("t", name) for name in names
                        ),
                        target.source,
                        parking.rows,
                        target.same("t", "x"),
                    )
                )
                return not any(self._held(key, copy, other) for key in keys for other in (copy, target, staged))
        except psycopg.Error as error:
            if isinstance(error, psycopg.OperationalError):
                raise
            return False  # a constraint, a domain or an expression says no

    def _held(self, key: ExclusiveKey, copy: Relation, other: Relation) -> bool:
        distinct = sql.SQL(' AND c."playback row" <> o."playback row"' if other is copy else "")
        query = sql.SQL("SELECT EXISTS (SELECT 1 FROM {} c JOIN {} o ON {}{})::integer")
        return bool(
            scalar(
                self._connection,
                query.format(key.values(copy), key.values(other), key.excludes("c", "o"), distinct),
            )
        )

    def _unwanted(self, table: Table, column: Column) -> Iterator[Sql]:
        """Expressions, different for every row `t` where there are values enough, that perhaps no row has."""
        kind, modified = column.type.partition("(")[0].partition(" with")[0], type_name(column.type)
        borders = {
            name: sql.SQL("coalesce({0}((SELECT {1}(m.{2}) FROM {3} m), (SELECT {1}(m.{2}) FROM {4} m)), {5})").format(
                sql.SQL(function),
                sql.Identifier("pg_catalog", name),
                sql.Identifier(column.name),
                self._comparison.relations[table.name].source,
                self._comparison.source.staged(table.name).table,
                sql.SQL("0" if kind in NUMBERS else "'epoch'"),
            )
            for name, function in (("min", "least"), ("max", "greatest"))
        }
        # a number that is different for every row of a table: its block and its place therein
        place = sql.SQL("(((t.ctid::text::point)[0] * 65536 + (t.ctid::text::point)[1])::bigint + 1)")
        # another that is small where rows are few
        rank = sql.SQL("(1 + (SELECT count(*) FROM {} b WHERE b.ctid < t.ctid))").format(
            self._comparison.relations[table.name].source
        )
        if kind in NUMBERS:
            yield sql.SQL("({} - {})::{}").format(borders["min"], place, modified)
            yield sql.SQL("({} + {})::{}").format(borders["max"], rank, modified)
        elif kind in ("text", "character varying", "character"):
            yield sql.SQL("md5(t.ctid::text || 'playback')::{}").format(modified)
        elif kind == "uuid":
            yield sql.SQL("md5(t.ctid::text || 'playback')::uuid")
        elif kind == "date":
            yield sql.SQL("({} - {}::integer)").format(borders["min"], place)
        elif kind == "timestamp":
            yield sql.SQL("({} - ({} * interval '1 second'))::{}").format(borders["min"], place, modified)
        elif kind == "boolean":
            yield sql.SQL("NOT t.{}").format(sql.Identifier(column.name))
        elif kind.endswith("range"):
            yield sql.SQL("'empty'::{}").format(modified)


def park(workspace: Workspace, relation: Relation, parking: Parking, noted: Sequence[Sql]) -> int:
    """Let rows go of a value, and note where they are now: an update moves a row; gives how many they were.

    Args:
        noted: the tables of ids that may have them.
    """
    nobody = sql.SQL("SELECT x.*, NULL::tid AS new_row, NULL::oid AS new_part FROM {} x WHERE false")
    moved = workspace.keep("moved", nobody.format(parking.rows))
    query = sql.SQL(
        "WITH parked AS (UPDATE {target} t SET {change} FROM {rows} x WHERE {same}"
        " RETURNING x.*, t.ctid AS new_row, t.tableoid AS new_part) INSERT INTO {moved} SELECT * FROM parked"
    ).format(
        target=relation.source,
        change=assigned(parking.column, parking.value),
        rows=parking.rows,
        same=relation.same("t", "x"),
        moved=moved,
    )
    rows = workspace.connection.execute(query).rowcount
    places = {"row_id": "new_row", "part_id": "new_part"} if relation.partitioned else {"row_id": "new_row"}
    changes = sql.SQL(", ").join(assigned(name, sql.Identifier("m", place)) for name, place in places.items())
    for ids in noted:
        update = sql.SQL("UPDATE {} d SET {} FROM {} m WHERE {}")
        workspace.connection.execute(update.format(ids, changes, moved, relation.same_ids("d", "m")))
    return rows
