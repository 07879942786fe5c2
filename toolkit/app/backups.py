"""The commands `backups` and `show`: what is in the repositories."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit import wording
from toolkit.app.console import Output
from toolkit.app.control import Control, brief_reason, find_backup, is_unused, repositories
from toolkit.app.text import WARNING
from toolkit.errors import InputError, PlaybackError
from toolkit.model.manifest import Manifest, Metadata, TableSelection
from toolkit.runner.results import exit_code
from toolkit.storage.records import read_records
from toolkit.wording import table


def backups(control: Control, output: Output, *, repository: str) -> int:
    """List the backups of a repository, or of all, by the time at which they were recorded.

    Returns:
        0, or the exit code of the repositories and backups that cannot be read.
    """
    inventory = control.load_inventory()
    codes: list[int] = []
    rows: list[tuple[str, ...]] = []
    for name, opened in repositories(inventory, repository):
        if isinstance(opened, PlaybackError):
            if repository:
                raise opened
            output.line(f"{name}: {brief_reason(opened)}", style=WARNING)
            if not is_unused(opened):
                codes.append(opened.exit_code)
            continue
        found = opened.manifests()
        for error in found.unreadable.values():
            output.error(f"{name}: {error}")
            codes.append(error.exit_code)
        rows += [_row(name, manifest) for manifest in found.manifests.values()]
    if not rows:
        output.line("there are no backups yet" if not codes else "no backup can be read")
        return exit_code(codes)
    rows.sort(key=lambda row: row[5])
    header = ("label", "repository", "host", "job", "scope", "time", "rows", "bytes", "stored")
    for line in table(header, rows, right=("rows", "bytes", "stored")):
        output.line(line)
    return exit_code(codes)


def show(control: Control, output: Output, *, labels: tuple[str, ...], repository: str) -> int:
    """Show one backup: where it is from, what it covers, what is not in it, and its tables."""
    label = one_label(labels, "show")
    name, opened, manifest = find_backup(control.load_inventory(), label, repository)
    known = read_records(opened, label)
    state = [str(pin) for pin in known.pins.values()]
    state += ["verified"] if known.verified.get(label) == manifest.checksum else []
    for line in _description(manifest, f"{name} ({opened.place})", ", ".join(state)):
        output.line(line)
    for warning in manifest.warnings:
        output.line(f"[WARNING]: {warning}", style=WARNING)
    output.line()
    for line in _tables(manifest):
        output.line(line)
    return 0


def one_label(labels: tuple[str, ...], command: str) -> str:
    """The one label a command was given; InputError for none and for several."""
    if len(labels) != 1:
        what = "no backup is named" if not labels else f"one backup at a time, not {', '.join(labels)}"
        raise InputError(what, hint=f"invoke {command} LABEL; `invoke backups` lists the labels")
    return labels[0]


def scope_text(metadata: Metadata) -> str:
    """What a backup covers, in a few words, e.g. `business, 2 businesses` or `business, demo included`."""
    covered = metadata.business_filter
    parts: list[str] = [metadata.backup_type]
    if covered.business_ids:
        number = len(covered.business_ids)
        parts.append(covered.business_ids[0] if number == 1 else f"{number} businesses")
    if covered.demo != "exclude":
        parts.append({"include": "demo included", "only": "demo only"}[covered.demo])
    return ", ".join(parts)


def _row(repository: str, manifest: Manifest) -> tuple[str, ...]:
    metadata = manifest.metadata
    return (
        metadata.label,
        repository,
        metadata.host,
        metadata.job,
        scope_text(metadata),
        metadata.timestamp,
        wording.count(metadata.stats.total_records),
        wording.size(metadata.stats.uncompressed_size),
        wording.size(metadata.stats.compressed_size),
    )


def _description(manifest: Manifest, place: str, state: str) -> Iterator[str]:
    metadata = manifest.metadata
    stats = metadata.stats
    node = metadata.source_node_id or "none"
    device = f"{metadata.source_device_name or 'unnamed'} (id {metadata.source_device_id or 'none'}, node {node})"
    facts = {
        "backup": metadata.label,
        "repository": place,
        "taken": f"{metadata.timestamp} by {metadata.created_by}, in {wording.seconds(metadata.duration_seconds)}",
        "host": metadata.host,
        "device": device,
        "machine": f"{metadata.source_hostname} ({metadata.source_platform})",
        "playbook": f"{metadata.playbook} (job {metadata.job})",
        "tags": ", ".join(metadata.tags),
        "known": state,
        "scope": scope_text(metadata),
        "businesses": ", ".join(
            f"{' '.join(label.split())} ({key})" for key, label in manifest.selection.tenants.items()
        )
        or "none",
        "contents": f"{wording.count(stats.total_records)} rows in {stats.total_tables} tables, "
        f"{wording.size(stats.uncompressed_size)} ({wording.size(stats.compressed_size)} stored)",
        "supporting": _support_text(manifest),
        "checksum": metadata.checksums.business_data,
        "device data": metadata.checksums.device_data or "",
        "schema": metadata.schema_version or "",
        "made by": f"{metadata.tool}, format {manifest.format}, PostgreSQL {metadata.postgres_version}",
        "absent": ", ".join(manifest.absent),
    }
    width = max(map(len, facts)) + 1
    for fact, value in facts.items():
        if value:
            yield f"{fact + ':':<{width}} {value}"
    reasons: dict[str, list[str]] = {}
    for left in manifest.left_out:
        reasons.setdefault(left.reason, []).append(left.table)
    for reason, tables in reasons.items():
        yield f"{'left out:':<{width}} {reason}: {', '.join(tables)}"


def _support_text(manifest: Manifest) -> str:
    """What is stored beside the rows, in a few words; empty for nothing."""
    supports = [(entry.name, support.rows) for entry in manifest.tables for support in entry.support]
    if not supports:
        return ""
    tables = ", ".join(sorted({name for name, _ in supports}))
    rows = wording.count(sum(number for _, number in supports))
    return f"{rows} rows for {tables}, to tell businesses apart; never restored"


def _tables(manifest: Manifest) -> list[str]:
    none = TableSelection()
    rows = []
    for entry in manifest.tables:
        taken = manifest.selection.tables.get(entry.name, none)
        counts = (entry.rows, taken.owned, taken.shared, taken.unowned, taken.referenced)
        stored = sum({chunk.id: chunk.stored for chunk in entry.stored_chunks}.values())
        sizes = (wording.size(entry.bytes), wording.size(stored))
        rows.append((entry.name, f"{entry.category}/{entry.group}", *map(wording.count, counts), *sizes))
    numbers = ("rows", "owned", "shared", "unowned", "referenced", "bytes", "stored")
    return table(("table", "group", *numbers), rows, right=numbers)
