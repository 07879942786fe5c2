"""What the metadata of a JSON backup say: where it comes from, its scope, and what has to hold of its records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from toolkit.model.scope import BackupType, Demo
from toolkit.planning.clock import instant
from toolkit.planning.json_backup.document import BUSINESS, DEVICE, Digest, Document, Form
from toolkit.planning.json_backup.faults import Faults

FIRST_NODE: Final = "migrated-v1-unknown"
"""The node that a backup in format 1 comes from, which does not say it."""

CHECKSUMS: Final = "checksums"
TEXT_CHECKSUMS: Final = "textChecksums"
"""Checksums of the text as it stands; `checksums` may be of the text that JavaScript writes again."""

_LONGEST: Final = 80
"""Characters of a value that are shown."""

_FILTER: Final = ("businessIds", "businessId", "demo", "includeDemoData")

_TEXTS: Final = ("sourceNodeId", "sourceDeviceId", "sourceDeviceName", "createdBy", "schemaVersion", "version")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a backup comes from and what it covers.

    Attributes:
        taken: when; None where the file does not say it.
        checked: the file has checksums, and they fit.
    """

    node_id: str | None
    device_id: str | None = None
    device_name: str | None = None
    hostname: str = ""
    platform: str = ""
    created_by: str = ""
    schema_version: str | None = None
    taken: datetime | None = None
    type: BackupType = BackupType.BUSINESS
    businesses: tuple[str, ...] = ()
    demo: Demo = Demo.INCLUDE
    checked: bool = False


def source_of(document: Document, faults: Faults) -> Source:
    """Read the metadata of a document that has been read; what does not fit becomes a fault."""
    if document.form is Form.FIRST:
        return Source(node_id=FIRST_NODE)
    metadata = document.metadata
    if metadata is None:
        faults.add("missing", "metadata", "format 2.0 has metadata, and they are not in the file")
        return Source(node_id=None)
    if BUSINESS not in document.digests:
        faults.add("missing", BUSINESS, "it is not in the file")
    for subject, reason in _problems(document, metadata):
        faults.add("metadata", f"metadata.{subject}", reason)
    filtered = metadata.get("businessFilter")
    scope = filtered if isinstance(filtered, dict) else {}
    checksums = metadata.get("checksums")
    return Source(
        node_id=_text(metadata, "sourceNodeId") or None,
        device_id=_text(metadata, "sourceDeviceId") or None,
        device_name=_text(metadata, "sourceDeviceName") or None,
        hostname=_text(metadata, "sourceHostname"),
        platform=_text(metadata, "sourcePlatform"),
        created_by=_text(metadata, "createdBy"),
        schema_version=_text(metadata, "schemaVersion") or None,
        taken=_time(metadata.get("timestamp")),
        type=BackupType.FULL_DEVICE if metadata.get("backupType") == "full-device" else BackupType.BUSINESS,
        businesses=_businesses(scope),
        demo=_demo(scope),
        checked=isinstance(checksums, dict) and bool(checksums),
    )


