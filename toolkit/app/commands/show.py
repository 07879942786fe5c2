"""`show`: where one backup is from, what it covers, what is not in it, and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import INVENTORY, JSON, REPOSITORY, Call, Command
from toolkit.app.commands.backups import scope_text, standing_document
from toolkit.output.answer import BAD, WARNING, Answer, Line

if TYPE_CHECKING:
    from toolkit.model.manifest import Manifest, TableEntry
    from toolkit.model.proof import Proof, Standing
    from toolkit.model.retention import Pin

_COUNTS = ("rows", "owned", "shared", "unowned", "referenced")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `show` is given."""

    label: tuple[str, ...] = command.words("the backup's label")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown(Answer):
    """A backup, and what its repository knows of it."""

    manifest: Manifest
    repository: str
    place: str
    pins: tuple[Pin, ...]
    verified: bool
    standing: Standing

    def lines(self) -> Iterator[Line]:
        """Give what it is, what is missing in it, and a table of its tables."""
        facts = {name: value for name, value in _facts(self).items() if value}
        width = max(map(len, facts)) + 1
        for fact, value in facts.items():
            yield Line(f"{fact + ':':<{width}} {value}")
        for heading, text in _proven(self.standing):
            yield Line(f"{heading + ':':<{width}} {text}", BAD if heading == "failed" else "")
        for reason, tables in _left_out(self.manifest).items():
            yield Line(f"{'left out:':<{width}} {wording.left_out_text(reason)}: {', '.join(tables)}")
        for warning in self.manifest.warnings:
            yield Line(f"[WARNING]: {warning}", WARNING)
        yield Line()
        rows = []
        for entry in self.manifest.tables:
            numbers = _numbers(self.manifest, entry)
            counts = (wording.count(numbers[name]) for name in _COUNTS)
            sizes = (wording.size(numbers["bytes"]), wording.size(numbers["stored"]))
            rows.append((entry.name, f"{entry.category}/{entry.group}", *counts, *sizes))
        right = (*_COUNTS, "bytes", "stored")
        for line in wording.table(("table", "group", *right), rows, right=right):
            yield Line(line)

    def document(self) -> Mapping[str, Any]:
        """Give the metadata as the manifest has them, and the numbers of each table."""
        import msgspec

        manifest = self.manifest
        return {
            "repository": self.repository,
            "place": self.place,
            "metadata": msgspec.to_builtins(manifest.metadata),
            "pins": [{"until": pin.until.isoformat() if pin.until else None, "text": str(pin)} for pin in self.pins],
            "verified": self.verified,
            **standing_document(self.standing),
            "attempts": msgspec.to_builtins(self.standing.tried),
            "businesses": dict(manifest.selection.tenants),
            "absent": list(manifest.absent),
            "put_aside": manifest.put_aside,
            "left_out": _left_out(manifest),
            "warnings": list(manifest.warnings),
            "tables": [
                {
                    "table": entry.name,
                    "category": str(entry.category),
                    "group": entry.group,
                    **_numbers(manifest, entry),
                }
                for entry in manifest.tables
            ],
        }


def _numbers(manifest: Manifest, entry: TableEntry) -> dict[str, int]:
    taken = manifest.selection.tables.get(entry.name)
    reasons = {name: getattr(taken, name) if taken else 0 for name in _COUNTS[1:]}
    stored = sum({chunk.id: chunk.stored for chunk in entry.stored_chunks}.values())
    return {"rows": entry.rows, **reasons, "bytes": entry.bytes, "stored": stored}


def _left_out(manifest: Manifest) -> dict[str, list[str]]:
    """Give the tables left out, by reason."""
    reasons: dict[str, list[str]] = {}
    for left in manifest.left_out:
        reasons.setdefault(left.reason, []).append(left.table)
    return reasons


