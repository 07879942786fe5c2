"""The tables of a backup as a graph, by the rules under which it was made; no database is asked."""

from __future__ import annotations

from msgspec.structs import replace

from toolkit.model.catalog import Category, RuleKind, TableRule
from toolkit.model.manifest import Manifest
from toolkit.planning.graph import Graph, graph_of
from toolkit.planning.links import derive_links
from toolkit.planning.picking import rules_of


def graph_of_backup(manifest: Manifest) -> Graph:
    """Give the graph of the tables that are in a backup."""
    catalog, schema = rules_of(manifest)
    links, _ = derive_links(catalog, schema)
    whole = {
        entry.name: TableRule(
            table=entry.name, category=Category(entry.category), group=entry.group, kind=RuleKind.SHARED
        )
        for entry in manifest.tables
    }
    held = {name: table for name, table in schema.tables.items() if name in whole}
    inside = replace(
        links,
        owners=tuple(link for link in links.owners if link.table in held and link.source in held),
        references=tuple(link for link in links.references if link.child in held and link.parent in held),
    )
    return graph_of(replace(catalog, rules=whole | dict(catalog.rules)), replace(schema, tables=held), inside)
