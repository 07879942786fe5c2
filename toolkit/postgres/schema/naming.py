"""Tables and sequences of several schemas in SQL: by the text that names them, and as identifiers."""

from __future__ import annotations

from psycopg import sql

from toolkit.model.schemas import Schemas

NAMED = sql.SQL("""(
    SELECT k.*,
           CASE WHEN n.nspname = (%(schemas)s::text[])[1] THEN k.relname::text
                ELSE concat(n.nspname, '.', k.relname) END AS named
    FROM pg_namespace n JOIN pg_class k ON k.relnamespace = n.oid
    WHERE n.nspname = ANY (%(schemas)s::text[])
)""")
"""What stands in a query in the place of `pg_class`: that of these schemas, with the text that names each, `named`.

The parameter `schemas` is `parameter` of the schemas.
"""


def parameter(schemas: Schemas) -> list[str]:
    """Give the parameter of a query with NAMED in it."""
    return list(schemas.all)


def identifier(schemas: Schemas, name: str) -> sql.Identifier:
    """Give a thing that is named by text, as SQL."""
    return sql.Identifier(*schemas.place(name))


def text(schemas: Schemas, name: str) -> str:
    """Give the same as text, quoted as SQL has it: for casts to regclass and for people."""
    return identifier(schemas, name).as_string(None)
