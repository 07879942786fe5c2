"""Looking for rows by what a person typed: by the key exactly, which indexes answer, else in text columns, bounded.

Nothing here may keep a database busy: every statement has a limit of time, what is large is not searched among others,
and what was not searched is said.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice

import psycopg
from msgspec import Struct
from psycopg import sql

from toolkit.model.explanation import LONGEST
from toolkit.model.row_search import FoundRow, RowSearch
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.planning.row_order import sort_key
from toolkit.postgres.schema.relation import Sql, equals_text, relation_of
from toolkit.postgres.selection.row_lookup import SECRET, key_columns
from toolkit.postgres.session.connection import Connection

LIMIT = 20
"""Rows that are listed."""

SECONDS = 3.0
"""How long a search may take in all."""

LARGE = 50_000
"""Rows above which a table is searched in its text only when it is the one that was named."""

_BATCH = 25
"""Tables that one statement searches."""

_TEXT = re.compile(r"(?:pg_catalog\.|public\.)?(?:text|citext|name|character(?: varying)?(?:\(\d+\))?)")
_INTEGERS = {"smallint": 15, "integer": 31, "bigint": 63}
_READERS: Mapping[str, Callable[[str], object]] = {"uuid": uuid.UUID, "date": date.fromisoformat}

_KNOWN = """
SELECT w.place, c.reltuples, has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
       (SELECT coalesce(sum(pg_relation_size(relid)), 0) FROM pg_partition_tree(c.oid)) > %(large)s
