"""Finding the one row that a person names, and the text of a row's key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import psycopg
from msgspec import Struct
from psycopg import sql

from toolkit.errors import InputError, Problem
from toolkit.model.explanation import LONGEST
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.planning.row_order import sort_key
from toolkit.postgres.schema.relation import Sql, equals_text, relation_of
from toolkit.postgres.session.connection import Connection, first_line
from toolkit.wording import meant

SECRET = re.compile(r"pass(?:word|wd|phrase|code)|secret|token|hash|salt|(?:api|private|access)_?key|credential", re.I)
"""Names of columns whose text nobody is shown, nor looks for."""


class RowId(Struct, frozen=True, kw_only=True):
    """A row of a table within a snapshot."""

    table: str
    ctid: str
    tableoid: int

    @property
    def condition(self) -> Sql:
        """That row `t` is this one."""
        return sql.SQL("t.ctid = {}::tid AND t.tableoid = {}::oid").format(
            sql.Literal(self.ctid), sql.Literal(self.tableoid)
        )


def key_columns(table: Table, alias: str) -> Sql:
    """Give the text of a row's key as an array, long values cut short, NULL as NULL."""
    return shortened(sort_key(table).names, alias)


def shortened(names: Iterable[str], alias: str) -> Sql:
    """Give the text of columns of a row as an array, long values cut short, NULL as NULL."""
    values = (
        sql.SQL("CASE WHEN {c} IS DISTINCT FROM NULL THEN left(concat({c}), {n}) END").format(
            c=sql.Identifier(alias, name), n=sql.Literal(LONGEST)
        )
        for name in names
    )
    return sql.SQL("ARRAY[{}]::text[]").format(sql.SQL(", ").join(values))


def table_named(schema: DatabaseSchema, name: str) -> Table:
    """Give the table of that name; InputError when there is none, with names like it."""
    if name in schema.tables:
        return schema.tables[name]
    if (plain := name.removeprefix(f"{schema.schemas.first}.")) in schema.tables:
        return schema.tables[plain]
    place, relation = schema.schemas.place(name)
    if relation in schema.schemas.left_out.get(place, ()):
        raise InputError(
            f"table {name} is in schema {place}, which the catalog file leaves out: no backup has its rows"
        )
    where = ", ".join(schema.schemas.covered)
    raise InputError(f"schema {where} has no table {name!r}", hint=meant(name, schema.tables, before=""))


def find_row(connection: Connection, schema: DatabaseSchema, table: Table, words: Sequence[str]) -> RowId:
    """Give the row that these words name: the values of its key, in order, or `column=value` for columns that tell it.

    Several values may stand in one word, separated by commas.

    Raises:
        InputError: the words do not fit the key, or no row or several rows fit them.
    """
    wanted = _wanted(table, words)
    named = ", ".join(f"{column}={value}" for column, value in wanted.items())
    conditions = (equals_text(schema, table.name, "t", column, value) for column, value in wanted.items())
    # rows that are equal in every column need not be told apart: the first stands for all of them
    query = sql.SQL("SELECT min(t.ctid)::text, (array_agg(t.tableoid::bigint ORDER BY t.ctid))[1] FROM {} t WHERE {}")
    statement = query.format(relation_of(schema.schemas, table).source, sql.SQL(" AND ").join(conditions)) + sql.SQL(
        " GROUP BY (t.*)::text LIMIT 2"
    )
    try:
        rows = connection.execute(statement).fetchall()
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.UndefinedFunction) as error:
        raise InputError(f"no row of table {table.name} can have {named}: {first_line(error)}") from error
    if not rows:
        raise InputError(f"table {table.name} has no row with {named}")
    if len(rows) > 1:
        raise InputError(
            f"table {table.name} has several rows with {named}", hint=f"name the row by its key: {_shape(table)}"
        )
    return RowId(table=table.name, ctid=rows[0][0], tableoid=rows[0][1])


def _wanted(table: Table, words: Sequence[str]) -> Mapping[str, str]:
    key = sort_key(table)
    pairs = [word.partition("=") for word in words]
    if words and all(equals and column in table.column_names for column, equals, _ in pairs):
        return {column: value for column, _, value in pairs}
    parts = list(words)
    if len(words) == 1 and len(key.columns) > 1:
        parts = words[0].split(",")
    if key.unique and len(parts) == len(key.columns):
        return dict(zip(key.names, parts, strict=True))
    problem = f"{' '.join(words)!r} does not name a row of table {table.name}" if words else "no row is named"
    raise InputError([Problem(message=problem)], hint=f"name the row by its key: {_shape(table)}")


def _shape(table: Table) -> str:
    """How a row of the table is named."""
    key = sort_key(table)
    if not key.unique:
        return f"{table.name} has no key; name columns that tell the row: {table.name} COLUMN=VALUE …"
    return f"{table.name} {' '.join(f'<{name}>' for name in key.names)}"
