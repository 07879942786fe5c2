"""Composes a manifest from what a backup has gathered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from toolkit.model.catalog import Category, TableRule, TenantTable
from toolkit.model.manifest import (
    FORMAT,
    VERSION,
    BusinessFilter,
    Chunk,
    KeyColumn,
    Manifest,
    Metadata,
    OwnerWay,
    Pack,
    Pointer,
    RuleEntry,
    Selection,
    SequenceEntry,
    StoredColumn,
    Support,
    TableEntry,
    TableSelection,
    table_digest,
)
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.model.schemas import Schemas
from toolkit.model.scope import Demo, Scope
from toolkit.planning.accounting import Accounting, Part
from toolkit.planning.clock import stamp
from toolkit.planning.reclassification import rule_text
from toolkit.planning.row_order import stored_key
from toolkit.planning.totals import checksums_of, stats_of


class Origin(Struct, frozen=True, kw_only=True):
    """Where a backup comes from; the attributes are those of the manifest's metadata."""

    label: str
    host: str
    job: str
    playbook: str
    tool: str
    tags: tuple[str, ...]
    started: datetime
    seconds: float
    created_by: str
    node_id: str | None
    device_id: str | None
    device_name: str | None
    hostname: str
    platform: str
    schema_version: str | None
    postgres_version: str


def table_entry(
    table: Table,
    rule: TableRule,
    chunks: Sequence[Chunk],
    *,
    cutoff: str | None,
    cut: tuple[str | None, ...],
    support: tuple[Support, ...],
) -> TableEntry:
    """Give the manifest's entry of one table."""
    return TableEntry(
        name=table.name,
        category="device" if rule.category is Category.DEVICE else "business",
        group=rule.group,
        columns=tuple(StoredColumn(name=column.name, type=column.type) for column in table.stored_columns),
        key=tuple(KeyColumn(column=column.name, sort=column.sort) for column in stored_key(table)),
        rows=sum(chunk.rows for chunk in chunks),
        bytes=sum(chunk.raw for chunk in chunks),
        digest=table_digest([chunk.id for chunk in chunks]),
        cutoff=cutoff,
        cut=cut,
        chunks=tuple(chunks),
        support=support,
    )


def rule_entry(rule: TableRule, part: Part) -> RuleEntry:
    """Give what the manifest says of the rule of a table."""
    return RuleEntry(
        kind=rule.kind.value if part is Part.RULE else "",
        unowned=rule.unowned,  # type: ignore[arg-type]  # the schema of catalog files knows no other values
        owned_by=tuple(OwnerWay(columns=edge.columns, table=edge.table) for edge in rule.owned_by),
        references=tuple(
            Pointer(columns=each.columns, parent=each.parent, parent_columns=each.parent_columns)
            for each in rule.references
        ),
    )


def compose(
    *,
    origin: Origin,
    scope: Scope,
    tenant: TenantTable,
    schema: DatabaseSchema,
    accounting: Accounting,
    tables: Sequence[TableEntry],
    packs: tuple[Pack, ...],
    tenants: Mapping[str, str],
    left_out: Mapping[str, str],
    taken: Mapping[str, TableSelection],
    sequences: tuple[SequenceEntry, ...],
    put_aside: Mapping[str, int],
    warnings: Iterable[str],
) -> Manifest:
    """Give the whole manifest, not yet sealed."""
    covered = DatabaseSchema(
        schemas=Schemas(covered=schema.schemas.covered),
        tables={entry.name: schema.tables[entry.name] for entry in tables},
        enums=schema.enums,
        equalities=schema.equalities,
        not_covered=schema.not_covered,
    )
    return Manifest(
        format=FORMAT,
        metadata=_metadata(origin, scope, tables),
        tables=tuple(sorted(tables, key=lambda entry: entry.name)),
        sequences=sequences,
        absent=accounting.absent,
        left_out=accounting.left_out,
        schema=covered,
        selection=Selection(
            tenants=dict(tenants),
            tables=dict(taken),
            left_out=dict(left_out),
            tenant=(tenant.table, tenant.key),
            rules={name: rule_entry(accounting.rules[name], accounting.taken[name]) for name in taken},
            limits={
                name: (limit, accounting.rules[name].newest_by)
                for name, limit in sorted(scope.optional.items())
                if limit is not None and name in taken
            },
        ),
        classification={
            name: rule_text(rule)
            for name, rule in sorted(accounting.rules.items())
            if rule.category is not Category.TRANSIENT
        },
        packs=packs,
        put_aside=dict(sorted(put_aside.items())),
        warnings=tuple(warnings),
    )


def _metadata(origin: Origin, scope: Scope, tables: Sequence[TableEntry]) -> Metadata:
    named = scope.businesses
    return Metadata(
        version=VERSION,
        label=origin.label,
        host=origin.host,
        job=origin.job,
        playbook=origin.playbook,
        tool=origin.tool,
        tags=origin.tags,
        timestamp=stamp(origin.started),
        created_by=origin.created_by,
        source_node_id=origin.node_id,
        source_device_id=origin.device_id,
        source_device_name=origin.device_name,
        source_hostname=origin.hostname,
        source_platform=origin.platform,
        backup_type=scope.type.value,
        business_filter=BusinessFilter(
            business_ids=named,
            business_id=named[0] if len(named) == 1 else None,
            include_demo_data=scope.demo is not Demo.EXCLUDE,
            demo=scope.demo.value,
        ),
        optional=dict(scope.optional),
        stats=stats_of(tables),
        schema_version=origin.schema_version,
        checksums=checksums_of(tables),
        postgres_version=origin.postgres_version,
        # unrounded, for whether a manifest is one's own is told by its bytes, also from one of the same second
        duration_seconds=origin.seconds,
    )
