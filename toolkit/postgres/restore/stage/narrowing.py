"""Some businesses out of a wider backup: the backup's own selection, run once more on its staged rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import msgspec
from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.catalog import Catalog
from toolkit.model.manifest import BusinessFilter, Manifest, Selection
from toolkit.postgres.connection import Connection
from toolkit.postgres.introspection import read_schema
from toolkit.postgres.relation import Sql
from toolkit.postgres.restore.stage.source import Source
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.selection.tenants import find_named, of_type


def narrowed(connection: Connection, catalog: Catalog, manifest: Manifest, businesses: Sequence[str]) -> Manifest:
    """A manifest that says it is of these businesses alone; its tables are still those of the wider backup.

    Businesses may be named by any text that the target finds equal to their key.

    Raises:
        RefusedError: the backup does not have them all.
    """
    tenants = manifest.selection.tenants
    meant: dict[str, tuple[str, ...]] = {name: (name,) for name in businesses if name in tenants}
    if len(meant) < len(businesses):
        meant = _equal_to(connection, catalog, tenants, businesses)
    if missing := [name for name in businesses if not meant.get(name)]:
        raise RefusedError(
            f"backup {manifest.metadata.label} does not have the businesses {', '.join(sorted(missing))}",
            hint=f"it has {', '.join(sorted(tenants)) or 'none'}",
        )
    named = tuple(sorted({key for keys in meant.values() for key in keys}))
    wanted = BusinessFilter(
        business_ids=named, business_id=named[0] if len(named) == 1 else None, include_demo_data=True, demo="include"
    )
    return msgspec.structs.replace(
        manifest,
        metadata=msgspec.structs.replace(manifest.metadata, business_filter=wanted),
        selection=Selection(tenants={name: tenants[name] for name in named}, tables=manifest.selection.tables),
    )


def _equal_to(
    connection: Connection, catalog: Catalog, tenants: Collection[str], businesses: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    schema, tenant = read_schema(connection, catalog.schema), catalog.tenant
    if tenant.table not in schema.tables or tenant.key not in schema.tables[tenant.table].column_names:
        return {}
    keys = of_type(schema, tenant, tenants)
    return find_named(connection, schema, tenant, keys, names=businesses, known=tenants)


def narrow(connection: Connection, source: Source, survey: Survey) -> None:
    """Leave on stage only what the survey's scope takes of the staged rows."""
    relations = {name: source.staged(name).relation for name in source.entries}
    taken = {name: part for name, part in survey.accounting.taken.items() if name in relations}
    staged = replace(survey, accounting=replace(survey.accounting, taken=taken))
    selected = staged.select(connection, relations=relations, prefix="narrow")
    for name, relation in relations.items():
        chosen = selected.taken.get(name)
        if chosen is None or chosen.ids is not None:
            rest: Sql = sql.SQL("true")
            if chosen is not None and chosen.ids is not None:
                rest = sql.SQL("NOT EXISTS (SELECT 1 FROM {} i WHERE {})").format(chosen.ids, relation.same("t", "i"))
            source.edit(name, sql.SQL("DELETE FROM {} t WHERE {}").format(relation.source, rest))
