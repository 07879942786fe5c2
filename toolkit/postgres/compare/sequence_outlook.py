"""What becomes of sequences: how far each has to go, by the backup and by the rows that there will be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct
from psycopg import sql

from toolkit.model.manifest import SequenceEntry
from toolkit.model.schemas import Schemas
from toolkit.model.sequence import Extreme, Position, SequenceMove
from toolkit.planning.sequences import move_of
from toolkit.postgres.schema.naming import NAMED, identifier, parameter
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.schema.sequences import ColumnName, FoundSequence, all_sequences, matching, standing
from toolkit.postgres.session.connection import Connection

Values = Callable[[str, str], Sql]
"""Gives, for a table and a column, a subquery of the column's values as `v`."""

_NUMBERS = sql.SQL("""
SELECT t.named, a.attname, n.whole, n.floating
FROM {NAMED} t
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
CROSS JOIN LATERAL (
    WITH RECURSIVE base(type) AS (
        SELECT a.atttypid
        UNION ALL
        SELECT d.typbasetype FROM base JOIN pg_type d ON d.oid = base.type AND d.typtype = 'd'
    )
    SELECT bool_or(type = ANY ('{{smallint,integer,bigint}}'::regtype[])) AS whole,
           bool_or(type = ANY ('{{real,double precision}}'::regtype[])) AS floating
    FROM base
    HAVING bool_or(type = ANY ('{{smallint,integer,bigint,numeric,real,double precision}}'::regtype[]))
) n
WHERE t.named = ANY (%(tables)s)
AND has_schema_privilege(t.relnamespace, 'USAGE') AND has_column_privilege(t.oid, a.attnum, 'SELECT')
""").format(NAMED=NAMED)


class Outlook(Struct, frozen=True, kw_only=True):
    """What becomes of sequences: those that move, and what is to be said of their limits."""

    moves: tuple[SequenceMove, ...] = ()
    said: tuple[str, ...] = ()


def behind(
    connection: Connection,
    schemas: Schemas,
    recorded: Sequence[SequenceEntry],
    tables: Collection[str],
    values: Values | None = None,
    *,
    theirs: bool = False,
) -> Outlook:
    """Give the sequences of a schema that are behind the backup's, or behind the values of the columns they number.

    A sequence is the backup's when it has the name, or the owner, of one there; those that number columns of the
    restored tables are looked at too, whatever the backup has.

    Args:
        values: where values are taken from that are not in the tables yet; without it, from the tables.
        theirs: look at no other sequences than those of the restored tables.
    """
    moves, said = list[SequenceMove](), list[str]()
    for found, entries in _of(connection, schemas, recorded, tables, theirs=theirs):
        positions = [Position(value=each.last_value, is_called=each.is_called) for each in entries]
        extreme = Extreme()
        if found.numbers and not found.counter.cycle:
            extreme = _extreme(connection, schemas, found, values or values_in(schemas))
        move, remarks = move_of(found.counter, positions, extreme)
        said.extend(remarks)
        if move is not None:
            moves.append(move)
    return Outlook(moves=tuple(moves), said=tuple(said))


def _of(
    connection: Connection,
    schemas: Schemas,
    recorded: Sequence[SequenceEntry],
    tables: Collection[str],
    *,
    theirs: bool,
) -> Iterator[tuple[FoundSequence, list[SequenceEntry]]]:
    """The sequences that a restore looks at, each with what the backup has of it."""
    there = all_sequences(connection, schemas)
    names = {found.counter.name for found in there}
    for found in there:
        entries = matching(found, recorded, names)
        numbering = any(table in tables for table, _ in found.numbers)
        if numbering or (entries and (not theirs or found.concerns(tables))):
            yield standing(connection, schemas, found), entries


def values_in(schemas: Schemas) -> Values:
    """Give what takes values out of the tables as they are now."""
    return lambda table, column: sql.SQL("(SELECT {} AS v FROM {}) q").format(
        sql.Identifier(column), identifier(schemas, table)
    )


def _extreme(connection: Connection, schemas: Schemas, found: FoundSequence, values: Values) -> Extreme:
    """How far the numbers in these columns have come; columns of other types tell nothing."""
    counter, ascending = found.counter, found.counter.increment > 0
    greatest, past = (
        (sql.Identifier("pg_catalog", "max"), sql.SQL(">"))
        if ascending
        else (sql.Identifier("pg_catalog", "min"), sql.SQL("<"))
    )
    least, most, end = (
        sql.SQL("{}::bigint").format(sql.Literal(str(value)))
        for value in (counter.minimum, counter.maximum, counter.maximum if ascending else counter.minimum)
    )
    within, beyond = list[Decimal](), list[tuple[Decimal, str]]()
    for (table, column), (whole, floating) in _numbers(connection, schemas, found.numbers).items():
        query = sql.SQL("SELECT {}(v)::text FROM {} WHERE v {} {} AND {}")
        source = values(table, column)
        if floating:  # compared as such, what is just past a limit is that limit
            source = sql.SQL("(SELECT v::text::numeric AS v FROM {}) n").format(source)
        between = sql.SQL("v <= {}").format(most)
        if (value := _number(connection, query.format(greatest, source, sql.SQL(">="), least, between))) is not None:
            within.append(value)
        # neither infinities nor NaN, which sorts after them, are numbers that a sequence could have given
        finite = sql.SQL("true" if whole else "v > '-Infinity' AND v < 'Infinity'")
        if (value := _number(connection, query.format(greatest, source, past, end, finite))) is not None:
            beyond.append((value, f"{table}.{column}"))
    furthest = max if ascending else min
    return Extreme(within=furthest(within, default=None), beyond=furthest(beyond, default=None))


def _numbers(
    connection: Connection, schemas: Schemas, columns: Collection[ColumnName]
) -> Mapping[ColumnName, tuple[bool, bool]]:
    """Those of the columns that hold numbers and may be read, and whether these are whole, or floating.

    Tables of schemas that are left out are not everybody's to read, and a restore changes none of their numbers.
    """
    tables = sorted({table for table, _ in columns})
    return {
        (table, column): (whole, floating)
        for table, column, whole, floating in connection.execute(
            _NUMBERS, {"schemas": parameter(schemas), "tables": tables}
        ).fetchall()
        if (table, column) in columns
    }


def _number(connection: Connection, query: Sql) -> Decimal | None:
    row = connection.execute(query).fetchone()
    return None if row is None or row[0] is None else Decimal(row[0])
