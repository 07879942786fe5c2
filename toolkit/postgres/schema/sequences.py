"""Sequences: reading their state, foreseeing how far they have to go, and moving them there, never back."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal

import psycopg
from psycopg import sql

from toolkit.model.manifest import SequenceEntry
from toolkit.model.sequence import Counter, Extreme, Position, SequenceMove
from toolkit.planning.sequences import move_of, steps_to
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.session.connection import Connection

ColumnName = tuple[str, str]
"""A table and its column."""

Values = Callable[[str, str], Sql]
"""Gives, for a table and a column, a subquery of the column's values as `v`."""

STEPS = 10_000
"""Up to so many values are taken one by one, which nobody's nextval can come between. Further away a sequence is set:
between looking and setting nobody takes that many."""

_SEQUENCES = """
SELECT s.oid::bigint, s.relname, p.seqincrement, p.seqmin, p.seqmax, p.seqcycle, p.seqcache,
       has_sequence_privilege(s.oid, 'UPDATE'), t.relname, a.attname
FROM pg_class s
JOIN pg_sequence p ON p.seqrelid = s.oid
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i')
     AND d.refclassid = 'pg_class'::regclass
LEFT JOIN pg_class t ON t.oid = d.refobjid
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE s.relnamespace = to_regnamespace(quote_ident(%s))
ORDER BY s.relname COLLATE "C"
"""

_DEFAULTS = """
SELECT s.oid::bigint, t.relname, a.attname, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attrdef d
JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refclassid = 'pg_class'::regclass
JOIN pg_class s ON s.oid = p.refobjid AND s.relkind = 'S'
JOIN pg_class t ON t.oid = d.adrelid AND t.relkind IN ('r', 'p')
JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE t.relnamespace = to_regnamespace(quote_ident(%s))
"""

_NUMBERS = """
SELECT t.relname, a.attname, n.whole
FROM pg_class t
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
CROSS JOIN LATERAL (
    WITH RECURSIVE base(type) AS (
        SELECT a.atttypid
        UNION ALL
        SELECT d.typbasetype FROM base JOIN pg_type d ON d.oid = base.type AND d.typtype = 'd'
    )
    SELECT bool_or(type = ANY ('{smallint,integer,bigint}'::regtype[])) AS whole FROM base
    HAVING bool_or(type = ANY ('{smallint,integer,bigint,numeric,real,double precision}'::regtype[]))
) n
WHERE t.relnamespace = to_regnamespace(quote_ident(%s)) AND t.relname = ANY (%s)
"""

_PLAIN = re.compile(r"\(*nextval\('(?:[^']|'')+'::regclass\)\)*(?:::[\w. \"]+(?:\([\d,]+\))?)?")
"""A default that is the next value and nothing else."""


