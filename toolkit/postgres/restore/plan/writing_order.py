"""In which order tables are written: parents before children."""

from __future__ import annotations

from collections.abc import Collection

from toolkit.model.schema import DatabaseSchema
from toolkit.planning.cycles import components
from toolkit.planning.row_order import sort_key


def parents_first(schema: DatabaseSchema) -> tuple[tuple[str, ...], ...]:
    """Put tables in order; those on a common cycle of foreign keys are a group."""
    edges = [(key.parent, table.name) for table in schema.tables.values() for key in table.foreign_keys]
    return tuple(components(schema.tables, edges))


def together_where_changing(schema: DatabaseSchema, changing: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """Give the same; parent and child that both change are a group where the values may change by which rows point.

    Args:
        changing: the tables with rows that are updated.
    """
    tables = schema.tables
    edges = [(key.parent, table.name) for table in tables.values() for key in table.foreign_keys]
    edges.extend(
        (table.name, key.parent)
        for table in tables.values()
        for key in table.foreign_keys
        if {table.name, key.parent} <= set(changing)
        and set(key.parent_columns) != set(sort_key(tables[key.parent]).names)
    )
    return tuple(components(tables, edges))
