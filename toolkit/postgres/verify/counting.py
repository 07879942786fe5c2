"""How many rows tables have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from psycopg import sql

from toolkit.model.schemas import Schemas
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.session.connection import Connection


def count_rows(connection: Connection, schemas: Schemas, tables: Iterable[str]) -> Mapping[str, int]:
    """Give the number of rows of each of these tables, all at one moment."""
    one = sql.SQL("SELECT {}, count(*) FROM {}")
    parts = [one.format(sql.Literal(name), identifier(schemas, name)) for name in tables]
    return dict(connection.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()) if parts else {}
