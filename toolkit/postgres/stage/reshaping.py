"""Rows of a backup made rows of a target whose schema has moved on: looked at first, all of them, then converted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import psycopg
from psycopg import sql

from toolkit.errors import InputError, Problem, RefusedError
from toolkit.model.drift import Answers, Carried, Drift, Reshape
from toolkit.model.manifest import Manifest, TableEntry
from toolkit.model.schema import Column, DatabaseSchema, Table
from toolkit.planning.drift import find_drift
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.source import RowsOf, Source
from toolkit.postgres.schema.introspection import constrained_columns
from toolkit.postgres.schema.relation import Sql, columns, text_of
from toolkit.postgres.schema.row_sources import Temporary
from toolkit.postgres.schema.rows import write_rows
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.session.connection import Connection, first_line
from toolkit.postgres.stage.conversion import Conversions, converted

SAMPLES = 3


def fitting_source(
    workspace: Workspace,
    manifest: Manifest,
    rows_of: RowsOf,
    answers: Answers,
    *,
    thorough: bool = False,
) -> Source:
    """Give the source of a restore, under the target's names, with the rows of drifted tables converted on stage.

    Args:
        thorough: examine the values of constrained domains, which otherwise end the loading of their table.

    Raises:
        InputError: answers that name nothing, that nothing asks for, or whose values do not fit.
        RefusedError: drift that is not answered, all of it; nothing was changed.
    """
    connection, schema = workspace.connection, workspace.schema
    constrained = constrained_columns(connection, schema) if thorough else frozenset[tuple[str, str]]()
    drift = find_drift(manifest, schema, answers, constrained=constrained)
    problems = [*drift.problems, *_unfit_defaults(connection, schema, drift)]
    if problems:
        raise InputError(Problem(path=f"restore.{problem.path}", message=problem.message) for problem in problems)
    source, reasons = _reshaped(workspace, rows_of, drift)
    if reasons:
        raise RefusedError(
            f"the target's schema does not fit backup {manifest.metadata.label}",
            (reason for found in reasons.values() for reason in found),
            hint="say what became of them with `rename` (tables, columns), `drop_columns` or `defaults` (columns), or"
            " bring the target to the application version of the backup; nothing was changed",
        )
    return source


def source_under_drift(
    workspace: Workspace, manifest: Manifest, rows_of: RowsOf
) -> tuple[Source, Mapping[str, tuple[str, ...]]]:
    """Give the source where nobody answers to drift, with the reasons why tables do not fit, for each of them."""
    return _reshaped(workspace, rows_of, find_drift(manifest, workspace.schema, Answers()))


def _reshaped(workspace: Workspace, rows_of: RowsOf, drift: Drift) -> tuple[Source, Mapping[str, tuple[str, ...]]]:
    source = Source(workspace, drift.manifest, rows_of)
    reasons = {name: list(found) for name, found in drift.reasons.items()}
    reshaper = _Reshaper(workspace, source, rows_of)
    for name, reshape in drift.reshapes.items():
        reasons.setdefault(name, []).extend(reshaper.reshape(reshape, blocked=name in drift.reasons))
    return source, {name: tuple(found) for name, found in sorted(reasons.items()) if found}


def _unfit_defaults(connection: Connection, schema: DatabaseSchema, drift: Drift) -> Iterator[Problem]:
    """The values of `defaults` that their columns cannot hold, with what the server says."""
    for name, reshape in drift.reshapes.items():
        for column, text in reshape.filled.items():
            try:
                with connection.transaction():
                    connection.execute(sql.SQL("SELECT {}").format(_default(schema.tables[name].column(column), text)))
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                yield Problem(path=f"defaults.{name}.{column}", message=first_line(error))


def _default(column: Column, text: str | None) -> Sql:
    # the name of a type is the server's own text for it
    return sql.SQL("{}::text::{}").format(sql.Literal(text), sql.SQL(column.type))


class _Reshaper:
    """Converts one table after the other.

    The rows are loaded as texts first, so that every value that does not fit can be counted and named.
    """

    def __init__(self, workspace: Workspace, source: Source, rows_of: RowsOf) -> None:
        self._workspace = workspace
        self._connection = workspace.connection
        self._schema = workspace.schema
        self._source = source
        self._rows_of = rows_of
        self._conversions = Conversions(workspace.connection)

    def reshape(self, reshape: Reshape, *, blocked: bool) -> list[str]:
        """Put the converted rows of a table on stage; gives the reasons why that cannot be.

        Args:
            blocked: the table does not fit anyway: only look.
        """
        texts = self._load(reshape.entry)
        reasons = list(self._misfits(reshape, texts))
        if not reasons and not blocked:
            staged = self._convert(reshape, texts)
            reasons = [*self._recomputed(reshape, texts, staged), *self._ambiguous(reshape, staged)]
        self._workspace.drop(texts)
        return reasons

    def _load(self, entry: TableEntry) -> Temporary:
        """The rows of the backup as a table of texts, in the order of the backup."""
        names = [column.name for column in entry.columns]
        texts = self._workspace.texts("texts", names)
        write_rows(self._connection, texts, names, self._rows_of(entry))
        self._workspace.grew(texts, entry.rows)
        return texts

    def _misfits(self, reshape: Reshape, texts: Sql) -> Iterator[str]:
        for carried in (*reshape.carried, *reshape.generated):
            condition = self._conversions.misfits(texts, carried) if carried.examined else None
            if condition is not None:
                column = f"column {reshape.table}.{carried.name}"
                found = self._found(reshape, texts, condition)
                if carried.type == carried.column.type:
                    values = ", ".join(self._values(texts, carried, condition))
                    yield f"{column}: {carried.column.type} does not have {values} any more: {found}"
                else:
                    yield f"{column} is {carried.column.type}, in the backup {carried.type}: {found}"

    def _found(self, reshape: Reshape, texts: Sql, condition: Sql) -> str:
        """How many rows, and the keys of the first."""
        keys = [key.column for key in reshape.entry.key] or [column.name for column in reshape.entry.columns]
        query = sql.SQL("SELECT left({}, 200), count(*) OVER () FROM {} r WHERE {} ORDER BY r.ctid LIMIT {}")
        rows = self._connection.execute(
            query.format(text_of("r", keys), texts, condition, sql.Literal(SAMPLES))
        ).fetchall()
        return _counted(rows[0][1], [str(key) for key, _ in rows])

    def _values(self, texts: Sql, carried: Carried, condition: Sql) -> list[str]:
        query = sql.SQL('SELECT DISTINCT {0} COLLATE "C" FROM {1} r WHERE {2} ORDER BY 1 LIMIT {3}').format(
            sql.Identifier("r", carried.source), texts, condition, sql.Literal(SAMPLES)
        )
        return ["NULL" if value is None else repr(str(value)) for (value,) in self._connection.execute(query)]

    def _convert(self, reshape: Reshape, texts: Sql) -> Sql:
        """Fill the stage of the table."""
        table = self._schema.tables[reshape.table]
        values = {carried.name: self._value(reshape, carried) for carried in reshape.carried}
        values |= {name: _default(table.column(name), reshape.filled[name]) for name in reshape.added}
        staged = self._source.begin(reshape.table, added=reshape.added)
        statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} r").format(
            staged.table,
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(values.values()),
            texts,
        )
        with self._source.computing(reshape.table):
            self._workspace.grew(staged.table, self._connection.execute(statement).rowcount)
        return staged.table

    def _value(self, reshape: Reshape, carried: Carried) -> Sql:
        value = converted(sql.Identifier("r", carried.source), carried)
        if carried.name not in reshape.filled:
            return value
        return sql.SQL("coalesce({}, {})").format(value, _default(carried.column, reshape.filled[carried.name]))

    def _recomputed(self, reshape: Reshape, texts: Sql, staged: Sql) -> Iterator[str]:
        """Columns that the target computes, and computes otherwise for some rows."""
        key = sort_key(self._schema.tables[reshape.table]).names
        by_name = {carried.name: carried for carried in reshape.carried}
        for carried in reshape.generated:
            told_by = [name for name in key if name in by_name]
            theirs = [_text(self._value(reshape, by_name[name])) for name in told_by]
            ours = [_text(sql.Identifier("s", name)) for name in told_by]
            stored = _text(converted(sql.Identifier("r", carried.source), carried))
            computed = _text(sql.Identifier("s", carried.name))
            query = sql.SQL("SELECT * FROM (SELECT {}, {} FROM {} r EXCEPT ALL SELECT {}, {} FROM {} s) q").format(
                _key_array(theirs), stored, texts, _key_array(ours), computed, staged
            )
            rows = self._connection.execute(
                sql.SQL(
                    "SELECT array_to_string(q.array, ', '), count(*) OVER () FROM ({}) q ORDER BY 1 LIMIT {}"
                ).format(query, sql.Literal(SAMPLES))
            ).fetchall()
            if rows:
                found = _counted(rows[0][1], [str(key) for key, _ in rows])
                yield f"column {reshape.table}.{carried.name} is generated, and comes out otherwise: {found}"

    def _ambiguous(self, reshape: Reshape, staged: Sql) -> Iterator[str]:
        """Rows that the target's key does not tell apart."""
        if not reshape.rekeyed:
            return
        table: Table = self._schema.tables[reshape.table]
        key = sort_key(table)
        query = sql.SQL(
            "SELECT {key}, sum(count(*)) OVER () FROM {staged} s GROUP BY {keys}"
            " HAVING count(*) > 1 ORDER BY {keys} LIMIT {limit}"
        ).format(key=text_of("s", key.names), keys=columns("s", key.names), staged=staged, limit=sql.Literal(SAMPLES))
        rows = self._connection.execute(query).fetchall()
        if rows:
            found = f"{rows[0][1]} rows are not told apart, e.g. {'; '.join(str(text) for text, _ in rows)}"
            yield f"table {table.name} has the key ({', '.join(key.names)}): {found}"


def _text(value: Sql | sql.Identifier) -> Sql:
    """The output text of a value, NULL for NULL."""
    return sql.SQL("CASE WHEN {0} IS DISTINCT FROM NULL THEN concat({0}) END").format(value)


def _key_array(values: list[Sql]) -> Sql:
    return sql.SQL("ARRAY[{}]::text[]").format(sql.SQL(", ").join(values))


def _counted(rows: int, keys: list[str]) -> str:
    return f"{rows} rows do not fit, e.g. {'; '.join(keys)}"