@dataclass(slots=True, kw_only=True)
class _Found:
    """A sequence of the database.

    Attributes:
        settable: this role may move it.
        owner: the column it is owned by.
        used: the columns whose default needs it.
        numbers: those whose values tell how far it has come: where the default is its next value, or, where no default
            needs it, the one that owns it.
    """

    counter: Counter
    settable: bool
    owner: ColumnName | None
    used: set[ColumnName] = field(default_factory=set)
    numbers: set[ColumnName] = field(default_factory=set)

    def concerns(self, tables: Collection[str]) -> bool:
        """Whether it belongs to one of these tables, or one of them needs it."""
        names = {table for table, _ in self.used} | ({self.owner[0]} if self.owner else set())
        return not names.isdisjoint(tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What becomes of sequences: those that move, and what is to be said of their limits."""

    moves: tuple[SequenceMove, ...] = ()
    said: tuple[str, ...] = ()


def read_sequences(connection: Connection, schema: str, tables: Collection[str]) -> tuple[SequenceEntry, ...]:
    """The sequences of a schema that belong to one of these tables, that one of them needs, or that nobody owns.

    Read them after the rows: sequences are outside every snapshot, so they are then at least as far as the rows.
    """
    return tuple(
        SequenceEntry(
            name=found.counter.name,
            last_value=found.counter.position.value,
            is_called=found.counter.position.is_called,
            owned_by=found.owner,
        )
        for found in _sequences(connection, schema, lambda found: found.owner is None or found.concerns(tables))
    )


def looked_at(
    connection: Connection, schema: str, recorded: Sequence[SequenceEntry], tables: Collection[str]
) -> list[str]:
    """The sequences that a restore of these tables has to read."""
    there = _all(connection, schema)
    names = {found.counter.name for found in there}
    return [
        found.counter.name
        for found in there
        if _matching(found, recorded, names) or any(table in tables for table, _ in found.numbers)
    ]


def numbered_beyond_reach(connection: Connection, schema: str) -> set[str]:
    """The tables with columns that sequences number which this role may not move."""
    return {table for found in _all(connection, schema) if not found.settable for table, _ in found.numbers}


def behind(
    connection: Connection,
    schema: str,
    recorded: Sequence[SequenceEntry],
    tables: Collection[str],
    values: Values | None = None,
) -> Outlook:
    """The sequences of a schema that are behind the backup's, or behind the values of the columns they number.

    A sequence is the backup's when it has the name, or the owner, of one there; those that number columns of the
    restored tables are looked at too, whatever the backup has.

    Args:
        values: where values are taken from that are not in the tables yet; without it, from the tables.
    """
    moves, said = list[SequenceMove](), list[str]()
    for found, entries in _of(connection, schema, recorded, tables):
        positions = [Position(value=each.last_value, is_called=each.is_called) for each in entries]
        extreme = Extreme()
        if found.numbers and not found.counter.cycle:
            extreme = _extreme(connection, schema, found, values or _values_in(schema))
        move, remarks = move_of(found.counter, positions, extreme)
        said.extend(remarks)
        if move is not None:
            moves.append(move)
    return Outlook(moves=tuple(moves), said=tuple(said))


def try_moves(connection: Connection, schema: str, moves: Iterable[SequenceMove]) -> None:
    """Ask for every move before the commit what could stop it, in a way that moves nothing.

    A value past the limits is refused only after the server has seen that the sequence is there, that the role may set
    it and that nobody else is altering it; the lock it takes for that is held until the transaction ends.

    Raises:
        psycopg.Error: the move would fail.
    """
    names = {move.name for move in moves}
    for found in _sequences(connection, schema, lambda found: found.counter.name in names):
        limits = (found.counter.minimum - 1, found.counter.maximum + 1)
        impossible = next((value for value in limits if -(2**63) <= value < 2**63), None)
        if impossible is None:
            continue
        with suppress(psycopg.errors.NumericValueOutOfRange), connection.transaction():
            connection.execute(_setval(connection, schema, found.counter.name, impossible, called=True))


def advance(connection: Connection, schema: str, moves: list[SequenceMove]) -> None:
    """Move sequences forward, and take those that stand where they should off the list.

    It takes effect at once and cannot be rolled back: call it after the commit.
    """
    while moves:
        _advance(connection, schema, moves[0])
        del moves[0]


def statement_of(schema: str, move: SequenceMove) -> str:
    """A move as SQL that a person can run: it does nothing where the sequence has gone on meanwhile."""
    query = sql.SQL("SELECT setval({}, {}, {}) FROM {} WHERE last_value {} {};").format(
        sql.Literal(sql.Identifier(schema, move.name).as_string(None)),
        sql.Literal(move.value),
        sql.Literal(move.is_called),
        sql.Identifier(schema, move.name),
        sql.SQL(">=" if move.descending else "<="),
        sql.Literal(move.value),
    )
    return query.as_string(None)


def _advance(connection: Connection, schema: str, move: SequenceMove) -> None:
    for found in _sequences(connection, schema, lambda found: found.counter.name == move.name):
        counter = found.counter
        if not counter.is_behind(move.position):
            return
        steps = steps_to(counter, move.position)
        if steps is None or steps > STEPS:
            connection.execute(_setval(connection, schema, move.name, move.value, called=move.is_called))
            return
        query = sql.SQL("SELECT max(nextval({}::regclass)) FROM generate_series(1, {})").format(
            _name(connection, schema, move.name), sql.Literal(steps)
        )
        # others may have taken its last values meanwhile
        with suppress(psycopg.errors.SequenceGeneratorLimitExceeded):
            connection.execute(query)


def _setval(connection: Connection, schema: str, name: str, value: int, *, called: bool) -> Sql:
    return sql.SQL("SELECT setval({}::regclass, {}::bigint, {})").format(
        _name(connection, schema, name), sql.Literal(str(value)), sql.Literal(called)
    )


def _name(connection: Connection, schema: str, name: str) -> sql.Literal:
    return sql.Literal(sql.Identifier(schema, name).as_string(connection))


# what there is


def _of(
    connection: Connection, schema: str, recorded: Sequence[SequenceEntry], tables: Collection[str]
) -> Iterator[tuple[_Found, list[SequenceEntry]]]:
    """The sequences that a restore looks at, each with what the backup has of it."""
    there = _all(connection, schema)
    names = {found.counter.name for found in there}
    for found in there:
        entries = _matching(found, recorded, names)
        if entries or any(table in tables for table, _ in found.numbers):
            yield _standing(connection, schema, found), entries


def _matching(found: _Found, recorded: Sequence[SequenceEntry], there: Collection[str]) -> list[SequenceEntry]:
    if entries := [each for each in recorded if each.name == found.counter.name]:
        return entries
    # a renamed table's sequence may have been renamed with it
    return [each for each in recorded if each.owned_by and each.owned_by == found.owner and each.name not in there]


def _sequences(connection: Connection, schema: str, wanted: Callable[[_Found], bool]) -> Iterator[_Found]:
    """The sequences of a schema that are wanted, by name, with where they stand."""
    return (_standing(connection, schema, found) for found in _all(connection, schema) if wanted(found))


def _all(connection: Connection, schema: str) -> list[_Found]:
    """Every sequence of a schema with what it numbers; where it stands is not looked at."""
    found = {}
    nowhere = Position(value=0, is_called=False)
    rows = connection.execute(_SEQUENCES, [schema]).fetchall()
    for oid, name, increment, minimum, maximum, cycle, cache, settable, *owner in rows:
        counter = Counter(
            name=name,
            position=nowhere,
            increment=increment,
            minimum=minimum,
            maximum=maximum,
            cycle=cycle,
            cache=cache,
        )
        found[oid] = _Found(
            counter=counter, settable=settable, owner=None if owner[0] is None else (owner[0], owner[1])
        )
    taken = set()
    for oid, table, column, default in connection.execute(_DEFAULTS, [schema]).fetchall():
        taken.add((table, column))
        if oid in found:
            found[oid].used.add((table, column))
            if _PLAIN.fullmatch(default):
                found[oid].numbers.add((table, column))
    for each in found.values():
        if each.owner and not each.used and each.owner not in taken:
            each.numbers.add(each.owner)
    return list(found.values())


def _standing(connection: Connection, schema: str, found: _Found) -> _Found:
    query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, found.counter.name))
    row = connection.execute(query).fetchone()
    assert row is not None
    found.counter = replace(found.counter, position=Position(value=row[0], is_called=row[1]))
    return found


# what rows hold


def _values_in(schema: str) -> Values:
    return lambda table, column: sql.SQL("(SELECT {} AS v FROM {}) q").format(
        sql.Identifier(column), sql.Identifier(schema, table)
    )


def _extreme(connection: Connection, schema: str, found: _Found, values: Values) -> Extreme:
    """How far the numbers in these columns have come; columns of other types tell nothing."""
    counter, ascending = found.counter, found.counter.increment > 0
    greatest, past = (sql.SQL("max"), sql.SQL(">")) if ascending else (sql.SQL("min"), sql.SQL("<"))
    least, most, end = (
        sql.SQL("{}::bigint").format(sql.Literal(str(value)))
        for value in (counter.minimum, counter.maximum, counter.maximum if ascending else counter.minimum)
    )
    within, beyond = list[Decimal](), list[tuple[Decimal, str]]()
    for (table, column), whole in _numbers(connection, schema, found.numbers).items():
        query = sql.SQL("SELECT {}(v)::text FROM {} WHERE v {} {} AND {}")
        source = values(table, column)
        between = sql.SQL("v <= {}").format(most)
        if (value := _number(connection, query.format(greatest, source, sql.SQL(">="), least, between))) is not None:
            within.append(value)
        # neither infinities nor NaN, which sorts after them, are numbers that a sequence could have given
        finite = sql.SQL("true" if whole else "v > '-Infinity' AND v < 'Infinity'")
        if (value := _number(connection, query.format(greatest, source, past, end, finite))) is not None:
            beyond.append((value, f"{table}.{column}"))
    furthest = max if ascending else min
    return Extreme(within=furthest(within, default=None), beyond=furthest(beyond, default=None))


def _numbers(connection: Connection, schema: str, columns: Collection[ColumnName]) -> Mapping[ColumnName, bool]:
    """Those of the columns that hold numbers, and whether these are whole."""
    tables = sorted({table for table, _ in columns})
    return {
        (table, column): whole
        for table, column, whole in connection.execute(_NUMBERS, [schema, tables]).fetchall()
        if (table, column) in columns
    }


def _number(connection: Connection, query: Sql) -> Decimal | None:
    row = connection.execute(query).fetchone()
    return None if row is None or row[0] is None else Decimal(row[0])
