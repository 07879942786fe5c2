"""What a database says of itself: the device's node id and the application's schema version."""

from __future__ import annotations

from collections.abc import Collection

from psycopg import sql

from toolkit.errors import InputError, Problem
from toolkit.model.catalog import Catalog
from toolkit.model.identity import NodeRule
from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import Verbatim


def find_node_id(connection: Connection, catalog: Catalog, schema: DatabaseSchema) -> str | None:
    """Find the id by which this device takes part in sync: that of the first row of the catalog's `identity.node`.

    Returns:
        None where there is no such row, or no such table.

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
    query = sql.SQL("SELECT {}::text FROM {} WHERE {}{} LIMIT 1").format(
        sql.Identifier(node.key), identifier(schema.schemas, node.table), may_be_own(node), own_first(node, names)
    )
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]


def knows_node(connection: Connection, node: NodeRule, schema: DatabaseSchema, node_id: str, *, own: bool) -> bool:
    """Tell whether there is a node of that id; with `own`, one that could be this device's by `identity.node`."""
    query = sql.SQL("SELECT EXISTS (SELECT 1 FROM {} WHERE {}::text = {} AND {})").format(
        identifier(schema.schemas, node.table),
        sql.Identifier(node.key),
        sql.Literal(node_id),
        may_be_own(node) if own else sql.SQL("true"),
    )
    row = connection.execute(query).fetchone()
    return bool(row and row[0])


def own_first(node: NodeRule, columns: Collection[str]) -> Sql:
    """Give the ORDER BY by which this device's own row comes first; empty where the catalog file gives none."""
    if not node.order_by:
        return sql.SQL("")
    # a plain column name is the usual case, and need not be quoted in the file
    order = sql.Identifier(node.order_by) if node.order_by in columns else Verbatim(node.order_by)
    return sql.SQL(" ORDER BY {}").format(order)


def may_be_own(node: NodeRule) -> Sql:
    """Give the condition that a row of the node table may be this device's own; the catalog author's own text."""
    return sql.SQL("({})").format(Verbatim(node.where)) if node.where else sql.SQL("true")


def read_schema_version(connection: Connection, catalog: Catalog, schema: DatabaseSchema) -> str | None:
    """Give the greatest value of the catalog's `schema_version` column; None where there is none."""
    if catalog.schema_version is None or catalog.schema_version[0] not in schema.tables:
        return None
    table, column = catalog.schema_version
    query = sql.SQL("SELECT max({}::text) FROM {}").format(sql.Identifier(column), identifier(schema.schemas, table))
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]
