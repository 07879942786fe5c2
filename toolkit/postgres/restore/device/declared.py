"""The rows that a catalog file declares for a device, as temporary tables: what they would be, and what is there."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from msgspec import Struct
from psycopg import sql

from toolkit.errors import InputError, Problem
from toolkit.model.identity import CreatedRow
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.relation import Sql, alike, columns, equal, relation_of, scalar
from toolkit.postgres.session.connection import Connection, first_line
from toolkit.postgres.session.qualifying import Verbatim

_DEFAULTS = """
SELECT a.attname, pg_get_expr(d.adbin, d.adrelid),
       d.adbin::text !~ 'SQLVALUEFUNCTION|NEXTVALUEEXPR|COERCEVIAIO' AND NOT EXISTS (
           SELECT 1 FROM regexp_matches(d.adbin::text, ':(?:opfuncid|funcid) ([0-9]+)', 'g') found
           JOIN pg_proc p ON p.oid = found[1]::oid WHERE p.provolatile <> 'i')
FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s::regclass AND a.attgenerated = '' AND NOT a.attisdropped
"""
"""Default expressions of a table's columns, and whether each is a constant: no function of it can change its mind."""


class DeclaredRow(Struct, frozen=True, kw_only=True):
    """A declared row as the table would take it.

    Attributes:
        staged: a temporary table with this one row.
        compared: the columns by which an existing row is the same: not those filled from `now` or by chance.
    """

    row: CreatedRow
    table: Table
    staged: Sql
    compared: tuple[str, ...]

    def same(self, alias: str) -> Sql:
        """Give the condition that a row of the table is as declared, in all that is compared."""
        return sql.SQL("EXISTS (SELECT 1 FROM {} c WHERE {})").format(self.staged, alike("c", alias, self.compared))

    def stands_for(self, alias: str) -> Sql:
        """Give the condition that a row has the place of the declared one: a unique key of it, else all."""
        given = set(self.row.values) - self.row.volatile
        keys = [
            (self.table.primary_key, self.table.primary_equalities),
            *((key.columns, key.equalities) for key in self.table.unique_keys if not key.partial),
        ]
        fitting = [equal("c", key, alias, key, by) for key, by in keys if key and set(key) <= given]
        if not fitting:
            return self.same(alias)
        return sql.SQL("EXISTS (SELECT 1 FROM {} c WHERE {})").format(self.staged, sql.SQL(" OR ").join(fitting))


def stage_declared(
    connection: Connection, schema: DatabaseSchema, row: CreatedRow, *, name: str, file: str
) -> DeclaredRow:
    """Give a declared row the types of its table and the defaults of the columns that it leaves out.

    Args:
        name: of the temporary table to make.
        file: the catalog file, for problems.

    Raises:
        InputError: a value is none of its column's type.
    """
    table = schema.tables[row.table]
    target = identifier(schema.schemas, table.name)
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} AS SELECT {} FROM {} t WITH NO DATA").format(
            sql.Identifier(name), columns("t", (column.name for column in table.stored_columns)), target
        )
    )
    staged = sql.SQL("{}").format(sql.Identifier("pg_temp", name))
    defaults = _defaults(connection, target)
    left_out = {column: text for column, (text, _) in defaults.items() if column not in row.values}
    # a sequence would move by being asked
    used = {column: text for column, text in left_out.items() if "nextval(" not in text}
    values: list[Sql | sql.Literal] = [sql.Literal(value) for value in row.values.values()]
    values.extend(Verbatim(text) for text in used.values())
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        staged, sql.SQL(", ").join(map(sql.Identifier, [*row.values, *used])), sql.SQL(", ").join(values)
    )
    try:
        connection.execute(statement)
    except psycopg.DataError as error:
        place = "identity.node" if row.number < 0 else f"identity.create[{row.number}].row"
        raise InputError([Problem(file=file, path=place, message=f"{table.name}: {first_line(error)}")]) from error
    changing = {column for column in left_out if not defaults[column][1]}
    compared = tuple(
        column.name
        for column in table.stored_columns
        if column.name not in row.volatile | changing and (column.name in row.values or not column.identity)
    )
    return DeclaredRow(row=row, table=table, staged=staged, compared=compared)


def insert_declared(connection: Connection, schema: DatabaseSchema, declared: DeclaredRow) -> int:
    """Insert a declared row; gives 1."""
    names = sql.SQL(", ").join(map(sql.Identifier, declared.row.values))
    statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
        identifier(schema.schemas, declared.table.name), names, names, declared.staged
    )
    return connection.execute(statement).rowcount


def count_rows(connection: Connection, schema: DatabaseSchema, table: Table, condition: Sql) -> int:
    """Say how many rows `t` of a table there are for which a condition holds."""
    query = sql.SQL("SELECT count(*) FROM {} t WHERE {}").format(relation_of(schema.schemas, table).source, condition)
    return scalar(connection, query)


def _defaults(connection: Connection, target: sql.Identifier) -> Mapping[str, tuple[str, bool]]:
    rows = connection.execute(_DEFAULTS, [target.as_string(connection)]).fetchall()
    return {str(name): (str(text), bool(constant)) for name, text, constant in rows}
