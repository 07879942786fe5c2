"""Rows that the client holds as lines of COPY text, on their way to the server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from psycopg import sql

from toolkit.model.schema import Table
from toolkit.planning.copy_text import values
from toolkit.planning.row_order import sort_key
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.session.qualifying import type_name

BLOCK = 256 << 10
"""Bytes of lines that are sent at a time, about: a block is held twice while it is sent."""


def keys_of(table: Table, lines: Sequence[bytes]) -> Sql:
    """The keys of a few rows, as what stands behind FROM."""
    key, names = sort_key(table).columns, [column.name for column in table.stored_columns]
    rows = [values(line) for line in lines]
    texts = sql.SQL(", ").join(
        sql.SQL("unnest({}::text[])").format(sql.Literal([row[names.index(column.name)] for row in rows]))
        for column in key
    )
    places = [sql.Identifier(f"c{number}") for number in range(len(key))]
    typed = sql.SQL(", ").join(
        sql.SQL("u.{}::{} AS {}").format(place, type_name(column.type), sql.Identifier(column.name))
        for place, column in zip(places, key, strict=True)
    )
    return sql.SQL("(SELECT {} FROM ROWS FROM ({}) u({}))").format(typed, texts, sql.SQL(", ").join(places))


def blocks(lines: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Lines joined to blocks, so that few calls send them."""
    block, size = list[bytes | memoryview](), 0
    for line in lines:
        block.append(line)
        size += len(line)
        if size >= BLOCK:
            yield b"".join(block)
            block, size = [], 0
    if block:
        yield b"".join(block)
