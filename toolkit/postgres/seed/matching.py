"""Rows on stage beside those of the table: which are new, which differ, and in what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from psycopg import sql

from toolkit.model.schema import Column, DatabaseSchema
from toolkit.model.seeding import Sample
from toolkit.planning.derived_ids import derived_id
from toolkit.postgres.schema.relation import Sql, assigned, compared, is_null, relation_of, scalar
from toolkit.postgres.seed.checks import has_equality, key_condition
from toolkit.postgres.seed.layout import Layout
from toolkit.postgres.seed.staging import STAGE, Stage, staged_value
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import type_name

SAMPLES: Final = 10
COLUMNS: Final = 5
"""Up to so many columns of a row that is inserted are shown."""
_BATCH: Final = 10_000


class Matching:
    """Compares the rows on stage with those of the table."""

    def __init__(self, connection: Connection, schema: DatabaseSchema, layout: Layout, stage: Stage) -> None:
        self._connection, self._schema, self._layout, self._stage = connection, schema, layout, stage
        self.source = relation_of(schema.schemas, layout.table).source
        self.same_key = key_condition(schema, layout)
        self._textual = {
            name
            for name in (*layout.update, *layout.compared)
            if not has_equality(connection, layout.table.column(name).type)
        }

    def match(self) -> None:
        """Note on stage which rows are new, and which are there by their id under another natural key."""
        self._connection.execute(
            sql.SQL("UPDATE {} s SET {}, {}").format(
                STAGE,
                assigned(
                    "new_", sql.SQL("NOT EXISTS (SELECT 1 FROM {} t WHERE {})").format(self.source, self.same_key)
                ),
                assigned("renamed_", sql.SQL("false")),
            )
        )
        if self._layout.derived:
            self._derive()
        if self._layout.ids:
            primary = self._layout.table.primary_key
            same = sql.SQL(" AND ").join(
                compared(sql.Identifier("t", name), staged_value(self._layout, name), equality)
                for name, equality in zip(
                    primary, self._schema.default_equalities(self._layout.table.name, primary), strict=True
                )
            )
            self._connection.execute(
                sql.SQL("UPDATE {} s SET {} WHERE s.new_ AND EXISTS (SELECT 1 FROM {} t WHERE {})").format(
                    STAGE, assigned("renamed_", sql.SQL("true")), self.source, same
                )
            )

    def _derive(self) -> None:
        """Derive the ids of new rows."""
        derived, layout = self._layout.derived, self._layout
        assert derived is not None
        texts = [
            sql.SQL("trim_scale({})::text" if layout.table.column(name).type == "numeric" else "{}::text").format(
                staged_value(layout, name)
            )
            for name in layout.key
        ]
        query = sql.SQL("SELECT s.n_, {} FROM {} s WHERE s.new_ AND {} AND s.n_ > %s ORDER BY s.n_ LIMIT {}").format(
            sql.SQL(", ").join(texts), STAGE, is_null(staged_value(layout, derived.name)), sql.Literal(_BATCH)
        )
        last = 0
        while found := self._connection.execute(query, [last]).fetchall():
            ids = [derived_id(layout.table.name, dict(zip(layout.key, key, strict=True))) for _, *key in found]
            numbers = [number for number, *_ in found]
            self._connection.execute(
                sql.SQL("UPDATE {} s SET {} FROM unnest(%s::integer[], %s::text[]) u(n, id) WHERE s.n_ = u.n").format(
                    STAGE, assigned(derived.stage_name, sql.SQL("u.id::{}").format(type_name(derived.type)))
                ),
                [numbers, ids],
            )
            last = numbers[-1]

    def missing(self) -> int:
        """Count rows that are to be inserted."""
        return self._count(sql.SQL("s.new_ AND NOT s.renamed_"))

    def renamed(self) -> int:
        """Count rows that are there under another natural key."""
        return self._count(sql.SQL("s.renamed_"))

    def _count(self, condition: Sql) -> int:
        return scalar(self._connection, sql.SQL("SELECT count(*) FROM {} s WHERE {}").format(STAGE, condition))

    def differing(self, names: Sequence[str]) -> int:
        """Count rows that are there and differ in one of these columns."""
        found = self._each(names)
        return scalar(
            self._connection,
            sql.SQL("SELECT count(*) FROM {} s JOIN {} t ON {} WHERE {}").format(
                STAGE, self.source, self.same_key, found
            ),
        )

    def kept(self) -> int:
        """Count rows that differ in what is not updated."""
        return self.differing(self._layout.compared)

    def _each(self, names: Iterable[str]) -> Sql:
        """The condition that a row differs in one of the columns that it gives."""
        parts = [
            sql.SQL("(s.set_ = {} AND ({}))").format(
                sql.Literal(number), sql.SQL(" OR ").join(map(self.differs, given))
            )
            for number, given in self.by_set(names)
        ]
        return sql.SQL("({})").format(sql.SQL(" OR ").join(parts)) if parts else sql.SQL("false")

    def by_set(self, names: Iterable[str]) -> list[tuple[int, list[str]]]:
        """Give for every kind of row which of these columns it gives; none that gives none."""
        wanted = list(names)
        found = [(number, [name for name in wanted if name in own]) for number, own in enumerate(self._stage.sets)]
        return [(number, given) for number, given in found if given]

    def differs(self, name: str) -> Sql:
        """Give the condition that a column of `t` and `s` differs, by the server's own equality of its type."""
        ours, theirs = sql.Identifier("t", name), staged_value(self._layout, name)
        if name in self._textual:
            equal: Sql = sql.SQL("{}::text = {}::text").format(ours, theirs)
        else:
            equal = compared(ours, theirs, self._schema.equality(self._column(name)))
        return sql.SQL("(({}) IS NOT TRUE AND NOT ({} AND {}))").format(equal, is_null(ours), is_null(theirs))

    def samples(self) -> tuple[Sample, ...]:
        """Give some rows of every kind."""
        layout = self._layout
        keys = sql.SQL(", ").join(sql.SQL("{}::text").format(staged_value(layout, name)) for name in layout.key)
        found = self._inserts(keys)
        renamed = sql.SQL("SELECT {} FROM {} s WHERE s.renamed_ ORDER BY s.n_ LIMIT {}").format(
            keys, STAGE, sql.Literal(SAMPLES)
        )
        found += [Sample(kind="rename", key=tuple(key)) for key in self._connection.execute(renamed).fetchall()]
        for kind, names in (("update", layout.update), ("keep", layout.compared)):
            found.extend(self._changes(kind, names, keys))
        return tuple(found)

    def _inserts(self, keys: Sql) -> list[Sample]:
        """Rows that are missing, with the first columns that they give beside the key."""
        layout = self._layout
        beside = {*layout.key, *layout.table.primary_key, *(each.name for each in layout.fixed)}
        names = [each.name for each in layout.inserted if each.name not in beside][:COLUMNS]
        texts = [sql.SQL("{}::text").format(staged_value(layout, name)) for name in names]
        query = sql.SQL("SELECT {} FROM {} s WHERE s.new_ AND NOT s.renamed_ ORDER BY s.n_ LIMIT {}").format(
            sql.SQL(", ").join([keys, sql.SQL("s.set_"), *texts]), STAGE, sql.Literal(SAMPLES)
        )
        width = len(layout.key)
        return [
            Sample(
                kind="insert",
                key=tuple(row[:width]),
                columns=tuple(
                    (name, None, text)
                    for name, text in zip(names, row[width + 1 :], strict=True)
                    if name in self._stage.sets[row[width]]
                ),
            )
            for row in self._connection.execute(query).fetchall()
        ]

    def _changes(self, kind: str, names: Sequence[str], keys: Sql) -> list[Sample]:
        if not names:
            return []
        parts = [
            sql.SQL("CASE WHEN {} THEN ARRAY[t.{}::text, {}::text] END").format(
                self._each([name]), sql.Identifier(name), staged_value(self._layout, name)
            )
            for name in names
        ]
        query = sql.SQL("SELECT {}, {} FROM {} s JOIN {} t ON {} WHERE {} ORDER BY s.n_ LIMIT {}").format(
            keys, sql.SQL(", ").join(parts), STAGE, self.source, self.same_key, self._each(names), sql.Literal(SAMPLES)
        )
        width = len(self._layout.key)
        return [
            Sample(
                kind=kind,
                key=tuple(row[:width]),
                columns=tuple((name, *pair) for name, pair in zip(names, row[width:], strict=True) if pair),
            )
            for row in self._connection.execute(query).fetchall()
        ]

    def _column(self, name: str) -> Column:
        return self._layout.table.column(name)
