"""What is wrong with rows on stage: values that are missing, lookups that find nothing, keys given twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import psycopg
from psycopg import sql

from toolkit.errors import InputError, Problem, RefusedError
from toolkit.model.schema import DatabaseSchema
from toolkit.model.seeding import Lookup, Seeding
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.relation import Sql, assigned, compared, is_null, relation_of
from toolkit.postgres.seed.layout import Layout
from toolkit.postgres.seed.staging import LIMIT, STAGE, Stage, staged_value
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import Verbatim, type_name


class Checks:
    """Looks at the rows on stage, those with a refused value left out.

    Attributes:
        cut: more problems of a kind were found than are given.
    """

    def __init__(
        self, connection: Connection, schema: DatabaseSchema, seeding: Seeding, layout: Layout, stage: Stage
    ) -> None:
        self._connection, self._schema = connection, schema
        self._seeding, self._layout, self._stage = seeding, layout, stage
        self.cut = False

    def look_up(self) -> list[Problem]:
        """Fill what lookups find; gives the rows for which none or several are found, and notes them as bad."""
        lookups = self._layout.lookups.items()
        return [problem for name, lookup in lookups for problem in self._first(self._look_up(name, lookup))]

    def problems(self) -> Iterator[Problem]:
        """Give what is missing, and the keys that several rows have."""
        for each in self._layout.inserted:
            column = self._layout.table.column(each.name)
            if each is self._layout.derived or (column.nullable and each.name not in self._layout.key):
                continue
            given = [number for number, names in enumerate(self._stage.sets) if each.name in names]
            yield from self._first(self._empty(each.name, given))
        for column in self._layout.table.columns:
            needed = not (column.nullable or column.has_default or column.identity or column.generated)
            if needed or column.name in self._layout.key:
                without = [number for number, names in enumerate(self._stage.sets) if column.name not in names]
                yield from self._first(self._left_out(column.name, without))
        yield from self._first(self._repeated())

    def _first(self, problems: Iterable[Problem]) -> Iterator[Problem]:
        for number, problem in enumerate(problems):
            if number == LIMIT:
                self.cut = True
                return
            yield problem

    def refuse_ambiguous(self) -> None:
        """Raise RefusedError where several rows of the table have the natural key of one on stage."""
        query = sql.SQL(
            "SELECT {}, count(*) FROM {} s JOIN {} t ON {} GROUP BY {} HAVING count(*) > 1 ORDER BY 1"
        ).format(
            key_text(self._layout),
            STAGE,
            relation_of(self._schema.schemas, self._layout.table).source,
            key_condition(self._schema, self._layout),
            sql.SQL(", ").join([sql.SQL("s.n_"), *(staged_value(self._layout, name) for name in self._layout.key)]),
        )
        found = self._connection.execute(query).fetchall()
        if not found:
            return
        reasons = [f"{text}: {count} rows" for text, count in found[:LIMIT]]
        raise RefusedError(
            f"{len(found)} natural keys ({', '.join(self._layout.key)}) are in {self._layout.table.name} several times",
            [*reasons, *(["and others"] if len(found) > LIMIT else [])],
            hint="remove what is double, or name a key that says which row is meant; nothing was changed",
        )

    def _look_up(self, name: str, lookup: Lookup) -> Iterator[Problem]:
        parent = self._schema.tables[lookup.table]
        equalities = self._schema.default_equalities(lookup.table, lookup.key)
        condition = sql.SQL(" AND ").join(
            compared(sql.Identifier("p", theirs), staged_value(self._layout, ours), equality)
            for (theirs, ours), equality in zip(lookup.key.items(), equalities, strict=True)
        )
        asked = sql.SQL(" AND ").join(
            sql.SQL("NOT {}").format(is_null(staged_value(self._layout, ours))) for ours in lookup.key.values()
        )
        source = relation_of(self._schema.schemas, parent).source
        self._connection.execute(
            sql.SQL("UPDATE {} s SET {} FROM {} p WHERE {}").format(
                STAGE,
                assigned(self._layout.staged(name), sql.Identifier("p", lookup.column)),
                source,
                condition,
            )
        )
        counted = sql.SQL(
            "SELECT s.n_, s.line_, {texts}, q.found FROM {stage} s"
            " CROSS JOIN LATERAL (SELECT count(*) AS found FROM {parent} p WHERE {condition}) q"
            " WHERE q.found <> 1 AND {asked} AND s.n_ <> ALL (%s) ORDER BY s.n_"
        ).format(
            texts=sql.SQL(", ").join(
                sql.SQL("{}::text").format(staged_value(self._layout, ours)) for ours in lookup.key.values()
            ),
            stage=STAGE,
            parent=source,
            condition=condition,
            asked=asked,
        )
        misses = self._connection.execute(counted, [list(self._stage.bad)]).fetchall()
        self._stage.bad.update(number for number, *_ in misses)
        for _, line, *texts, found in misses:
            named = ", ".join(f"{theirs} {text!r}" for theirs, text in zip(lookup.key, texts, strict=True))
            what = f"{found} rows of {lookup.table} have" if found else f"no row of {lookup.table} has"
            yield self._seeding.source.problem(line, name, f"{what} {named}")

    def _empty(self, name: str, sets: list[int]) -> Iterator[Problem]:
        why = "is part of the key" if name in self._layout.key else "must have one"
        if name in self._layout.lookups:
            why = f"{why}; what it is looked up by is empty"
        yield from self._lines(name, f"no value, and {name} {why}", is_null(staged_value(self._layout, name)), sets)

    def _left_out(self, name: str, sets: list[int]) -> Iterator[Problem]:
        if name in {each.name for each in self._layout.all} and sets:
            yield from self._lines(name, f"{name} is left out, and other rows give it", sql.SQL("true"), sets)

    def _lines(self, name: str, message: str, condition: Sql, sets: list[int]) -> Iterator[Problem]:
        query = sql.SQL("SELECT line_ FROM {} s WHERE {} AND set_ = ANY (%s) AND n_ <> ALL (%s) ORDER BY n_ LIMIT {}")
        found = self._connection.execute(
            query.format(STAGE, condition, sql.Literal(LIMIT + 1)), [sets, list(self._stage.bad)]
        )
        for (line,) in found.fetchall():
            yield self._seeding.source.problem(line, name, message)

    def _repeated(self) -> Iterator[Problem]:
        # a refused value is NULL on stage, one that is looked up may be any of several
        bad = list(self._stage.bad) if any(name in self._layout.lookups for name in self._layout.key) else []
        collations = self._collations()
        values = sql.SQL(", ").join(
            sql.SQL("{} COLLATE {}").format(staged_value(self._layout, name), Verbatim(collations[name]))
            if name in collations
            else staged_value(self._layout, name)
            for name in self._layout.key
        )
        query = sql.SQL(
            "SELECT array_agg(s.line_ ORDER BY s.n_), (array_agg({} ORDER BY s.n_))[1] FROM {} s"
            " WHERE s.n_ <> ALL (%s) AND {} GROUP BY {} HAVING count(*) > 1 ORDER BY min(s.n_) LIMIT {}"
        ).format(
            key_text(self._layout),
            STAGE,
            sql.SQL(" AND ").join(
                sql.SQL("NOT {}").format(is_null(staged_value(self._layout, name))) for name in self._layout.key
            ),
            values,
            sql.Literal(LIMIT + 1),
        )
        for lines, text in self._connection.execute(query, [bad]).fetchall():
            first, *others = lines
            for line in others:
                message = f"{text} is there already, on line {first}"
                yield self._seeding.source.problem(line, "", message)

    def _collations(self) -> dict[str, str]:
        """The collations of the table's columns that are not the usual ones: they tell which texts are equal."""
        query = """
            SELECT a.attname, format('%%I.%%I', n.nspname, c.collname)
            FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
            JOIN pg_namespace n ON n.oid = c.collnamespace
            WHERE a.attrelid = %s::regclass AND NOT a.attisdropped AND c.collname <> 'default'
        """
        name = identifier(self._schema.schemas, self._layout.table.name).as_string(self._connection)
        return dict(self._connection.execute(query, [name]).fetchall())