def _problems(document: Document, metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in _TEXTS:
        if metadata.get(name) is not None and not isinstance(metadata[name], str):
            yield name, "a text is needed"
    if metadata.get("version") != "2.0":
        yield "version", f"2.0 is the version that can be read, and this is {_shown(metadata.get('version'))}"
    if metadata.get("backupType", "business") not in ("business", "full-device"):
        yield "backupType", f"`business` or `full-device` is needed, not {_shown(metadata['backupType'])}"
    if _time(metadata.get("timestamp")) is None:
        yield "timestamp", f"a time such as 2026-01-31T12:00:00.000Z is needed, not {_shown(metadata.get('timestamp'))}"
    yield from _filter_problems(metadata.get("businessFilter"))
    yield from _checksum_problems(document, metadata)
    yield from _count_problems(document, metadata.get("stats"))


def _filter_problems(scope: Any) -> Iterator[tuple[str, str]]:
    if scope is None:
        return
    if not isinstance(scope, dict):
        yield "businessFilter", "an object is needed"
        return
    for name in scope:
        if name not in _FILTER:
            yield f"businessFilter.{name}", f"nobody knows what it takes; known are {', '.join(_FILTER)}"
    ids, one = scope.get("businessIds"), scope.get("businessId")
    if ids is not None and not (isinstance(ids, list) and all(isinstance(each, str) for each in ids)):
        yield "businessFilter.businessIds", "a list of texts is needed"
    elif one is not None and ids and ids != [one]:
        yield "businessFilter", "businessId and businessIds do not fit"
    if one is not None and not isinstance(one, str):
        yield "businessFilter.businessId", "a text is needed"
    demo, included = scope.get("demo"), scope.get("includeDemoData")
    if demo is not None and demo not in tuple(Demo):
        yield "businessFilter.demo", f"one of {', '.join(Demo)} is needed, not {_shown(demo)}"
    elif included is not None and not isinstance(included, bool):
        yield "businessFilter.includeDemoData", "true or false is needed"
    elif demo is not None and included is not None and included != (demo != Demo.EXCLUDE):
        yield "businessFilter", "demo and includeDemoData do not fit"


def _checksum_problems(document: Document, metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    exact = {section: (digest.exact,) for section, digest in document.digests.items()}
    yield from _unfit(TEXT_CHECKSUMS, metadata.get(TEXT_CHECKSUMS), exact)
    checksums, texts = metadata.get(CHECKSUMS), metadata.get(TEXT_CHECKSUMS)
    fitting = {
        # what the text proves, JavaScript need not
        section: (
            digest.exact,
            digest.exact if digest.lossy else digest.seen,
            *_proven(texts, checksums, section, digest),
        )
        for section, digest in document.digests.items()
        if isinstance(checksums, dict) and section in checksums
    }
    yield from _unfit(CHECKSUMS, checksums, fitting)
    if isinstance(checksums, dict):
        for section in document.digests:
            empty = not any(held == section for held, _ in document.records)
            if checksums and section not in checksums and not empty:
                yield f"{CHECKSUMS}.{section}", f"{section} is in the file without its checksum"


def _seen(digest: Digest) -> tuple[str, ...]:
    return () if digest.lossy else (digest.seen,)


def _proven(texts: Any, checksums: Mapping[str, Any], section: str, digest: Digest) -> Iterator[str]:
    if isinstance(texts, dict) and texts.get(section) == digest.exact:
        yield str(checksums[section]).lower()


def _unfit(name: str, checksums: Any, fitting: Mapping[str, tuple[Any, ...]]) -> Iterator[tuple[str, str]]:
    if checksums is None:
        return
    if not isinstance(checksums, dict):
        yield name, "an object is needed"
        return
    for section, wanted in checksums.items():
        if section not in (BUSINESS, DEVICE):
            yield f"{name}.{section}", "there is no such part"
        elif wanted is None and section not in fitting:
            continue
        elif not isinstance(wanted, str):
            yield f"{name}.{section}", "a text is needed"
        elif section not in fitting:
            yield f"{name}.{section}", f"the file has no {section}"
        elif wanted.lower() not in fitting[section]:
            yield f"{name}.{section}", f"{section} is not what was written: its SHA-256 is another one"


def _count_problems(document: Document, stats: Any) -> Iterator[tuple[str, str]]:
    if stats is None:
        return
    if not isinstance(stats, dict):
        yield "stats", "an object is needed"
        return
    models = document.records
    business = sum(number for (section, _), number in models.items() if section == BUSINESS)
    device = sum(number for (section, _), number in models.items() if section == DEVICE)
    found = {"totalRecords": [business + device], "businessRecords": [business], "deviceRecords": [device]}
    # there are those that count all models, and those that count models with records
    found["totalTables"] = [len(models), sum(1 for number in models.values() if number)]
    for name, numbers in found.items():
        said = stats.get(name)
        if said is not None and (isinstance(said, bool) or said not in numbers):
            yield f"stats.{name}", f"it says {_shown(said)}, and the file has {numbers[0]:,}"


def _businesses(scope: Mapping[str, Any]) -> tuple[str, ...]:
    ids = scope.get("businessIds") or []
    if isinstance(ids, list) and ids:
        return tuple(dict.fromkeys(each for each in ids if isinstance(each, str)))
    one = scope.get("businessId")
    return (one,) if isinstance(one, str) and one else ()


def _demo(scope: Mapping[str, Any]) -> Demo:
    demo = scope.get("demo")
    if demo in tuple(Demo):
        return Demo(demo)
    return Demo.EXCLUDE if scope.get("includeDemoData") is False else Demo.INCLUDE


def _text(metadata: Mapping[str, Any], name: str) -> str:
    value = metadata.get(name)
    return value if isinstance(value, str) else ""


def _time(value: Any) -> datetime | None:
    try:
        return instant(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _shown(value: Any) -> str:
    """Show a value as it stands in the file, cut short."""
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
