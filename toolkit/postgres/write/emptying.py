"""Rows whose references are to become NULL where a constraint of their own table does not let them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from psycopg import errors, sql

from toolkit.model.schema import Table
from toolkit.postgres.schema.check_constraints import check_constraints, filled_in_partitions
from toolkit.postgres.schema.exclusive_keys import exclusive_keys
from toolkit.postgres.schema.partitions import outside_partitions
from toolkit.postgres.schema.relation import Relation, Sql, is_null
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import Verbatim, type_name
from toolkit.postgres.write.batches import REFUSALS


def refused(workspace: Workspace, name: str, columns: Mapping[str, Sql], condition: Sql) -> list[Sql]:
    """Give queries of the ids of rows that would break a constraint: a domain's, a CHECK, or a unique key.

    Args:
        columns: those that become NULL, each with the condition on row `t` under which it does.
        condition: on rows `t` that change at all.
    """
    relation, table = workspace.relations[name], workspace.schema.tables[name]
    everything = sql.SQL("SELECT {} FROM {} t WHERE {}").format(relation.ids("t"), relation.source, condition)
    if not all(_takes_null(workspace.connection, table.column(column).type) for column in columns):
        return [everything]
    found = []
    for query in _breaking(workspace, relation, table, columns, condition):
        try:
            with workspace.connection.transaction():
                if workspace.connection.execute(sql.SQL("{} LIMIT 1").format(query)).fetchone():
                    found.append(query)
        except REFUSALS:  # it cannot be computed of these rows, then the server cannot either
            return [everything]
    return found


def _breaking(
    workspace: Workspace, relation: Relation, table: Table, columns: Mapping[str, Sql], condition: Sql
) -> Iterator[Sql]:
    emptied = Relation(_emptied(relation, table, columns, sql.SQL("true")), relation.partitioned)
    changing = _emptied(relation, table, columns, condition)
    for broken in _forbidden(workspace, table, columns):
        yield sql.SQL("SELECT {} FROM {} r WHERE {}").format(relation.ids("r"), changing, broken)
    for key in exclusive_keys(workspace.connection, workspace.schema, [table.name]).get(table.name, ()):
        if _concerns(key.columns, columns) and not (key.plain and not key.nulls_not_distinct):
            part = sql.SQL(', l."playback part" AS part_id') if relation.partitioned else sql.SQL("")
            yield sql.SQL(
                'SELECT l."playback row" AS row_id{} FROM {} l JOIN {} o ON {}'
                ' AND ROW(l."playback row", l."playback part") <> ROW(o."playback row", o."playback part")'
            ).format(
                part,
                key.values(Relation(changing, relation.partitioned)),
                key.values(emptied),
                key.excludes("l", "o"),
            )


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


def _emptied(relation: Relation, table: Table, columns: Mapping[str, Sql], condition: Sql) -> Sql:
    """The rows as they would be, with their ids."""
    values = (
        sql.SQL("CASE WHEN {} THEN NULL ELSE {} END AS {}").format(
            columns[name], sql.Identifier("t", name), sql.Identifier(name)
        )
        if name in columns
        else sql.Identifier("t", name)
        for name in table.column_names
    )
    return sql.SQL("(SELECT t.ctid, t.tableoid, {} FROM {} t WHERE {})").format(
        sql.SQL(", ").join(values), relation.source, condition
    )


def _takes_null(connection: Connection, kind: str) -> bool:
    """Whether a type has NULL; a domain may not."""
    try:
        with connection.transaction():
            connection.execute(sql.SQL("SELECT NULL::{}").format(type_name(kind)))
    except (errors.NotNullViolation, errors.CheckViolation):
        return False
    return True
