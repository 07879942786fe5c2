"""Sequences: what they number, and their state."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from msgspec import Struct, field
from msgspec.structs import replace
from psycopg import sql

from toolkit.model.manifest import SequenceEntry
from toolkit.model.schemas import Schemas
from toolkit.model.sequence import Counter, Position
from toolkit.postgres.schema.naming import NAMED, identifier, parameter
from toolkit.postgres.session.connection import Connection, full_names

ColumnName = tuple[str, str]
"""A table and its column."""

_SEQUENCES = sql.SQL("""
SELECT s.oid::bigint, s.named, p.seqincrement, p.seqmin, p.seqmax, p.seqcycle, p.seqcache,
       has_sequence_privilege(s.oid, 'UPDATE'), t.named, a.attname
FROM {NAMED} s
JOIN pg_sequence p ON p.seqrelid = s.oid
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i')
     AND d.refclassid = 'pg_class'::regclass
LEFT JOIN {NAMED} t ON t.oid = coalesce(pg_partition_root(d.refobjid)::oid, d.refobjid)
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
ORDER BY s.named COLLATE "C"
""").format(NAMED=NAMED)

# defaults of partitions number the rows of the partitioned table
_DEFAULTS = sql.SQL("""
SELECT s.oid::bigint, t.named, a.attname, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attrdef d
JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refclassid = 'pg_class'::regclass
JOIN pg_class s ON s.oid = p.refobjid AND s.relkind = 'S'
JOIN {NAMED} t ON t.oid = coalesce(pg_partition_root(d.adrelid)::oid, d.adrelid) AND t.relkind IN ('r', 'p')
JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
""").format(NAMED=NAMED)

_PLAIN = re.compile(r"\(*nextval\('(?:[^']|'')+'::regclass\)\)*(?:::[\w. \"]+(?:\([\d,]+\))?)?")
"""A default that is the next value and nothing else."""


class FoundSequence(Struct, kw_only=True):
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
        """Tell whether it belongs to one of these tables, or one of them needs it."""
        names = {table for table, _ in self.used} | ({self.owner[0]} if self.owner else set())
        return not names.isdisjoint(tables)

    def is_recorded(self, schemas: Schemas, tables: Collection[str]) -> bool:
        """Tell whether it is in a backup of these tables; one that nobody owns always is."""
        return self.concerns(tables) or (self.owner is None and schemas.covers(self.counter.name))


def read_sequences(connection: Connection, schemas: Schemas, tables: Collection[str]) -> tuple[SequenceEntry, ...]:
    """Give the sequences of a schema that belong to one of these tables, that one of them needs, or that nobody owns.

    Read them after the rows: sequences are outside every snapshot, so they are then at least as far as the rows.
    """

    return tuple(
        SequenceEntry(
            name=found.counter.name,
            last_value=found.counter.position.value,
            is_called=found.counter.position.is_called,
            owned_by=found.owner,
        )
        for found in sequences_of(connection, schemas, lambda found: found.is_recorded(schemas, tables))
    )


def recorded(connection: Connection, schemas: Schemas, tables: Collection[str]) -> list[str]:
    """Give the names of the sequences that `read_sequences` reads."""
    there = all_sequences(connection, schemas)
    return [found.counter.name for found in there if found.is_recorded(schemas, tables)]


def looked_at(
    connection: Connection, schemas: Schemas, recorded: Sequence[SequenceEntry], tables: Collection[str]
) -> list[str]:
    """Give the sequences that a restore of these tables has to read."""
    there = all_sequences(connection, schemas)
    names = {found.counter.name for found in there}
    return [
        found.counter.name
        for found in there
        if matching(found, recorded, names) or any(table in tables for table, _ in found.numbers)
    ]


def numbered_beyond_reach(connection: Connection, schemas: Schemas) -> set[str]:
    """Give the tables with columns that sequences number which this role may not move."""
    return {table for found in all_sequences(connection, schemas) if not found.settable for table, _ in found.numbers}


def matching(found: FoundSequence, recorded: Sequence[SequenceEntry], there: Collection[str]) -> list[SequenceEntry]:
    if entries := [each for each in recorded if each.name == found.counter.name]:
        return entries
    # a renamed table's sequence may have been renamed with it
    return [each for each in recorded if each.owned_by and each.owned_by == found.owner and each.name not in there]


def sequences_of(
    connection: Connection, schemas: Schemas, wanted: Callable[[FoundSequence], bool]
) -> Iterator[FoundSequence]:
    """Give the sequences of a schema that are wanted, by name, with where they stand."""
    return (standing(connection, schemas, found) for found in all_sequences(connection, schemas) if wanted(found))


def all_sequences(connection: Connection, schemas: Schemas) -> list[FoundSequence]:
    """Give every sequence of a schema with what it numbers; where it stands is not looked at."""
    if connection.execute("SELECT EXISTS (SELECT FROM pg_sequence)").fetchone() == (False,):
        return []
    found = {}
    nowhere = Position(value=0, is_called=False)
    rows = connection.execute(_SEQUENCES, {"schemas": parameter(schemas)}).fetchall()
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
        found[oid] = FoundSequence(
            counter=counter, settable=settable, owner=None if owner[0] is None else (owner[0], owner[1])
        )
    taken = set()
    with full_names(connection):
        defaults = connection.execute(_DEFAULTS, {"schemas": parameter(schemas)}).fetchall()
    for oid, table, column, default in defaults:
        taken.add((table, column))
        if oid in found:
            found[oid].used.add((table, column))
            if _PLAIN.fullmatch(default):
                found[oid].numbers.add((table, column))
    for each in found.values():
        if each.owner and not each.used and each.owner not in taken:
            each.numbers.add(each.owner)
    return list(found.values())


def standing(connection: Connection, schemas: Schemas, found: FoundSequence) -> FoundSequence:
    query = sql.SQL("SELECT last_value, is_called FROM {}").format(identifier(schemas, found.counter.name))
    row = connection.execute(query).fetchone()
    assert row is not None
    found.counter = replace(found.counter, position=Position(value=row[0], is_called=row[1]))
    return found
