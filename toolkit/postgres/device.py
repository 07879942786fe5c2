"""What a database says of itself: the device's node id and the application's schema version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql

from toolkit.model.catalog import Catalog
from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.connection import Connection


def read_node_id(connection: Connection, catalog: Catalog, schema: DatabaseSchema) -> str | None:
    """The id by which this device takes part in sync, by the catalog's `identity.node`; None without one."""
    node = catalog.identity.get("node")
    if not isinstance(node, Mapping) or node.get("table") not in schema.tables:
        return None
    settings: Mapping[str, Any] = node
    query = sql.SQL("SELECT {}::text FROM {}").format(
        sql.Identifier(settings["key"]), sql.Identifier(schema.name, settings["table"])
    )
    if settings.get("where"):
        query = sql.SQL("{} WHERE ({})").format(query, sql.SQL(settings["where"]))
    if settings.get("order_by"):
        query = sql.SQL("{} ORDER BY {}").format(query, sql.SQL(settings["order_by"]))
    row = connection.execute(sql.SQL("{} LIMIT 1").format(query)).fetchone()
    return None if row is None else row[0]


def read_schema_version(connection: Connection, catalog: Catalog, schema: DatabaseSchema) -> str | None:
    """The greatest value of the catalog's `schema_version` column; None where there is none."""
    if catalog.schema_version is None or catalog.schema_version[0] not in schema.tables:
        return None
    table, column = catalog.schema_version
    query = sql.SQL("SELECT max({}::text) FROM {}").format(sql.Identifier(column), sql.Identifier(schema.name, table))
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]
