"""By which rules single businesses are picked out of a backup: its own, whatever the catalog file says by now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from toolkit.errors import RefusedError
from toolkit.model.catalog import Catalog, Category, DeclaredReference, OwnerEdge, RuleKind, TableRule, TenantTable
from toolkit.model.drift import Carried
from toolkit.model.manifest import Manifest, OwnerWay, RuleEntry, TableEntry
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.answers import Names
from toolkit.planning.links import Links, OwnerLink, derive_links
from toolkit.planning.references import ReferenceLink


class SupportRows(Struct, frozen=True, kw_only=True):
    """Supporting rows under the target's names.

    Attributes:
        entry: these rows, as if they were rows of the table under its own name.
        names: the columns that the values are of.
        columns: the same with their types then and now; empty where the target lacks one of them.
    """

    entry: TableEntry
    names: tuple[str, ...]
    columns: tuple[Carried, ...]


class Picking(Struct, frozen=True, kw_only=True):
    """The rules under which a backup was made, under the target's names.

    Attributes:
        owners: per table of the target, what says who owns its rows through rows that the backup lacks.
        referenced: per table of the target, what says which of its rows only others brought.
        limits: of tables read with a limit: how many rows, and the column that says which are newest.
    """

    tenant: TenantTable
    rules: Mapping[str, RuleEntry]
    links: Links
    owners: Mapping[str, tuple[SupportRows, ...]]
    referenced: Mapping[str, tuple[SupportRows, ...]]
    limits: Mapping[str, tuple[int, str]]


def picking_of(manifest: Manifest, names: Names, target: DatabaseSchema, links: Links) -> Picking:
    """Give the rules of a backup.

    Args:
        manifest: under its own names, with all that it has.
        target: the schema into which it is restored.
        links: those of the target; how values are compared there counts where both have a link.
    """
    table, key = manifest.selection.tenant
    return Picking(
        tenant=TenantTable(table=names.table(table), key=names.column(table, key)),
        rules={names.table(name): rule for name, rule in manifest.selection.rules.items()},
        links=_translated(links_of(manifest), names, links),
        owners=_support(manifest, names, target, "owners"),
        referenced=_support(manifest, names, target, "referenced"),
        limits={
            names.table(name): (limit, names.column(name, newest))
            for name, (limit, newest) in manifest.selection.limits.items()
        },
    )


def refuse_unspoken(manifest: Manifest) -> None:
    """Raise RefusedError where rows belong to businesses through tables that an imported file does not speak of."""
    unspoken = {left.table for left in manifest.left_out if left.reason == "file"}
    reasons = [
        f"rows of {name} belong to businesses through {source}, which is not in the file"
        for name, rule in sorted(manifest.selection.rules.items())
        if name in manifest.schema.tables
        for way in rule.owned_by
        for source in sorted(unspoken & _sources(manifest, name, way))
    ]
    if reasons:
        raise RefusedError(
            f"single businesses cannot be picked out of backup {manifest.metadata.label}: it was made of a file that"
            " lacks tables",
            reasons,
            hint="restore the whole backup; nothing was changed",
        )


def _sources(manifest: Manifest, name: str, way: OwnerWay) -> set[str]:
    """The tables through whose rows those of a table have their owners by an entry of `owned_by`."""
    if way.table:
        return {way.table}
    keys, references = manifest.schema.tables[name].foreign_keys, manifest.selection.rules[name].references
    pointing = [(key.columns, key.parent) for key in keys] + [(each.columns, each.parent) for each in references]
    return {parent for columns, parent in pointing if set(columns) == set(way.columns)}


def links_of(manifest: Manifest) -> Links:
    """The links between the tables of a backup."""
    # what leads to tables that the backup lacks is a problem to a catalog file, and none here
    links, _ = derive_links(*rules_of(manifest))
    return links


def rules_of(manifest: Manifest) -> tuple[Catalog, DatabaseSchema]:
    """Give a backup's rules as a catalog file has them, and the schema of its tables."""
    covered = manifest.schema.tables
    tables = {
        name: msgspec.structs.replace(
            table, foreign_keys=tuple(key for key in table.foreign_keys if key.parent in covered)
        )
        for name, table in covered.items()
    }
    tenant, key = manifest.selection.tenant
    catalog = Catalog(
        name="",
        file="",
        schemas=manifest.schema.schemas.covered,
        tenant=TenantTable(table=tenant, key=key),
        rules={
            entry.name: _rule(entry, manifest.selection.rules[entry.name], covered)
            for entry in manifest.tables
            if entry.name in manifest.selection.rules
        },
    )
    return catalog, msgspec.structs.replace(manifest.schema, tables=tables)