def _proven(standing: Standing) -> Iterator[tuple[str, str]]:
    """What is proven and what failed, each with its heading."""
    if standing.failed is not None:
        yield "failed", f"{_tried(standing.failed)}: {wording.one_line(standing.failed.failure)}"
    if standing.hindered is not None:
        yield "hindered", f"{_tried(standing.hindered)}: {wording.one_line(standing.hindered.failure)}"
    if standing.proven is not None:
        yield "proven", f"the whole backup: {_tried(standing.proven)}"
    for business, proof in sorted(standing.businesses.items()):
        yield "proven", f"{business}: {_tried(proof)}"
    if not (standing.proven or standing.businesses):
        yield "proven", "no"


def _tried(proof: Proof) -> str:
    took = f" restored in {wording.seconds(proof.seconds)}" if proof.seconds is not None else ""
    where = f" into {proof.place}" if proof.place else ""
    holds = sum(each.holds for each in proof.assertions)
    asked = f", {holds} of {wording.counted(len(proof.assertions), 'assertion')} held" if proof.assertions else ""
    server = f" (PostgreSQL {proof.postgres})" if proof.postgres else ""
    aged = wording.seconds(proof.age)
    return f"{proof.time[:19]}Z{took}{where}{server}, {aged} after it was made{asked}, by {proof.by}"


def _facts(shown: Shown) -> dict[str, str]:
    manifest, metadata = shown.manifest, shown.manifest.metadata
    stats = metadata.stats
    node = metadata.source_node_id or "none"
    state = [*map(str, shown.pins), *(["verified"] if shown.verified else [])]
    businesses = (f"{wording.one_line(label)} ({key})" for key, label in manifest.selection.tenants.items())
    return {
        "backup": metadata.label,
        "repository": f"{shown.repository} ({shown.place})",
        "taken": f"{metadata.timestamp} by {metadata.created_by}, in {wording.seconds(metadata.duration_seconds)}",
        "host": metadata.host,
        "device": f"{metadata.source_device_name or 'unnamed'} (id {metadata.source_device_id or 'none'}, node {node})",
        "machine": f"{metadata.source_hostname} ({metadata.source_platform})",
        "playbook": f"{metadata.playbook} (job {metadata.job})",
        "tags": ", ".join(metadata.tags),
        "known": ", ".join(state),
        "scope": scope_text(metadata),
        "businesses": ", ".join(businesses) or "none",
        "contents": f"{wording.counted(stats.total_records, 'row')} in {wording.counted(stats.total_tables, 'table')}, "
        f"{wording.size(stats.uncompressed_size)} ({wording.size(stats.compressed_size)} stored)",
        "put aside": f"{wording.put_aside_text(manifest.put_aside)} of the file, which are not in the backup"
        if manifest.put_aside
        else "",
        "supporting": _support_text(manifest),
        "checksum": metadata.checksums.business_data,
        "device data": metadata.checksums.device_data or "",
        "schema": metadata.schema_version or "",
        "made by": f"{metadata.tool}, format {manifest.format}, PostgreSQL {metadata.postgres_version}",
        "absent": ", ".join(manifest.absent),
    }


def _support_text(manifest: Manifest) -> str:
    """Say what is stored beside the rows, in a few words; empty for nothing."""
    supports = [(entry.name, support.rows) for entry in manifest.tables for support in entry.support]
    if not supports:
        return ""
    tables = ", ".join(sorted({name for name, _ in supports}))
    rows = wording.counted(sum(number for _, number in supports), "row")
    return f"{rows} for {tables}, to tell businesses apart; never restored"


def _show(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.repositories import find_backup
    from toolkit.storage.proofs import read_proofs
    from toolkit.storage.records import read_records

    label = call.one_label(given.label)
    name, opened, manifest = find_backup(call.control.load_inventory(), label, call.repository)
    known = read_records(opened, label)
    yield Shown(
        manifest=manifest,
        repository=name,
        place=opened.place,
        pins=tuple(known.pins.values()),
        verified=known.verified.get(label) == manifest.checksum,
        standing=read_proofs(opened, [label]).standing(manifest),
    )


COMMAND = Command(
    name="show",
    summary="Show what a backup holds",
    usage="LABEL",
    needs=(REPOSITORY, INVENTORY, JSON),
    options=Options,
    body=_show,
)
