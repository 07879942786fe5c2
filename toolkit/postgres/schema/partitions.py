"""Rows that no partition of the target takes."""

from __future__ import annotations

from collections.abc import Collection

from psycopg import sql

from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import Verbatim

# the constraint of a partition holds those of the partitions above it; a default one that is alone has none
_TAKEN = """
SELECT coalesce(pg_get_partition_constraintdef(relid), 'true')
FROM pg_partition_tree(format('%%I.%%I', %s::text, %s::text)::regclass) WHERE isleaf
"""

_KEYS = """
SELECT coalesce(array_agg(DISTINCT a.attname::text), '{}')
FROM pg_partition_tree(format('%%I.%%I', %s::text, %s::text)::regclass) t
JOIN pg_partitioned_table p ON p.partrelid = t.relid
JOIN pg_attribute a ON a.attrelid = t.relid AND a.attnum > 0 AND NOT a.attisdropped
WHERE p.partexprs IS NOT NULL OR a.attnum = ANY (p.partattrs::smallint[])
"""


def outside_partitions(
    connection: Connection, schema: DatabaseSchema, table: str, staged: Collection[str]
) -> Sql | None:
    """Give the condition that no partition takes a staged row; None where there are none, or only the server knows."""
    if not schema.tables[table].partitioned:
        return None
    name = [*schema.schemas.place(table)]
    row = connection.execute(_KEYS, name).fetchone()
    assert row is not None
    if not set(row[0]) <= set(staged):
        return None
    taken = [f"({constraint})" for (constraint,) in connection.execute(_TAKEN, name).fetchall()]
    return sql.SQL("({}) IS NOT TRUE").format(Verbatim(" OR ".join(taken or ["false"])))
