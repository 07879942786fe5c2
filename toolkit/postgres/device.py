"""What a database says of itself: the device's node id and the application's schema version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.catalog import Catalog
from toolkit.model.manifest import Manifest
from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.connection import Connection
from toolkit.postgres.introspection import read_schema


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
        # a plain column name is the usual case, and need not be quoted in the file
        order, columns = settings["order_by"], schema.tables[settings["table"]].column_names
        query = sql.SQL("{} ORDER BY {}").format(query, sql.Identifier(order) if order in columns else sql.SQL(order))
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


def check_device(
    connection: Connection, catalog: Catalog, manifest: Manifest, *, device_id: str | None, identity: str
) -> None:
    """Refuse what this version cannot do with rows that belong to a device.

    Business rows that point at device rows (a printer at its node) are restored with those device rows where the
    target is the same device, or where `identity: source` asks for it.

    Raises:
        RefusedError: the backup has such rows and comes from another device.
    """
    device_rows = sum(table.rows for table in manifest.tables if table.category == "device")
    if identity == "source" or not device_rows:
        return
    node = read_node_id(connection, catalog, read_schema(connection, catalog.schema))
    metadata = manifest.metadata
    same = node == metadata.source_node_id if node else device_id is not None and device_id == metadata.source_device_id
    if identity == "new" or not same:
        raise RefusedError(
            f"backup {metadata.label} has {device_rows} device rows that business rows point at, and it comes from"
            f" device {metadata.source_device_id or metadata.source_node_id or 'unknown'}, not from this one",
            hint="restore on the same device, or take its device rows over with `identity: source`",
        )
