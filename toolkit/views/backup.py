"""Views of backups."""

from __future__ import annotations

from collections import Counter

from toolkit.model.result import BackedUp, BackupForecast, StoredIn
from toolkit.views.view import View, view
from toolkit.wording import counted, one_line


@view.register
def _would_take(result: BackupForecast) -> View:
    names = sorted(one_line(name) or key for key, name in result.businesses.items())
    tables, businesses = counted(result.tables, "table"), counted(len(names), "business", "businesses")
    return View(
        message=f"would back up {tables} of {businesses}",
        details=(f"businesses: {', '.join(names) or 'none'}",),
        facts={"tables": result.tables, "businesses": list(result.businesses)},
    )


@view.register
def _backed_up(result: BackedUp) -> View:
    manifest, metadata, stats = result.manifest, result.manifest.metadata, result.manifest.metadata.stats
    chunks = sum(1 for _ in manifest.stored_chunks)
    reasons = Counter(
        "in schemas that are under other_schemas" if entry.reason == "schema" else entry.reason
        for entry in manifest.left_out
    )
    left_out = ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items())) or "none"
    several = len(result.stored) + len(result.failed) > 1
    stored = "; ".join(f"{each.repository}: " * several + _stored(each, chunks) for each in result.stored)
    failed = "".join(f"; {name} FAILED: {error.message}" for name, error in result.failed.items())
    rows, tables = counted(stats.total_records, "row"), counted(stats.total_tables, "table")
    return View(
        message=f"{metadata.label}: {rows} of {tables}, {stored}{failed}",
        details=(
            *(f"{name}: {error.hint}" for name, error in result.failed.items() if error.hint),
            f"tables left out: {left_out}; absent: {len(manifest.absent)}",
        ),
        facts={
            "label": metadata.label,
            "rows": stats.total_records,
            "tables": stats.total_tables,
            "chunks": chunks,
            "new_chunks": sum(each.chunks for each in result.stored),
            "new_bytes": sum(each.bytes for each in result.stored),
            "businesses": list(manifest.selection.tenants),
            "node_id": metadata.source_node_id,
            "checksums": {"businessData": metadata.checksums.business_data},
            "repositories": [each.repository for each in result.stored],
            "failed_repositories": {name: error.message for name, error in result.failed.items()},
        },
    )


def _stored(each: StoredIn, chunks: int) -> str:
    if each.chunks or not chunks:
        return f"{counted(each.chunks, 'new chunk')} of {chunks:,}"
    return f"all of it in {counted(chunks, 'chunk')} stored before"
