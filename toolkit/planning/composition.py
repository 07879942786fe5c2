"""Composes a manifest from what a backup has gathered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from toolkit.model.catalog import Category, TableRule
from toolkit.model.manifest import (
    FORMAT,
    VERSION,
    BusinessFilter,
    Chunk,
    KeyColumn,
    Manifest,
    Metadata,
    Selection,
    SequenceEntry,
    StoredColumn,
    TableEntry,
    TableSelection,
    table_digest,
)
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.model.scope import Demo, Scope
from toolkit.planning.accounting import Accounting
from toolkit.planning.row_order import stored_key
from toolkit.planning.totals import checksums_of, stats_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
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


def table_entry(table: Table, rule: TableRule, chunks: Sequence[Chunk], cutoff: str | None) -> TableEntry:
    """The manifest's entry of one table."""
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
        chunks=tuple(chunks),
    )


def compose(
    *,
    origin: Origin,
    scope: Scope,
    schema: DatabaseSchema,
    accounting: Accounting,
    tables: Sequence[TableEntry],
    tenants: Mapping[str, str],
    taken: Mapping[str, TableSelection],
    sequences: tuple[SequenceEntry, ...],
    warnings: Iterable[str],
) -> Manifest:
    """The whole manifest, not yet sealed."""
    covered = DatabaseSchema(
        name=schema.name,
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
        selection=Selection(tenants=dict(tenants), tables=dict(taken)),
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
        timestamp=origin.started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
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
        duration_seconds=round(origin.seconds, 3),
    )