def has_equality(connection: Connection, kind: str) -> bool:
    """Tell whether the server can say of two values of a type that they are equal.

    A type like json cannot; the `=` of box and some others compares sizes, and does not count for grouping either.
    """
    nothing = sql.SQL("SELECT x FROM (SELECT NULL::{} AS x) q GROUP BY x").format(type_name(kind))
    try:
        with connection.transaction():
            connection.execute(nothing)
    except psycopg.ProgrammingError:
        return False
    return True


def refuse_incomparable(connection: Connection, schema: DatabaseSchema, seeding: Seeding) -> None:
    """Raise InputError where rows are to be found by a column whose values the server cannot compare."""
    named = [("key", seeding.table, name) for name in seeding.key]
    for name, lookup in seeding.lookups.items():
        named += [(f"lookup.{name}.key", lookup.table, theirs) for theirs in lookup.key]
    kinds = [(at, name, schema.tables[table].column(name).type) for at, table, name in named]
    problems = [
        Problem(path=f"seed.{at}", message=f"{name} is {kind}, of which the server cannot say what is equal")
        for at, name, kind in kinds
        if not has_equality(connection, kind)
    ]
    if problems:
        raise InputError(problems)


def key_condition(schema: DatabaseSchema, layout: Layout) -> Sql:
    """Give the condition that a row of the table, `t`, and one on stage, `s`, have the same natural key."""
    equalities = schema.default_equalities(layout.table.name, layout.key)
    return sql.SQL(" AND ").join(
        compared(sql.Identifier("t", name), staged_value(layout, name), equality)
        for name, equality in zip(layout.key, equalities, strict=True)
    )


def key_text(layout: Layout) -> Sql:
    """Give the natural key of a row on stage as one text for people."""
    return sql.SQL("concat_ws(', ', {})").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(staged_value(layout, name)) for name in layout.key)
    )


def target(schema: DatabaseSchema, layout: Layout) -> Sql:
    """Give the table itself, for statements that write."""
    return sql.SQL("{}").format(identifier(schema.schemas, layout.table.name))
