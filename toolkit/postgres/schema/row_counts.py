"""How many rows tables have, for people: counted where that takes a moment, as the server estimates them elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from psycopg import sql

from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.session.connection import Connection
from toolkit.wording import count

_SMALL = 16 << 20
"""Bytes of a table up to which its rows are counted."""

_TABLES = """
SELECT w.place, c.reltuples::bigint, has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
       (SELECT coalesce(sum(pg_relation_size(relid)), 0) FROM pg_partition_tree(c.oid)) <= %(small)s
FROM unnest(%(schemas)s::text[], %(tables)s::text[]) WITH ORDINALITY AS w (schema_name, table_name, place)
JOIN pg_namespace n ON n.nspname = w.schema_name
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.table_name
"""


class Rows(Struct, frozen=True, kw_only=True):
    """How many rows a table has.

    Attributes:
        number: None where this role may not read the table.
    """

    number: int | None
    estimated: bool = False

    def __str__(self) -> str:
        if self.number is None:
            return "rows unknown: this role may not read it"
        about = "about " if self.estimated else ""
        return f"{about}{count(self.number)} row{'' if self.number == 1 else 's'}"


def count_rows(connection: Connection, schema: DatabaseSchema, tables: Iterable[str]) -> dict[str, Rows]:
    """Say how many rows each of these tables of the schema has."""
    names = list(tables)
    places = [schema.schemas.place(name) for name in names]
    parameters = {"schemas": [each for each, _ in places], "tables": [each for _, each in places], "small": _SMALL}
    found: dict[str, Rows] = {}
    small = []
    for place, estimate, readable, is_small in connection.execute(_TABLES, parameters).fetchall():
        name = names[place - 1]
        if readable and is_small:
            small.append(name)
        else:
            found[name] = Rows(number=max(estimate, 0) if readable else None, estimated=True)
    for name in small:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*schema.schemas.place(name)))
        row = connection.execute(query).fetchone()
        assert row is not None
        found[name] = Rows(number=row[0])
    return found