FROM unnest(%(schemas)s::text[], %(tables)s::text[]) WITH ORDINALITY AS w (schema_name, table_name, place)
JOIN pg_namespace n ON n.nspname = w.schema_name
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.table_name
"""
_UNMEASURED = 8 << 20
"""Bytes above which a table of which the server knows no number of rows counts as large."""


class _Known(Struct, frozen=True, kw_only=True):
    """What the server knows of a table before it is looked into."""

    readable: bool
    large: bool
    rows: float


def search_rows(
    connection: Connection,
    schema: DatabaseSchema,
    tables: Sequence[str],
    text: str,
    *,
    limit: int = LIMIT,
    seconds: float = SECONDS,
) -> RowSearch:
    """Look for rows of these tables, outside any transaction.

    Args:
        tables: one that a person named, or many; of many the large ones are searched by their keys alone.
        text: the values of a key, separated by commas where it has several columns, or what stands in a text column.
        seconds: after which the search ends, wherever it is.
    """
    return _Search(connection, schema, tables, text.strip(), limit=limit, seconds=seconds).found()


class _Search:
    def __init__(
        self,
        connection: Connection,
        schema: DatabaseSchema,
        tables: Sequence[str],
        text: str,
        *,
        limit: int,
        seconds: float,
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._alone = len(tables) == 1
        self._text = text
        self._limit = limit
        self._end = time.monotonic() + seconds
        self._rows: list[FoundRow] = []
        self._unsearched: dict[str, str] = {}
        known = self._known(tables)
        self._tables = [schema.tables[name] for name in self._readable(tables, known)]
        self._large = {name for name, each in known.items() if each.large}
        self._sizes = {name: each.rows for name, each in known.items()}

    def found(self) -> RowSearch:
        by_key = self._run([table for table in self._tables if self._fits_key(table)], self._by_key)
        by_text: list[str] = []
        if not self._rows:
            by_text = self._run(list(self._with_text()), self._by_text)
        return RowSearch(
            text=self._text,
            rows=tuple(self._rows[: self._limit]),
            more=len(self._rows) > self._limit,
            by_key=tuple(by_key),
            by_text=tuple(by_text),
            unsearched=self._unsearched,
        )

    def _known(self, tables: Sequence[str]) -> dict[str, _Known]:
        places = [self._schema.schemas.place(name) for name in tables]
        parameters = {
            "schemas": [each for each, _ in places],
            "tables": [each for _, each in places],
            "large": _UNMEASURED,
        }
        return {
            tables[place - 1]: _Known(readable=readable, large=rows > LARGE or (rows < 0 and big), rows=rows)
            for place, rows, readable, big in self._connection.execute(_KNOWN, parameters).fetchall()
        }

    def _readable(self, tables: Sequence[str], known: dict[str, _Known]) -> Iterator[str]:
        for name in tables:
            if name not in known or not known[name].readable:
                self._unsearched[name] = "this role may not read it"
            elif self._schema.tables[name].row_security:
                self._unsearched[name] = "its rows are behind row-level security"
            else:
                yield name

    def _fits_key(self, table: Table) -> bool:
        """Whether the text can be the key of a row; a value that its type does not know would end the statement."""
        key = sort_key(table)
        values = self._values(len(key.columns))
        if self._alone or not values:
            return bool(values) and key.unique
        return key.unique and all(map(_fits, [each.type for each in key.columns], values))

    def _values(self, columns: int) -> list[str]:
        parts = [self._text] if columns == 1 else [each.strip() for each in self._text.split(",")]
        return parts if len(parts) == columns and all(parts) else []

    def _with_text(self) -> Iterator[Table]:
        """The tables with text to look into, small ones first."""
        for table in sorted(self._tables, key=lambda each: (self._sizes[each.name], each.name)):
            if not _text_columns(table):
                self._pass_over(table, "it has no text columns")
            elif table.name in self._large and not self._alone:
                self._pass_over(table, f"it has more than {LARGE:,} rows: look in it alone")
            else:
                yield table

    def _run(self, tables: list[Table], query: Callable[[Table, int], Sql]) -> list[str]:
        """Run a query of each of these tables, several in a statement, until there are rows enough or time is up."""
        done, waiting = list[str](), iter(tables)
        while batch := list(islice(waiting, _BATCH)):
            if len(self._rows) > self._limit:
                why = "there are rows enough before it"
            elif self._ask(sql.SQL(" UNION ALL ").join(query(each, place) for place, each in enumerate(batch)), batch):
                done += [each.name for each in batch]
                continue
            else:
                why = "there was no time for it"
            for each in batch:
                self._pass_over(each, why)
        return done

    def _pass_over(self, table: Table, why: str) -> None:
        self._unsearched.setdefault(table.name, why)

    def _ask(self, statement: Sql, batch: Sequence[Table]) -> bool:
        """Add what a statement finds; False where there was no time for it."""
        left = round((self._end - time.monotonic()) * 1000)
        if left <= 0:
            return False
        try:
            with self._connection.transaction():
                self._connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(left)))
                limited = sql.SQL("SELECT * FROM ({}) found LIMIT {}").format(
                    statement, sql.Literal(self._limit + 1 - len(self._rows))
                )
                found = self._connection.execute(limited).fetchall()
        except psycopg.errors.QueryCanceled:
            return False
        except (psycopg.DataError, psycopg.errors.UndefinedFunction):
            return True  # no key is like that
        for place, key, column, value in found:
            told = sort_key(batch[place])
            self._rows.append(
                FoundRow(
                    table=batch[place].name,
                    columns=told.names,
                    key=tuple(key),
                    unique=told.unique,
                    column=column,
                    value=value,
                )
            )
        return True

    def _by_key(self, table: Table, place: int) -> Sql:
        names = sort_key(table).names
        conditions = (
            equals_text(self._schema, table.name, "t", name, value)
            for name, value in zip(names, self._values(len(names)), strict=True)
        )
        return sql.SQL("(SELECT {}, {}, '', '' FROM {} t WHERE {} LIMIT {})").format(
            sql.Literal(place),
            key_columns(table, "t"),
            relation_of(self._schema.schemas, table).source,
            sql.SQL(" AND ").join(conditions),
            sql.Literal(self._limit + 1),
        )

    def _by_text(self, table: Table, place: int) -> Sql:
        columns = sql.SQL(", ").join(
            sql.SQL("({}, {}, {}::text)").format(sql.Literal(number), sql.Literal(name), sql.Identifier("t", name))
            for number, name in enumerate(_text_columns(table))
        )
        return sql.SQL(
            "(SELECT {place}, {key}, m.name::text, left(m.value, {longest}) FROM {source} t CROSS JOIN LATERAL"
            " (SELECT v.name, v.value FROM (VALUES {columns}) v (place, name, value)"
            ' WHERE strpos(lower(v.value COLLATE "default"), lower({text}::text COLLATE "default")) > 0'
            " ORDER BY v.place LIMIT 1) m LIMIT {limit})"
        ).format(
            place=sql.Literal(place),
            key=key_columns(table, "t"),
            longest=sql.Literal(LONGEST),
            source=relation_of(self._schema.schemas, table).source,
            columns=columns,
            text=sql.Literal(self._text),
            limit=sql.Literal(self._limit + 1),
        )


def _text_columns(table: Table) -> list[str]:
    return [each.name for each in table.columns if _TEXT.fullmatch(each.type) and not SECRET.search(each.name)]


def _fits(kind: str, text: str) -> bool:
    """Whether a value that a person typed is one of a type, of those that can be told without asking the server."""
    if kind in _INTEGERS:
        return re.fullmatch(r"-?\d{1,19}", text) is not None and abs(int(text)) < 1 << _INTEGERS[kind]
    if kind in _READERS:
        try:
            _READERS[kind](text)
        except ValueError:
            return False
        return True
    return _TEXT.fullmatch(kind) is not None


def tables_named(names: Iterable[str], part: str) -> list[str]:
    """Give the names with this part, those that begin with it first."""
    wanted = part.strip().casefold()
    found = [name for name in names if wanted in name.casefold()]
    return sorted(found, key=lambda name: (name.casefold() != wanted, not name.casefold().startswith(wanted), name))
