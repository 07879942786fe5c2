"""SQL that a person wrote as an answer to drift: tried beforehand, worked out for each row of the backup.

An expression sees the columns of its row under the backup's names: those of PostgreSQL's own types in their type, all
others as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import psycopg
from psycopg import sql

from toolkit.errors import Problem
from toolkit.model.drift import Expression, Reshape
from toolkit.model.manifest import TableEntry
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.schema.row_sources import Temporary
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.session.connection import first_line
from toolkit.postgres.session.qualifying import Verbatim, type_name, type_text
from toolkit.postgres.stage.conversion import loose_type

_ROW = "playback_row"
"""What the id of a row of texts is called beside its columns."""


class Expressions:
    """The expressions of one table, worked out in a table of their own.

    Args:
        texts: the rows of the backup, as texts.
    """

    def __init__(self, workspace: Workspace, reshape: Reshape, texts: Temporary) -> None:
        self._workspace = workspace
        self._reshape = reshape
        self._texts = texts
        self._names = {place: f"e{number}" for number, place in enumerate(reshape.expressions)}
        self.table: Temporary | None = None

    def problems(self) -> Iterator[Problem]:
        """Try every expression without reading a row: names, types, and that it gives one value for a row."""
        for place, expression in self._reshape.expressions.items():
            # a condition takes neither sets of rows nor aggregates
            query = sql.SQL("SELECT 1 FROM {} WHERE {} IS NULL LIMIT 0").format(self._rows(), _written(expression))
            try:
                with self._workspace.connection.transaction():
                    self._workspace.connection.execute(query)
            except psycopg.Error as error:
                # a lost connection or a cancellation says nothing of the expression
                if isinstance(error, psycopg.OperationalError):
                    raise
                yield self._problem(place, error)

    def work_out(self) -> Iterator[Problem]:
        """Work all of them out; gives those that the server cannot, with what it says."""
        expressions = self._reshape.expressions
        if not expressions:
            return
        try:
            with self._workspace.connection.transaction():
                self.table = self._workspace.keep("answers", self._query(expressions))
        except psycopg.DataError:
            for place, expression in expressions.items():
                try:
                    with self._workspace.connection.transaction(force_rollback=True):
                        self._workspace.keep("answer", self._query({place: expression}))
                except psycopg.DataError as error:
                    yield self._problem(place, error)

    def unfit(self) -> Iterator[Problem]:
        """Give those that gave a value which its column does not take."""
        connection = self._workspace.connection
        for place in self._names if self.table is not None else ():
            column = sql.Identifier(place.partition(".")[2])
            try:
                with connection.transaction(force_rollback=True):
                    stage = self._workspace.create("answer", self._reshape.table)
                    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} e")
                    connection.execute(statement.format(stage, column, self.value(place), self.table))
            except psycopg.DataError as error:
                yield self._problem(place, error)

    def value(self, place: str) -> Sql:
        """Give what an expression gave for row `r` of the texts, where `joined` stands behind them."""
        column = place.partition(".")[2]
        given = sql.Identifier("e", self._names[place])
        kind = self._workspace.schema.tables[self._reshape.table].column(column).type
        return sql.SQL("({}{})").format(given, self._cast(place, kind))

    def joined(self) -> Sql:
        """What stands behind `texts r` in a FROM clause."""
        if self.table is None:
            return sql.SQL("")
        return sql.SQL(" JOIN {} e ON e.{} = r.ctid").format(self.table, sql.Identifier(_ROW))

    def _cast(self, place: str, kind: str) -> Sql:
        """How a value gets into its column: as an INSERT would put it there, else by way of its text."""
        assert self.table is not None
        row = self._workspace.connection.execute(
            "SELECT a.atttypid = t.oid OR EXISTS (SELECT 1 FROM pg_cast c WHERE c.castsource = a.atttypid"
            " AND c.casttarget = t.oid AND c.castcontext <> 'e')"
            " FROM pg_attribute a, (SELECT to_regtype(%s)::oid) t (oid)"
            " WHERE a.attrelid = to_regclass(%s) AND a.attname = %s",
            [type_text(loose_type(kind)), self.table.as_string(self._workspace.connection), self._names[place]],
        ).fetchone()
        way = "::{}" if row and row[0] else "::text::{}"
        return sql.SQL(way).format(type_name(loose_type(kind)))

    def _query(self, expressions: Mapping[str, Expression]) -> Sql:
        values = [
            sql.SQL("{} AS {}").format(_written(expression), sql.Identifier(self._names[place]))
            for place, expression in expressions.items()
        ]
        return sql.SQL("SELECT {}, {} FROM {}").format(sql.Identifier(_ROW), sql.SQL(", ").join(values), self._rows())

    def _rows(self) -> Sql:
        """The rows of the backup as an expression sees them."""
        entry: TableEntry = self._reshape.entry
        typed = [
            sql.SQL("{}{} AS {}").format(
                sql.Identifier("r", column.name), _own_type(column.type), sql.Identifier(column.name)
            )
            for column in entry.columns
        ]
        return sql.SQL("(SELECT {} FROM {} r) {}").format(
            sql.SQL(", ").join([sql.SQL("r.ctid AS {}").format(sql.Identifier(_ROW)), *typed]),
            self._texts,
            sql.Identifier(entry.name.rpartition(".")[2]),
        )

    def _problem(self, place: str, error: psycopg.Error) -> Problem:
        section, _, column = place.partition(".")
        return Problem(path=f"{section}.{self._reshape.table}.{column}", message=first_line(error))


def _own_type(written: str) -> Sql:
    """The cast to a type of the backup that every server has; any other stays text."""
    if "." in written or written.startswith("reg"):
        return sql.SQL("")
    return sql.SQL("::{}").format(type_name(written))


def _written(expression: Expression) -> Sql:
    """The person's own text."""
    return sql.SQL("({})").format(Verbatim(expression.sql))
