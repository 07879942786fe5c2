"""Puts the demo application into a database: schema, rows, sequences."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Mapping
from graphlib import TopologicalSorter
from importlib import resources

from msgspec import Struct
from psycopg import sql

from toolkit.demo.fill import Column, fill
from toolkit.demo.rows import TABLES
from toolkit.demo.scale import scale_of
from toolkit.demo.world import Owners, Row, World, world
from toolkit.postgres.session.connection import Connection, connect

KEYS: Mapping[str, tuple[str, ...]] = {"receipt_sequences": ("businessId", "date"), "sync_events": ("eventId",)}
"""The primary keys that are not `id`."""

SCHEMA = "public"
AFTER_ROWS = 90
"""Files of `schema/` from this number on (foreign keys, triggers) run after the rows: one check of each foreign key
as a whole takes a fraction of the time that a check per row takes."""
_APPLICATION = "playback demo"


class LoadReport(Struct, frozen=True, kw_only=True):
    """What was loaded: rows by table, and the seconds it took."""

    rows: Mapping[str, int]
    seconds: float

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self.rows.values())


def create_schema(conninfo: str) -> None:
    """Create the application's types, tables, foreign keys and triggers in an empty database, as its owner.

    Raises:
        DatabaseError: the server refuses, e.g. because the tables exist.
    """
    with connect(conninfo, application=_APPLICATION) as connection, connection.transaction():
        _create_schema(connection)


def load(conninfo: str, *, scale: str = "small", seed: int = 1, businesses: int | None = None) -> LoadReport:
    """Fill a database with the demo application in one transaction; no trigger of the application fires.

    Args:
        conninfo: a database that is empty, or has the application's schema without rows; the role owns it.
        scale: the name of one of SCALES.
        seed: another seed gives other values to the same ids, and other links.
        businesses: how many businesses, instead of the scale's own number. Fewer are the same application at an
            earlier time: nearly all rows of the smaller number are among those of the larger.

    Raises:
        InputError: no such scale.
        DatabaseError: the server refuses.
    """
    started = time.monotonic()
    made = world(scale_of(scale), seed=seed, businesses=businesses)
    with connect(conninfo, application=_APPLICATION) as connection, connection.transaction():
        tables = _tables(connection)
        if tables:
            _user_triggers(connection, tables, "DISABLE")
            rows = {table: _copy(connection, made, table) for table in tables}
            _user_triggers(connection, tables, "ENABLE")
        else:
            _create_schema(connection, range(AFTER_ROWS))
            tables = _tables(connection)
            rows = {table: _copy(connection, made, table) for table in tables}
            _create_schema(connection, range(AFTER_ROWS, 100))
        _advance_sequences(connection)
        names = sql.SQL(", ").join(sql.Identifier(SCHEMA, table) for table in tables)
        connection.execute(sql.SQL("ANALYZE {}").format(names))
    return LoadReport(rows=rows, seconds=time.monotonic() - started)


def true_owners(
    *, scale: str = "small", seed: int = 1, businesses: int | None = None
) -> dict[str, dict[tuple[str, ...], Owners]]:
    """For whom every row was made: table → primary key → ids of businesses; nobody's rows have none.

    Takes the arguments that `load` was given. Rows of device and transient tables are nobody's.
    """
    made = world(scale_of(scale), seed=seed, businesses=businesses)
    return {table: {row_key(table, row): row.owners for row in generate(made)} for table, generate in TABLES.items()}


def row_key(table: str, row: Row) -> tuple[str, ...]:
    """Give the primary key of a row, as text."""
    return tuple(str(row.values[column]) for column in KEYS.get(table, ("id",)))


def _create_schema(connection: Connection, numbers: Container[int] = range(100)) -> None:
    """Run the files of `schema/` whose names begin with one of these numbers."""
    connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(SCHEMA)))
    files = [file for file in resources.files(__package__).joinpath("schema").iterdir() if file.name.endswith(".sql")]
    for file in sorted(files, key=lambda each: each.name):
        if int(file.name[:2]) in numbers:
            connection.execute(file.read_bytes())


def _tables(connection: Connection) -> list[str]:
    """The schema's tables, parents before children."""
    found = connection.execute(
        """
        SELECT c.relname, coalesce(array_agg(p.relname::text) FILTER (WHERE p.oid <> c.oid), '{}')
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f'
        LEFT JOIN pg_class p ON p.oid = f.confrelid
        WHERE n.nspname = %s AND c.relkind = 'r'
        GROUP BY c.oid, c.relname
        ORDER BY c.relname
        """,
        [SCHEMA],
    )
    return list(TopologicalSorter(dict(found.fetchall())).static_order())


def _columns(connection: Connection, table: str) -> list[Column]:
    found = connection.execute(
        """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
               ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = a.atttypid ORDER BY e.enumsortorder)
        FROM pg_attribute a
        WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        ORDER BY a.attnum
        """,
        [f"{SCHEMA}.{table}"],
    )
    return [
        Column(name=name, type=kind, nullable=nullable, labels=tuple(labels))
        for name, kind, nullable, labels in found.fetchall()
    ]


def _user_triggers(connection: Connection, tables: list[str], state: str) -> None:
    for table in tables:
        statement = sql.SQL("ALTER TABLE {} {} TRIGGER USER")
        connection.execute(statement.format(sql.Identifier(SCHEMA, table), sql.SQL(state)))


def _copy(connection: Connection, made: World, table: str) -> int:
    columns = _columns(connection, table)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(SCHEMA, table), sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    )
    count = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for values in _filled(made, table, columns):
            copy.write_row(values)
            count += 1
    return count


def _filled(made: World, table: str, columns: list[Column]) -> Iterator[list[object]]:
    names = {column.name for column in columns}
    for row in TABLES[table](made):
        if not names.issuperset(row.values):
            raise ValueError(f"{table} has no column {sorted(row.values.keys() - names)}")
        id_ = row_key(table, row)
        yield [
            row.values[column.name] if column.name in row.values else fill(made, column, table, *id_)
            for column in columns
        ]


def _advance_sequences(connection: Connection) -> None:
    """Set every sequence to the highest value of the column that owns it."""
    owned = connection.execute(
        """
        SELECT s.oid::regclass::text, c.relname, a.attname
        FROM pg_class s
        JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i')
        JOIN pg_class c ON c.oid = d.refobjid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE s.relkind = 'S' AND n.nspname = %s
        """,
        [SCHEMA],
    ).fetchall()
    for sequence, table, column in owned:
        statement = sql.SQL("SELECT setval({}, max({})) FROM {}").format(
            sql.Literal(sequence), sql.Identifier(column), sql.Identifier(SCHEMA, table)
        )
        connection.execute(statement)
