"""What a database says of itself: the device's node id and the application's schema version."""

from __future__ import annotations

from psycopg import sql

from toolkit.errors import InputError, Problem, RefusedError
from toolkit.model.catalog import Catalog
from toolkit.model.identity import NodeRule
from toolkit.model.manifest import Manifest
from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.connection import Connection
from toolkit.postgres.introspection import read_schema
from toolkit.postgres.relation import Sql


def read_node_id(connection: Connection, catalog: Catalog, schema: DatabaseSchema) -> str | None:
    """The id by which this device takes part in sync, by the catalog's `identity.node`; None without one.

    Raises:
        InputError: the column that the catalog file names is not there.
    """
    node = catalog.identity.node
    if node is None or node.table not in schema.tables:
        return None
    names = schema.tables[node.table].column_names
    if node.key not in names:
        message = f"table {node.table} has no column {node.key!r}"
        raise InputError([Problem(file=catalog.file, path="identity.node.key", message=message)])
    query = sql.SQL("SELECT {}::text FROM {} WHERE {}").format(
        sql.Identifier(node.key), sql.Identifier(schema.name, node.table), own_node(node)
    )
    if node.order_by:
        # a plain column name is the usual case, and need not be quoted in the file
        order = sql.Identifier(node.order_by) if node.order_by in names else sql.SQL(node.order_by)
        query = sql.SQL("{} ORDER BY {}").format(query, order)
    row = connection.execute(sql.SQL("{} LIMIT 1").format(query)).fetchone()
    return None if row is None else row[0]


def own_node(node: NodeRule) -> Sql:
    """The condition that a row of the node table is this device's own; the catalog author's own text."""
    return sql.SQL("({})").format(sql.SQL(node.where)) if node.where else sql.SQL("true")


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