def _rule(entry: TableEntry, rule: RuleEntry, covered: Iterable[str]) -> TableRule:
    return TableRule(
        table=entry.name,
        category=Category(entry.category),
        group=entry.group,
        kind=RuleKind(rule.kind) if rule.kind else RuleKind.OWNED,
        owned_by=tuple(OwnerEdge(columns=way.columns, table=way.table) for way in rule.owned_by),
        references=tuple(
            DeclaredReference(columns=each.columns, parent=each.parent, parent_columns=each.parent_columns)
            for each in rule.references
            if each.parent in covered
        ),
        unowned=rule.unowned,
    )


def _translated(links: Links, names: Names, target: Links) -> Links:
    owners = {_owner_place(link): link for link in target.owners}
    references = {_place(link): link for link in target.references}

    def columns(table: str, old: Iterable[str]) -> tuple[str, ...]:
        return tuple(names.column(table, name) for name in old)

    def owner(link: OwnerLink) -> OwnerLink:
        # the rows on stage are held to no key of either schema
        made = replace(
            link,
            table=names.table(link.table),
            columns=columns(link.table, link.columns),
            source=names.table(link.source),
            source_columns=columns(link.source, link.source_columns),
        )
        return replace(owners.get(_owner_place(made), made), total=False, single=False)

    def reference(link: ReferenceLink) -> ReferenceLink:
        made = replace(
            link,
            child=names.table(link.child),
            columns=columns(link.child, link.columns),
            parent=names.table(link.parent),
            parent_columns=columns(link.parent, link.parent_columns),
        )
        return references.get(_place(made), made)

    return Links(
        owners=tuple(owner(link) for link in links.owners),
        references=tuple(reference(link) for link in links.references),
    )


def _owner_place(link: OwnerLink) -> tuple[str, str, frozenset[tuple[str, str]]]:
    return link.table, link.source, frozenset(zip(link.columns, link.source_columns, strict=True))


def _place(link: ReferenceLink) -> tuple[str, str, frozenset[tuple[str, str]]]:
    return link.child, link.parent, frozenset(zip(link.columns, link.parent_columns, strict=True))


def _support(manifest: Manifest, names: Names, target: DatabaseSchema, what: str) -> dict[str, tuple[SupportRows, ...]]:
    found: dict[str, tuple[SupportRows, ...]] = {}
    for entry in manifest.tables:
        supports = []
        for support, rows in zip(entry.support, entry.supporting, strict=True):
            if support.what != what:
                continue
            columns = [_carried(manifest, names, target, entry.name, column) for column in support.columns]
            usable = tuple(column for column in columns if column is not None)
            supports.append(
                SupportRows(
                    entry=rows,
                    names=tuple(names.column(entry.name, column) for column in support.columns),
                    columns=usable if len(usable) == len(columns) else (),
                )
            )
        if supports:
            found[names.table(entry.name)] = tuple(supports)
    return found


def _carried(manifest: Manifest, names: Names, target: DatabaseSchema, table: str, column: str) -> Carried | None:
    there = target.tables.get(names.table(table))
    new = names.column(table, column)
    if there is None or new not in there.column_names or (table, column) in names.dropped:
        return None
    return Carried(source=column, type=manifest.schema.tables[table].column(column).type, column=there.column(new))
