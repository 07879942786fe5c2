"""Which tenants are named: by the text of their key, or by any other that the server finds equal to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import psycopg
from psycopg import sql

from toolkit.model.catalog import TenantTable
from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.schema.relation import Sql, equals_text
from toolkit.postgres.session.connection import Connection


def find_named(
    connection: Connection,
    schema: DatabaseSchema,
    tenant: TenantTable,
    source: Sql,
    *,
    names: Sequence[str],
    known: Collection[str],
) -> dict[str, tuple[str, ...]]:
    """The keys that each name means; none for a name that means nobody.

    Args:
        source: the tenant table, or whatever has its key column.
        known: the texts of the keys there.
    """

    def search(name: str) -> tuple[str, ...]:
        if name in known:
            return (name,)
        query = sql.SQL("SELECT {}::text FROM {} t WHERE {} ORDER BY 1").format(
            sql.Identifier("t", tenant.key), source, equals_text(schema, tenant.table, "t", tenant.key, name)
        )
        try:
            with connection.transaction():
                return tuple(str(found) for (found,) in connection.execute(query))
        except (psycopg.DataError, psycopg.IntegrityError):  # the key can have no such value
            return ()

    return {name: search(name) for name in names}


def of_type(schema: DatabaseSchema, tenant: TenantTable, keys: Collection[str]) -> Sql:
    """Texts of keys as a table with nothing but the key column, of its type and collation."""
    column = schema.tables[tenant.table].column(tenant.key)
    # the column's collation comes from the first part
    return sql.SQL(
        "(SELECT {key} FROM {table} WHERE false UNION ALL SELECT k::{type} FROM unnest({keys}::text[]) k)"
    ).format(
        key=sql.Identifier(tenant.key),
        table=sql.Identifier(schema.name, tenant.table),
        type=sql.SQL(column.type),
        keys=sql.Literal(list(keys)),
    )
