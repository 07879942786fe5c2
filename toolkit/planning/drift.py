"""Drift: how the schema of a target differs from the one a backup was made under."""

from __future__ import annotations

from toolkit.model.manifest import Manifest
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.planning.row_order import SortKey, sort_key


def blocking_drift(manifest: Manifest, target: DatabaseSchema) -> list[str]:
    """Every difference that this backup cannot be restored over, as sentences; empty when there is none."""
    reasons = []
    for entry in manifest.tables:
        table = target.tables.get(entry.name)
        if table is None:
            if entry.rows:
                reasons.append(f"table {entry.name} is missing; the backup has {entry.rows} rows of it")
            continue
        reasons.extend(_table_drift(manifest, entry.name, table) if entry.rows else [])
    for name, labels in manifest.schema.enums.items():
        missing = [label for label in labels if name in target.enums and label not in target.enums[name]]
        reasons.extend(f"enum {name} lacks the label {label!r}" for label in missing)
    return reasons


def missing_without_rows(manifest: Manifest, target: DatabaseSchema) -> list[str]:
    """Tables of the backup that the target lacks but that hold no row: worth a warning."""
    return [entry.name for entry in manifest.tables if not entry.rows and entry.name not in target.tables]


def _table_drift(manifest: Manifest, name: str, table: Table) -> list[str]:
    source = {column.name: column for column in manifest.schema.tables[name].stored_columns}
    found = {column.name: column for column in table.stored_columns}
    reasons = [f"column {name}.{column} is missing" for column in source if column not in found]
    reasons.extend(
        f"column {name}.{column} is {found[column].type}, in the backup {source[column].type}"
        for column in source
        if column in found and found[column].type != source[column].type
    )
    before, after = sort_key(manifest.schema.tables[name]), sort_key(table)
    if before.unique != after.unique or (after.unique and set(before.names) != set(after.names)):
        reasons.append(f"table {name} has {_key_text(after)}, in the backup {_key_text(before)}")
    reasons.extend(
        f"column {name}.{column.name} is new, NOT NULL and has no default"
        for column in table.stored_columns
        if column.name not in source and not column.nullable and not column.has_default and not column.identity
    )
    return reasons


def _key_text(key: SortKey) -> str:
    return f"the key ({', '.join(key.names)})" if key.unique else "no key"
