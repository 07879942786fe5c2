"""A few rows of every table that a plan changes, with the values that would change; read only where asked for."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace
from psycopg import sql

from toolkit.model.explanation import LONGEST
from toolkit.model.plan import RestorePlan, RowSample, SampledAction, SampledValue, TablePlan
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import Action
from toolkit.postgres.compare.source import Source
from toolkit.postgres.restore.plan.kept import SAID
from toolkit.postgres.restore.plan.prepared import Prepared
from toolkit.postgres.schema.order import order_by
from toolkit.postgres.schema.relation import Sql, relation_of
from toolkit.postgres.selection.row_lookup import key_columns
from toolkit.postgres.session.connection import Connection

ROWS = 10
"""Rows of a table that are shown of each kind of change, and of each reason why rows are kept or in conflict."""

VALUES = 50
"""Columns of a row which are shown beside its key."""

NAMING = ("name", "title", "label", "fullname", "displayname", "number", "code", "email")
"""Columns that say what people call a row, in lower case, the first that it has."""


def with_samples(
    connection: Connection, schema: DatabaseSchema, source: Source, prepared: Prepared, plan: RestorePlan
) -> RestorePlan:
    """Give the plan with samples: the first rows by key, of each kind of change and table."""
    sampler = _Sampler(connection, schema, source, prepared)
    tables = {name: replace(table, samples=sampler.samples(table)) for name, table in plan.tables.items()}
    return replace(plan, tables=tables)


class _Sampler:
    def __init__(self, connection: Connection, schema: DatabaseSchema, source: Source, prepared: Prepared) -> None:
        self._connection = connection
        self._schema = schema
        self._source = source
        self._prepared = prepared

    def samples(self, plan: TablePlan) -> tuple[RowSample, ...]:
        """Inserts, then updates, then deletes."""
        name, samples = plan.table, list[RowSample]()
        if name in self._prepared.differences:
            samples.extend(self._inserts(name) if plan.inserts else [])
            samples.extend(self._updates(name) if plan.updates else [])
            samples.extend(self._kept(name))
            samples.extend(self._conflicts(name))
        if plan.deletes and name in self._prepared.deletions.ids:
            samples.extend(self._deletes(name))
        return tuple(samples)

    def _inserts(self, name: str) -> list[RowSample]:
        return self._read(SampledAction.INSERT, name, "s", self._staged(name, Action.MISSING))

    def _updates(self, name: str) -> list[RowSample]:
        return self._read(SampledAction.UPDATE, name, "s", self._staged(name, Action.CHANGED))

    def _deletes(self, name: str) -> list[RowSample]:
        relation = relation_of(self._schema.schemas, self._schema.tables[name])
        rows = sql.SQL("{} d JOIN {} t ON {}").format(
            self._prepared.deletions.ids[name], relation.source, relation.same("t", "d")
        )
        return self._read(SampledAction.DELETE, name, "t", rows)

    def _kept(self, name: str) -> Iterator[RowSample]:
        """Rows of the backup that are there with other values and stay, by the reason."""
        if self._prepared.differences[name].count(Action.KEPT):
            for mark, reason in SAID.items():
                rows = sql.SQL('{} AND d.why = {}::"char"').format(self._staged(name, Action.KEPT), sql.Literal(mark))
                yield from self._because(reason, self._read(SampledAction.KEEP, name, "s", rows))

    def _conflicts(self, name: str) -> Iterator[RowSample]:
        """Rows of the backup that cannot be written, by what stands in the way."""
        for each in self._prepared.obstacles:
            if each.table == name:
                rows = sql.SQL("{} s JOIN {} d ON d.stage_id = s.ctid AND d.stage_id IN (SELECT f.stage_id FROM {} f)")
                found = rows.format(self._source.staged(name).table, self._prepared.differences[name].lines, each.rows)
                yield from self._because(each.reason, self._read(SampledAction.CONFLICT, name, "s", found))

    def _because(self, reason: str, samples: list[RowSample]) -> Iterator[RowSample]:
        return (replace(sample, reason=reason) for sample in samples)

    def _staged(self, name: str, action: str) -> Sql:
        return sql.SQL('{} s JOIN {} d ON d.stage_id = s.ctid AND d.action = {}::"char"').format(
            self._source.staged(name).table, self._prepared.differences[name].lines, sql.Literal(action)
        )

    def _read(self, action: SampledAction, name: str, alias: str, rows: Sql) -> list[RowSample]:
        """The first of these rows by the key of `alias`; `d` are their ids on stage and on the target.

        Their values are looked up one by one: a join carries the columns of both sides, and may have 1664 at most.
        """
        table, relation = self._schema.tables[name], relation_of(self._schema.schemas, self._schema.tables[name])
        staged = action is not SampledAction.DELETE
        names = self._source.staged(name).names if staged else tuple(column.name for column in table.stored_columns)
        nothing = sql.SQL("NULL::text[]")
        before = sql.SQL("(SELECT {} FROM {} t WHERE {})").format(
            _texts("t", names), relation.source, relation.same("t", "p")
        )
        after = sql.SQL("(SELECT {} FROM {} s WHERE s.ctid = p.stage_id)")
        query = sql.SQL(
            "SELECT p.shown, {before}, {after} FROM (SELECT d.*, {keys} AS shown FROM {rows} ORDER BY {order}"
            " LIMIT {limit}) p"
        ).format(
            before=nothing if action is SampledAction.INSERT else before,
            after=after.format(_texts("s", names), self._source.staged(name).table) if staged else nothing,
            keys=key_columns(table, alias),
            rows=rows,
            order=order_by(sort_key(table), alias),
            limit=sql.Literal(ROWS),
        )
        return [
            RowSample(
                action=action,
                key=tuple(key),
                values=_values(table, names, before, after),
                name=_called(names, before or after),
            )
            for key, before, after in self._connection.execute(query)
        ]


def _texts(alias: str, names: tuple[str, ...]) -> Sql:
    """The output texts of a row's values with their lengths cut, and a digest by which longer ones differ."""
    texts = (
        sql.SQL(
            "CASE WHEN {c} IS DISTINCT FROM NULL THEN left(concat({c}), {n}) || chr(1) || md5(concat({c})) END"
        ).format(c=sql.Identifier(alias, name), n=sql.Literal(LONGEST))
        for name in names
    )
    return sql.SQL("ARRAY[{}]::text[]").format(sql.SQL(", ").join(texts))


def _values(
    table: Table,
    names: tuple[str, ...],
    before: list[str | None] | None,
    after: list[str | None] | None,
) -> tuple[SampledValue, ...]:
    nothing: list[str | None] = [None] * len(names)
    rows = zip(names, before or nothing, after or nothing, strict=True)
    # a key is shown before its row; where rows are updated it may be spelled otherwise
    both = before is not None and after is not None
    key = set[str]() if both else set(sort_key(table).names)
    differing = [
        SampledValue(
            column=name,
            before=_cut(old),
            after=_cut(new),
            quoted=table.column(name).sort == "text",
        )
        for name, old, new in rows
        if old != new and name not in key
    ]
    return tuple(differing[:VALUES])


def _called(names: tuple[str, ...], texts: list[str | None] | None) -> str:
    """What people call a row, by the first column that is named for that."""
    columns = {name.lower(): text for name, text in zip(names, texts or [], strict=False)}
    return next((_cut(text) or "" for name in NAMING if (text := columns.get(name))), "")


def _cut(text: str | None) -> str | None:
    return None if text is None else text.rpartition("\1")[0]
