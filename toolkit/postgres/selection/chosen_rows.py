"""Rows that a condition of a person chooses, in repository order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing

import psycopg
from psycopg import sql

from toolkit.errors import InputError, Problem
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.postgres.schema.relation import relation_of
from toolkit.postgres.schema.rows import read_copies, rows_query
from toolkit.postgres.session.connection import Connection, first_line
from toolkit.postgres.session.qualifying import Verbatim

_RUN_BYTES = 1 << 20


def check_where(connection: Connection, schema: DatabaseSchema, where: Mapping[str, str], path: str) -> None:
    """Try conditions on their tables without reading a row.

    Args:
        where: table → its condition.
        path: where they were given.

    Raises:
        InputError: some are no conditions on their tables (all of them).
    """
    problems = []
    for name, condition in where.items():
        source = relation_of(schema.schemas, schema.tables[name]).source
        # in parentheses it is no further clause, and without them it closes none that it has not opened
        forms = ("SELECT 1 FROM {} t WHERE ({}\n) LIMIT 0", "SELECT 1 FROM {} t WHERE {}\nLIMIT 0")
        try:
            with connection.transaction():
                for form in forms:
                    connection.execute(sql.SQL(form).format(source, Verbatim(condition)))
        except psycopg.Error as error:
            if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
                raise
            problems.append(Problem(path=f"{path}.{name}", message=first_line(error)))
    if problems:
        raise InputError(problems)


def chosen_rows(connection: Connection, schema: DatabaseSchema, table: Table, condition: str) -> Iterator[bytes]:
    """Give the rows of a table, several at a time, as COPY text; all where there is no condition."""
    within = sql.SQL("({}\n)").format(Verbatim(condition)) if condition else None
    query = rows_query(table, relation_of(schema.schemas, table), None, within=within)
    run = bytearray()
    with closing(read_copies(connection, [query])) as batches:
        for _, batch in batches:
            for row in batch:
                run += row
            if len(run) >= _RUN_BYTES:
                yield bytes(run)
                run.clear()
    if run:
        yield bytes(run)
