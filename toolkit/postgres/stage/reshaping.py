"""Rows of a backup made rows of a target whose schema has moved on: looked at first, all of them, then converted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg
from msgspec.structs import replace
from psycopg import sql

from toolkit.errors import Problem, RefusedError
from toolkit.model.drift import Carried, Expression, Mapped, Option, Question, Reshape
from toolkit.model.manifest import TableEntry
from toolkit.model.schema import Table
from toolkit.planning.offers import Offers
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.same_rows import same_key
from toolkit.postgres.compare.source import RowsOf, Source
from toolkit.postgres.schema.relation import Sql, assigned, columns, text_of
from toolkit.postgres.schema.row_sources import Temporary
from toolkit.postgres.schema.rows import write_rows
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.stage.conversion import Conversions, converted
from toolkit.postgres.stage.expressions import Expressions

SAMPLES = 3

MOST_VALUES = 50
"""How many values that do not fit are named in an answer that is offered."""


class Reshaper:
    """Converts one table after the other.

    Attributes:
        problems: expressions of answers that the server cannot work out.

    The rows are loaded as texts first, so that every value that does not fit can be counted and named.
    """

    def __init__(self, workspace: Workspace, source: Source, rows_of: RowsOf, offers: Offers) -> None:
        self.problems: list[Problem] = []
        self._offers = offers
        self._workspace = workspace
        self._connection = workspace.connection
        self._schema = workspace.schema
        self._source = source
        self._rows_of = rows_of
        self._conversions = Conversions(workspace.connection)

    def reshape(self, reshape: Reshape, *, blocked: bool) -> list[Question]:
        """Put the converted rows of a table on stage; gives the reasons why that cannot be.

        Args:
            blocked: the table does not fit anyway: only look.
        """
        texts = self._load(reshape.entry)
        reshape, mapped = self._mapped(reshape, texts)
        # the rows lie still from here on
        expressions = Expressions(self._workspace, reshape, mapped)
        wrong = list(expressions.problems()) or list(expressions.work_out())
        self.problems.extend(wrong)
        questions = list(self._misfits(reshape, mapped))
        if not questions and not blocked and not wrong:
            staged = self._convert(reshape, mapped, expressions)
            if staged is not None:
                questions = [*self._recomputed(reshape, mapped, staged), *self._ambiguous(reshape, staged)]
        self._workspace.drop(mapped)
        if expressions.table is not None:
            self._workspace.drop(expressions.table)
        return questions

    def _mapped(self, reshape: Reshape, texts: Temporary) -> tuple[Reshape, Temporary]:
        """The rows with a further column for each whose values `convert` maps, from which it is carried then."""
        maps = {name: how for name, how in reshape.converted.items() if isinstance(how, Mapped)}
        if not maps:
            return reshape, texts
        carried = tuple(
            replace(each, source=f"{each.source} for {each.name}", examined=True) if each.name in maps else each
            for each in reshape.carried
        )
        for before, after in zip(reshape.carried, carried, strict=True):
            if before.name in maps:
                self._add_mapped(texts, before.source, after, maps[before.name])
        return replace(reshape, carried=carried), texts

    def _add_mapped(self, texts: Temporary, source: str, carried: Carried, how: Mapped) -> None:
        made, value = sql.Identifier(carried.source), sql.Identifier("r", source)
        cases = [
            sql.SQL("WHEN {} = {} THEN {}").format(value, sql.Literal(old), sql.Literal(new))
            for old, new in how.values.items()
        ]
        mapped = sql.SQL("CASE {} ELSE {} END").format(sql.SQL(" ").join(cases), value) if cases else value
        self._connection.execute(sql.SQL("ALTER TABLE {} ADD {} pg_catalog.text").format(texts, made))
        self._connection.execute(sql.SQL("UPDATE {} r SET {}").format(texts, assigned(carried.source, mapped)))
        if how.strict:
            return
        others = self._conversions.misfits(texts, carried)
        if others is not None:
            statement = sql.SQL("UPDATE {} r SET {} WHERE {}")
            self._connection.execute(
                statement.format(texts, assigned(carried.source, sql.Literal(how.otherwise)), others)
            )

    def _load(self, entry: TableEntry) -> Temporary:
        """The rows of the backup as a table of texts, in the order of the backup."""
        names = [column.name for column in entry.columns]
        texts = self._workspace.texts("texts", names)
        write_rows(self._connection, texts, names, self._rows_of(entry))
        self._workspace.grew(texts, entry.rows)
        return texts

    def _misfits(self, reshape: Reshape, texts: Sql) -> Iterator[Question]:
        for carried in (*reshape.carried, *reshape.generated):
            if isinstance(reshape.converted.get(carried.name), Expression):
                continue
            condition = self._conversions.misfits(texts, carried) if carried.examined else None
            if condition is None:
                continue
            column = f"column {reshape.table}.{carried.name}"
            found = self._found(reshape, texts, condition)
            values = self._values(texts, carried, condition)
            if carried.type == carried.column.type:
                shown = ", ".join("NULL" if value is None else repr(value) for value in values[:SAMPLES])
                reason = f"{column}: {carried.column.type} does not have {shown} any more: {found}"
            else:
                reason = f"{column} is {carried.column.type}, in the backup {carried.type}: {found}"
            yield Question(reason=reason, options=self._offered(reshape, carried, values))

    def _offered(self, reshape: Reshape, carried: Carried, values: Sequence[str | None]) -> tuple[Option, ...]:
        if carried.column.generated:
            return ()
        named = [value for value in values if value is not None] if len(values) <= MOST_VALUES else []
        how = reshape.converted.get(carried.name)
        known = how.values if isinstance(how, Mapped) else {}
        return self._offers.for_values(reshape.table, carried, named, known)

    def _found(self, reshape: Reshape, texts: Sql, condition: Sql) -> str:
        """How many rows, and the keys of the first."""
        keys = [key.column for key in reshape.entry.key] or [column.name for column in reshape.entry.columns]
        query = sql.SQL("SELECT left({}, 200), count(*) OVER () FROM {} r WHERE {} ORDER BY r.ctid LIMIT {}")
        rows = self._connection.execute(
            query.format(text_of("r", keys), texts, condition, sql.Literal(SAMPLES))
        ).fetchall()
        return _counted(rows[0][1], [str(key) for key, _ in rows])

    def _values(self, texts: Sql, carried: Carried, condition: Sql) -> list[str | None]:
        """The values that do not fit, each once; of very many the first."""
        query = sql.SQL('SELECT DISTINCT {0} COLLATE "C" FROM {1} r WHERE {2} ORDER BY 1 LIMIT {3}').format(
            sql.Identifier("r", carried.source), texts, condition, sql.Literal(MOST_VALUES + 1)
        )
        return [value for (value,) in self._connection.execute(query)]

    def _convert(self, reshape: Reshape, texts: Temporary, expressions: Expressions) -> Temporary | None:
        """Fill the stage of the table; None where expressions gave what their columns do not take."""
        values = {carried.name: self._value(reshape, carried, expressions) for carried in reshape.carried}
        values |= {name: self._filling(reshape, name, expressions) for name in reshape.added}
        staged = self._source.begin(reshape.table, added=reshape.added)
        statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} r{}").format(
            staged.table,
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(values.values()),
            texts,
            expressions.joined(),
        )
        try:
            with self._source.computing(reshape.table), self._connection.transaction():
                filled = self._connection.execute(statement).rowcount
        except (psycopg.DataError, RefusedError):
            if wrong := list(expressions.unfit()):
                self.problems.extend(wrong)
                return None
            raise
        self._workspace.grew(staged.table, filled)
        self._keep_own(reshape, texts, staged.table)
        return staged.table

    def _value(self, reshape: Reshape, carried: Carried, expressions: Expressions) -> Sql:
        if isinstance(reshape.converted.get(carried.name), Expression):
            value = expressions.value(f"convert.{carried.name}")
        else:
            value = converted(sql.Identifier("r", carried.source), carried)
        if carried.name not in reshape.filled:
            return value
        return sql.SQL("coalesce({}, {})").format(value, self._filling(reshape, carried.name, expressions))

    def _filling(self, reshape: Reshape, name: str, expressions: Expressions) -> Sql:
        given = reshape.filled[name]
        if isinstance(given, Expression):
            return expressions.value(f"defaults.{name}")
        return sql.SQL("{}").format(sql.Literal(given))

    def _keep_own(self, reshape: Reshape, texts: Sql, staged: Sql) -> None:
        """Let rows that the target has keep what they have where the backup's NULL was to be filled."""
        table = self._schema.tables[reshape.table]
        filled = [each for each in reshape.carried if each.name in reshape.filled]
        own = self._own_values(reshape)
        if not sort_key(table).unique or not set(sort_key(table).names) <= own.keys():
            return
        for carried in filled:
            statement = sql.SQL("UPDATE {} s SET {} FROM {} t, {} r WHERE {} AND r.{} IS NULL AND {} = {}")
            self._connection.execute(
                statement.format(
                    staged,
                    assigned(carried.name, sql.Identifier("t", carried.name)),
                    self._workspace.relations[reshape.table].source,
                    texts,
                    same_key(table, "t", "s"),
                    sql.Identifier(carried.source),
                    *self._same_row(reshape, own),
                )
            )

    def _own_values(self, reshape: Reshape) -> dict[str, Carried]:
        """The columns whose values are those of the backup, so that a row on stage is known by them."""
        return {
            each.name: each
            for each in reshape.carried
            if each.name not in reshape.filled and not isinstance(reshape.converted.get(each.name), Expression)
        }

    def _same_row(self, reshape: Reshape, own: dict[str, Carried]) -> tuple[Sql, Sql]:
        """What tells a row `r` of the texts, and a row `s` on stage, by the target's key."""
        told_by = [own[name] for name in sort_key(self._schema.tables[reshape.table]).names if name in own]
        theirs = _key_array([_text(converted(sql.Identifier("r", each.source), each)) for each in told_by])
        return theirs, _key_array([_text(sql.Identifier("s", each.name)) for each in told_by])

    def _recomputed(self, reshape: Reshape, texts: Sql, staged: Sql) -> Iterator[Question]:
        """Columns that the target computes, and computes otherwise for some rows."""
        theirs, ours = self._same_row(reshape, self._own_values(reshape))
        for carried in reshape.generated:
            stored = _text(converted(sql.Identifier("r", carried.source), carried))
            computed = _text(sql.Identifier("s", carried.name))
            query = sql.SQL("SELECT * FROM (SELECT {}, {} FROM {} r EXCEPT ALL SELECT {}, {} FROM {} s) q").format(
                theirs, stored, texts, ours, computed, staged
            )
            rows = self._connection.execute(
                sql.SQL(
                    "SELECT array_to_string(q.array, ', '), count(*) OVER () FROM ({}) q ORDER BY 1 LIMIT {}"
                ).format(query, sql.Literal(SAMPLES))
            ).fetchall()
            if rows:
                found = _counted(rows[0][1], [str(key) for key, _ in rows])
                reason = f"column {reshape.table}.{carried.name} is generated, and comes out otherwise: {found}"
                option = Option(section="drop_columns", key=f"{reshape.entry.name}.{carried.source}")
                yield Question(reason=reason, options=(option,))

    def _ambiguous(self, reshape: Reshape, staged: Sql) -> Iterator[Question]:
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
            yield Question(reason=f"table {table.name} has the key ({', '.join(key.names)}): {found}")


def _text(value: Sql | sql.Identifier) -> Sql:
    """The output text of a value, NULL for NULL."""
    return sql.SQL("CASE WHEN {0} IS DISTINCT FROM NULL THEN concat({0}) END").format(value)


def _key_array(values: list[Sql]) -> Sql:
    return sql.SQL("ARRAY[{}]::text[]").format(sql.SQL(", ").join(values))


def _counted(rows: int, keys: list[str]) -> str:
    return f"{rows} rows do not fit, e.g. {'; '.join(keys)}"
