"""What the columns of tables hold: of a domain, what it is of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from psycopg import sql

from toolkit.model.schemas import Schemas
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.session.connection import Connection, full_names

# a domain of a domain has the modifier of the last one that gives one
_TYPES = sql.SQL("""
WITH RECURSIVE kind AS (
    SELECT c.named, a.attname, a.atttypid AS oid, a.atttypmod AS modifier
    FROM {NAMED} c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
    UNION ALL
    SELECT k.named, k.attname, t.typbasetype, t.typtypmod
    FROM kind k JOIN pg_type t ON t.oid = k.oid AND t.typtype = 'd'
)
SELECT k.named, k.attname, format_type(k.oid, k.modifier)
FROM kind k JOIN pg_type t ON t.oid = k.oid AND t.typtype <> 'd'
""").format(NAMED=NAMED)


def read_types(connection: Connection, schemas: Schemas) -> Mapping[str, Mapping[str, str]]:
    """Give the type of every column: table → column → type, as the server prints it."""
    found = defaultdict[str, dict[str, str]](dict)
    with full_names(connection):
        for table, column, kind in connection.execute(_TYPES, {"schemas": parameter(schemas)}).fetchall():
            found[table][column] = kind
    return found
