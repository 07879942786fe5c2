"""The work on one schema in one session: its tables as SQL, and the temporary tables that are made on the way."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import count
from typing import TypeVar

from msgspec import Struct
from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.schema.naming import NAMED, identifier, parameter
from toolkit.postgres.schema.open_domains import OpenDomain, open_domains
from toolkit.postgres.schema.relation import Relation, Sql, relation_of
from toolkit.postgres.schema.row_sources import Held, Rows, Temporary
from toolkit.postgres.session.connection import Connection, full_names
from toolkit.postgres.session.qualifying import type_name

K = TypeVar("K", bound=Hashable)

SMALL_BYTES = 1 << 20
"""Tables of up to this size share statements; a larger one has its own, with a plan and memory of its own."""

SHARED_BYTES = 16 << 20
"""Bytes of tables, at most, that one shared statement reads."""

SHARED_PARTS = 32
"""Parts, at most, of a shared statement."""

STATISTICS_ROWS = 1000
"""Temporary tables with more rows have statistics as soon as they are made; smaller ones when `analyze` is called."""


class Lacking(Struct, frozen=True):
    """A privilege on a table, sequence or schema that the role lacks; `name` is with its schema, `place` in parts."""

    name: str
    kind: str
    privilege: str
    place: tuple[str, ...]

    def __str__(self) -> str:
        return f"no {self.privilege} on {self.kind} {self.name}"


class Workspace:
    """A schema under work in one session.

    Temporary tables are gone with the transaction's rollback or the session. A standby, and a role without the
    TEMPORARY privilege, can have none; what was selected is then held here, and sent along with whatever is asked.

    Args:
        measured: tables that are locked whenever `relations` is asked for, so that their sizes can be read.

    Attributes:
        schema: the schema as it was read.
    """

    def __init__(self, connection: Connection, schema: DatabaseSchema, *, measured: Iterable[str] = ()) -> None:
        self.connection = connection
        self.schema = schema
        self._measured = list(measured)
        self._numbers = count()
        self._unanalyzed: list[Temporary] = []

    @cached_property
    def relations(self) -> Mapping[str, Relation]:
        """The tables of the schema, with their sizes."""
        parameters = {"schemas": parameter(self.schema.schemas), "measured": self._measured}
        sizes = {name: (rows, size) for name, rows, size in self.connection.execute(_SIZES, parameters).fetchall()}
        return {
            name: relation_of(self.schema.schemas, table, *sizes.get(name, (-1.0, None)))
            for name, table in self.schema.tables.items()
        }

    @cached_property
    def open_domains(self) -> Mapping[str, Mapping[str, OpenDomain]]:
        """By table and column, the types that some rows need not fit."""
        return open_domains(self.connection, self.schema.schemas)

    # privileges

    def lacking(self, wanted: Iterable[tuple[str, str]]) -> list[Lacking]:
        """Give those of the wanted privileges that this role does not have, sorted as they are given.

        Args:
            wanted: pairs of a privilege, or of several of which one is enough, and a table or sequence of the schema.
        """
        pairs = list(dict.fromkeys(wanted))
        if not pairs:
            return []
        parameters = {
            "schemas": parameter(self.schema.schemas),
            "privileges": [privilege for privilege, _ in pairs],
            "names": [name for _, name in pairs],
        }
        rows = self.connection.execute(_LACKING, parameters).fetchall()
        schemas = self.schema.schemas
        found = (
            each
            for name, kind, privilege, usable, granted in rows
            for each in (
                *(() if usable else (Lacking(schemas.place(name)[0], "schema", "USAGE", schemas.place(name)[:1]),)),
                *(() if granted else (Lacking(schemas.full(name), kind, privilege, schemas.place(name)),)),
            )
        )
        return list(dict.fromkeys(found))

    # temporary tables

    @cached_property
    def obstacle(self) -> str:
        """Why there can be no temporary tables; empty where there can."""
        row = self.connection.execute(
            "SELECT pg_is_in_recovery(), has_database_privilege(current_database(), 'TEMPORARY')"
        ).fetchone()
        assert row is not None
        return "the server is a standby" if row[0] else "" if row[1] else "the role has no TEMPORARY privilege"

    def _require_tables(self) -> None:
        """Raise RefusedError where there can be no temporary tables."""
        if self.obstacle:
            raise RefusedError(
                f"rows of a backup are put beside those of the database in temporary tables, and {self.obstacle}",
                hint="GRANT TEMPORARY on the database, or run on the primary",
            )

    def hold(self, label: str, query: Sql) -> Rows:
        """Hold what a query gives: in a temporary table where there can be one, else as the query itself."""
        if self.obstacle:
            return Rows(sql.SQL("({})").format(query), None)
        return self.keep(label, query)

    def keep(self, label: str, query: Sql) -> Temporary:
        """Make a temporary table from a query, or hold its rows here where there can be none.

        Args:
            label: the beginning of its name.
        """
        if self.obstacle:
            return self._held(query)
        name = f"playback_{label}_{next(self._numbers)}"
        template = sql.SQL("CREATE TEMPORARY TABLE {} AS {}")
        made = self.connection.execute(template.format(sql.Identifier(name), query))
        table = Temporary(name, made.rowcount)
        self._grown(table, 0)
        return table

    def _held(self, query: Sql) -> Held:
        shape = self.connection.execute(sql.SQL("SELECT * FROM ({}) q LIMIT 0").format(query)).description or []
        with full_names(self.connection):
            types = self.connection.execute(
                "SELECT format_type(o, -1) FROM unnest(%s::oid[]) WITH ORDINALITY AS t(o, place) ORDER BY place",
                [[column.type_code for column in shape]],
            ).fetchall()
        held = Held([(column.name, str(kind)) for column, (kind,) in zip(shape, types, strict=True)])
        self._add(held, query, len(shape))
        return held

    def _add(self, held: Held, query: Sql, width: int) -> int:
        """Read what a query gives as arrays of texts, one per column."""
        names = [sql.Identifier(f"c{number}") for number in range(width)]
        texts = sql.SQL(", ").join(sql.SQL("array_agg(q.{}::text)::text").format(name) for name in names)
        statement = sql.SQL("SELECT count(*), {} FROM ({}) q({})").format(texts, query, sql.SQL(", ").join(names))
        row = self.connection.execute(statement).fetchone()
        assert row is not None
        held.add(int(row[0]), row[1:])
        return int(row[0])

    def create(self, label: str, like: str) -> Temporary:
        """Make an empty table with the columns of one of the schema, generated ones included, and no constraints.

        Where values need not fit their domains, the columns are of the types that these are of.

        Raises:
            RefusedError: there can be no temporary tables.
        """
        self._require_tables()
        name, columns = f"playback_{label}_{next(self._numbers)}", self.schema.tables[like].columns
        made, source = sql.Identifier(name), identifier(self.schema.schemas, like)
        if not any(column.generated for column in columns):
            self.connection.execute(
                sql.SQL("CREATE TEMPORARY TABLE {} AS SELECT * FROM {} WITH NO DATA").format(made, source)
            )
            return self._opened(Temporary(name, 0), like)
        self.connection.execute(sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING GENERATED)").format(made, source))
        if required := [column.name for column in columns if not column.nullable]:
            optional = (sql.SQL("ALTER {} DROP NOT NULL").format(sql.Identifier(column)) for column in required)
            self.connection.execute(
                sql.SQL("ALTER TABLE {} {}").format(sql.Identifier("pg_temp", name), sql.SQL(", ").join(optional))
            )
        return self._opened(Temporary(name, 0), like)

    def _opened(self, made: Temporary, like: str) -> Temporary:
        """The same table with columns that hold what their domains forbid."""
        for column, domain in self.open_domains.get(like, {}).items():
            statement = sql.SQL("ALTER TABLE {} ALTER {} TYPE {}")
            self.connection.execute(statement.format(made, sql.Identifier(column), type_name(domain.base)))
        return made

    def texts(self, label: str, columns: Iterable[str]) -> Temporary:
        """Make an empty table with columns of type text; RefusedError where there can be no temporary tables."""
        self._require_tables()
        listed = sql.SQL(", ").join(sql.SQL("''::text AS {}").format(sql.Identifier(name)) for name in columns)
        return self.keep(label, sql.SQL("SELECT {} WHERE false").format(listed))

    def grew(self, table: Temporary, rows: int) -> None:
        """Take note of rows that were put into a temporary table by other means."""
        table.rows += rows
        self._grown(table, table.rows - rows)

    def insert(self, table: Temporary, query: Sql) -> int:
        """Add what a query gives to a temporary table; gives how many rows that is."""
        if isinstance(table, Held):
            return self._add(table, query, table.width)
        added = self.connection.execute(sql.SQL("INSERT INTO {} {}").format(table, query)).rowcount
        self.grew(table, added)
        return added

    def delete(self, table: Temporary, condition: Sql) -> int:
        """Delete rows of a temporary table.

        Args:
            condition: what stands behind `DELETE FROM table`.
        """
        gone = self.connection.execute(sql.SQL("DELETE FROM {} {}").format(table, condition)).rowcount
        table.rows -= gone
        return gone

    def drop(self, table: Temporary) -> None:
        """Drop a temporary table."""
        if isinstance(table, Held):
            return
        self._unanalyzed = [each for each in self._unanalyzed if each is not table]
        self.connection.execute(sql.SQL("DROP TABLE {}").format(table))

    def analyze(self) -> None:
        """Give statistics to the small tables that were made since the last time, in one statement.

        Without them the planner takes one of a few rows for one of a thousand, and reads whole tables for it.
        """
        tables = [table for table in self._unanalyzed if table.rows]
        self._unanalyzed.clear()
        if tables:
            self.connection.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(tables)))

    def _grown(self, table: Temporary, before: int) -> None:
        if table.rows > STATISTICS_ROWS >= before:
            self._unanalyzed = [each for each in self._unanalyzed if each is not table]
            self.connection.execute(sql.SQL("ANALYZE {}").format(table))
        elif before == 0 < table.rows <= STATISTICS_ROWS:
            self._unanalyzed.append(table)

    # many tables at once

    def numbers(self, queries: Mapping[K, Sql], bytes_of: Callable[[K], int | None]) -> dict[K, int]:
        """Give the number that each of several queries gives; those that read little share statements.

        Args:
            bytes_of: how much one of them reads; None for nobody knows.
        """
        found: dict[K, int] = {}
        for group in shared(queries, bytes_of):
            query = queries[group[0]]
            if len(group) > 1:  # alone it may be worked on in parallel
                parts = [sql.SQL("({})").format(queries[key]) for key in group]
                query = sql.SQL("SELECT {}").format(sql.SQL(", ").join(parts))
            row = self.connection.execute(query).fetchone()
            assert row is not None
            found |= {key: int(number) for key, number in zip(group, row, strict=True)}
        return found

    def keep_found(
        self, label: str, queries: Mapping[K, Sql], bytes_of: Callable[[K], int | None]
    ) -> dict[K, Temporary]:
        """Make temporary tables from those of several queries that give rows."""
        found: dict[K, Temporary] = {}
        for key in self.likely(queries, bytes_of):
            table = self.keep(label, queries[key])
            if table.rows:
                found[key] = table
            else:
                self.drop(table)
        return found

    def likely(self, queries: Mapping[K, Sql], bytes_of: Callable[[K], int | None]) -> list[K]:
        """Give those of several queries that may give rows: small ones are tried together, large ones are not tried."""
        found: list[K] = []
        for group in shared(queries, bytes_of):
            if len(group) > 1:
                tried = {key: sql.SQL("SELECT EXISTS ({})::integer").format(queries[key]) for key in group}
                found.extend(key for key, gives in self.numbers(tried, lambda _: 0).items() if gives)
            else:
                found.extend(group)
        return found


def shared(keys: Iterable[K], bytes_of: Callable[[K], int | None]) -> Iterator[list[K]]:
    """Put keys in groups that one statement can deal with: small ones together, each large one alone."""
    group, total = list[K](), 0
    for key in keys:
        size = bytes_of(key)
        if size is None or size > SMALL_BYTES:
            yield [key]
            continue
        if len(group) == SHARED_PARTS or total + size > SHARED_BYTES:
            yield group
            group, total = [], 0
        group.append(key)
        total += size
    if group:
        yield group


_SIZES = sql.SQL("""
SELECT c.named, c.reltuples,
       CASE WHEN c.named = ANY (%(measured)s) AND c.relkind = 'p'
            THEN (SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree(c.oid))
            WHEN c.named = ANY (%(measured)s) THEN pg_relation_size(c.oid)
            WHEN c.relkind = 'r' AND c.reltuples >= 0 THEN c.relpages * 8192 END::bigint
FROM {NAMED} c
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
""").format(NAMED=NAMED)

# conditions are looked at in any order, and these functions raise for a privilege that a kind cannot have
_LACKING = sql.SQL("""
SELECT c.named, CASE WHEN c.relkind = 'S' THEN 'sequence' ELSE 'table' END, w.privilege,
       has_schema_privilege(c.relnamespace, 'USAGE'),
       CASE WHEN c.named <> w.name THEN true
            WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, w.privilege)
            ELSE has_table_privilege(c.oid, w.privilege) END
FROM unnest(%(privileges)s::text[], %(names)s::text[]) WITH ORDINALITY AS w(privilege, name, place)
JOIN {NAMED} c ON c.named = w.name
ORDER BY w.place
""").format(NAMED=NAMED)
