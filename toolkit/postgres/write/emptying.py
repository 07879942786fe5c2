"""Rows whose references are to become NULL where a constraint of their own table does not let them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct
from psycopg import errors, sql

from toolkit.model.schema import Table
from toolkit.postgres.schema.check_constraints import check_constraints, filled_in_partitions
from toolkit.postgres.schema.computed_columns import ComputedColumn, computed_columns
from toolkit.postgres.schema.exclusive_keys import exclusive_keys
from toolkit.postgres.schema.partitions import outside_partitions
from toolkit.postgres.schema.relation import Relation, Sql, is_null
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import Verbatim, type_name
from toolkit.postgres.write.batches import REFUSALS


def refused(workspace: Workspace, name: str, columns: Mapping[str, Sql], condition: Sql) -> list[Sql]:
    """Give queries of the ids of rows that would break a constraint: a domain's, NOT NULL, a CHECK, or a key.

    Columns that are computed from those that become NULL count as well.

    Args:
        columns: those that become NULL, each with the condition on row `t` under which it does.
        condition: on rows `t` that change at all.
    """
    relation, table = workspace.relations[name], workspace.schema.tables[name]
    everything = sql.SQL("SELECT {} FROM {} t WHERE {}").format(relation.ids("t"), relation.source, condition)
    if not all(_takes_null(workspace.connection, table.column(column).type) for column in columns):
        return [everything]
    computed = [
        each
        for each in computed_columns(workspace.connection, workspace.schema, name)
        if _concerns(each.columns, columns)
    ]
    if _refer(workspace, name, [each.name for each in computed]):
        return [everything]
    found = []
    emptying = _Emptying(relation=relation, table=table, columns=columns, computed=computed)
    for query in _breaking(workspace, emptying, condition):
        try:
            with workspace.connection.transaction():
                if workspace.connection.execute(sql.SQL("{} LIMIT 1").format(query)).fetchone():
                    found.append(query)
        except REFUSALS:  # it cannot be computed of these rows, then the server cannot either
            return [everything]
    return found


class _Emptying(Struct, frozen=True, kw_only=True):
    """A table whose rows lose values.

    Attributes:
        columns: those that become NULL, each with the condition on row `t` under which it does.
        computed: the generated columns that read any of them.
    """

    relation: Relation
    table: Table
    columns: Mapping[str, Sql]
    computed: Sequence[ComputedColumn]

    @property
    def changing(self) -> set[str]:
        """All columns that have other values then."""
        return {*self.columns, *(each.name for each in self.computed)}

    def rows(self, condition: Sql) -> Sql:
        """Give the rows as they would be, with their ids."""
        computed = {
            each.name: sql.SQL("({})::{} AS {}").format(
                Verbatim(each.expression), type_name(each.type), sql.Identifier(each.name)
            )
            for each in self.computed
        }
        values = (self._value(name) for name in self.table.column_names if name not in computed)
        rows = sql.SQL("(SELECT t.ctid, t.tableoid, {} FROM {} t WHERE {})").format(
            sql.SQL(", ").join(values), self.relation.source, condition
        )
        if not computed:
            return rows
        listed = (computed.get(name, sql.Identifier(name)) for name in self.table.column_names)
        return sql.SQL("(SELECT ctid, tableoid, {} FROM {} e)").format(sql.SQL(", ").join(listed), rows)

    def _value(self, name: str) -> sql.Composable:
        if name not in self.columns:
            return sql.Identifier("t", name)
        return sql.SQL("CASE WHEN {} THEN NULL ELSE {} END AS {}").format(
            self.columns[name], sql.Identifier("t", name), sql.Identifier(name)
        )


def _refer(workspace: Workspace, name: str, columns: Collection[str]) -> bool:
    """Whether any of the columns points at rows, or is pointed at."""
    return any(
        key.enforced
        and (
            (table.name == name and _concerns(key.columns, columns))
            or (key.parent == name and _concerns(key.parent_columns, columns))
        )
        for table in workspace.schema.tables.values()
        for key in table.foreign_keys
    )


def _breaking(workspace: Workspace, emptying: _Emptying, condition: Sql) -> Iterator[Sql]:
    relation, table = emptying.relation, emptying.table
    changing, columns = emptying.rows(condition), emptying.changing
    for broken in (*_unfit(emptying), *_forbidden(workspace, table, columns)):
        yield sql.SQL("SELECT {} FROM {} r WHERE {}").format(relation.ids("r"), changing, broken)
    for key in exclusive_keys(workspace.connection, workspace.schema, [table.name]).get(table.name, ()):
        freed = key.plain and not key.nulls_not_distinct and _concerns(key.columns, emptying.columns)
        if _concerns(key.columns, columns) and not freed:
            part = sql.SQL(', l."playback part" AS part_id') if relation.partitioned else sql.SQL("")
            yield sql.SQL(
                'SELECT l."playback row" AS row_id{} FROM {} l JOIN {} o ON {}'
                ' AND ROW(l."playback row", l."playback part") <> ROW(o."playback row", o."playback part")'
            ).format(
                part,
                key.values(Relation(changing, relation.partitioned)),
                key.values(Relation(emptying.rows(sql.SQL("true")), relation.partitioned)),
                key.excludes("l", "o"),
            )


def _unfit(emptying: _Emptying) -> Iterator[Sql]:
    """Conditions of rows in which a column cannot be computed, or must not be NULL and is."""
    for each in emptying.computed:
        if each.required:
            yield is_null(sql.Identifier(each.name))
        elif emptying.table.column(each.name).generated == "stored":  # true of no row, but computed of each
            yield sql.SQL("num_nulls({}) < 0").format(sql.Identifier(each.name))


def _forbidden(workspace: Workspace, table: Table, columns: Collection[str]) -> Iterator[Sql]:
    """Conditions that no row may fulfil."""
    for check in check_constraints(workspace.connection, workspace.schema, [table.name]):
        if _concerns(check.columns, columns):
            yield check.broken("r")
    for _, _, name, within in filled_in_partitions(workspace.connection, workspace.schema, [table.name]):
        if name in columns:
            yield sql.SQL("({}) AND {}").format(Verbatim(within), is_null(sql.Identifier(name)))
    outside = outside_partitions(workspace.connection, workspace.schema, table.name, table.column_names)
    if outside is not None:
        yield outside


def _concerns(names: Collection[str], columns: Collection[str]) -> bool:
    return not set(names).isdisjoint(columns)


def _takes_null(connection: Connection, kind: str) -> bool:
    """Whether a type has NULL; a domain may not."""
    try:
        with connection.transaction():
            connection.execute(sql.SQL("SELECT NULL::{}").format(type_name(kind)))
    except (errors.NotNullViolation, errors.CheckViolation):
        return False
    return True
