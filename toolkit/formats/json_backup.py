"""The application's own JSON backups, format 2.0: metadata, businessData and deviceData, as `import` reads them.

The text is the one that JavaScript's JSON.stringify writes, and the checksums are over it. The metadata come last, for
what they say is known then.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from toolkit.formats.contents import Contents, ExportedTable, Target
from toolkit.formats.json_values import encoder
from toolkit.formats.options import JsonOptions
from toolkit.planning.copy_text import values
from toolkit.planning.json_backup.canonical import canonical
from toolkit.planning.json_backup.document import BUSINESS, DEVICE, METADATA
from toolkit.planning.json_backup.names import AmbiguousError, Names, camel_case
from toolkit.wording import counted

_TIMESTAMP = re.compile(r"timestamp(\(\d\))? with(out)? time zone")
_ZONELESS = re.compile(r'"\d{4,}-\d\d-\d\dT[\d:.]+"')
_CATEGORIES = {BUSINESS: "business", DEVICE: "device"}


class JsonBackupForm:
    """Writes one file."""

    def __init__(self, options: JsonOptions) -> None:
        self._models = options.models
        self._businesses = options.businesses
        self._nulls = 0
        self._blanks = 0
        self._limited: list[str] = []

    def write(self, contents: Contents, target: Target) -> None:
        """Write all of it."""
        limits = contents.manifest.selection.limits
        self._limited = sorted(table.name for table in contents.tables if table.name in limits)
        names = self._names(contents)
        checksums: dict[str, str] = {}
        with target.file("") as file:
            file.write(b"{")
            for section, category in _CATEGORIES.items():
                tables = [each for each in contents.tables if each.category == category and each.name not in limits]
                if tables or section == BUSINESS:
                    file.write(f"{_dumped(section)}:".encode())
                    checksums[section] = self._section(tables, names, file)
                    file.write(b",")
            written = [table for table in contents.tables if table.name not in limits]
            metadata = _metadata(contents, written, checksums, self._businesses)
            file.write(f"{_dumped(METADATA)}:{_dumped(metadata)}}}".encode())

    def remarks(self) -> Sequence[str]:
        """Say what this form does not hold."""
        remarks = [
            f"{name} was read with a limit, which this form cannot say: it is not in the file" for name in self._limited
        ]
        if self._nulls:
            text = "the null of JSON in columns that may be NULL: read back, they are NULL"
            remarks.append(f"{counted(self._nulls, 'value')} are {text}")
        if self._blanks:
            text = "of type json, whose text is not as JavaScript writes it: read back, they mean the same"
            remarks.append(f"{counted(self._blanks, 'value')} {text}")
        return remarks

    def _names(self, contents: Contents) -> Mapping[str, str]:
        """What the model of each table is called: so that it is found again."""
        known = Names(contents.manifest.schema.tables, self._models)
        said = {table: model for model, table in self._models.items()}
        names = {}
        for table in contents.tables:
            name = said.get(table.name) or camel_case(table.name)
            try:
                names[table.name] = name if known.find(name) == table.name else table.name
            except AmbiguousError:
                names[table.name] = table.name
        return names

    def _section(self, tables: Sequence[ExportedTable], names: Mapping[str, str], file: BinaryIO) -> str:
        """Write one section; gives its checksum."""
        hashed = hashlib.sha256()

        def write(text: bytes) -> None:
            hashed.update(text)
            file.write(text)

        write(b"{")
        for number, table in enumerate(tables):
            write(f"{',' if number else ''}{_dumped(names[table.name])}:[".encode())
            between = b""
            for records in self._records(table):
                write(between + records)
                between = b","
            write(b"]")
        write(b"}")
        return hashed.hexdigest()

    def _records(self, table: ExportedTable) -> Iterator[bytes]:
        """The records of a table, many at a time."""
        columns = [
            (f"{_dumped(column.name)}:".encode(), self._encoder(column.type, table.table.column(column.name).nullable))
            for column in table.columns
        ]
        for data in table.read():
            records = []
            for line in data.splitlines():
                row = values(line) if columns else []
                members = (
                    name + (b"null" if value is None else encode(value))
                    for (name, encode), value in zip(columns, row, strict=True)
                )
                records.append(b"{" + b",".join(members) + b"}")
            if records:
                yield b",".join(records)

    def _encoder(self, kind: str, nullable: bool) -> Callable[[str], bytes]:
        encode = encoder(kind)
        if _TIMESTAMP.fullmatch(kind):
            # JavaScript would take a time without a zone for one of its own
            return lambda text: _in_utc(encode(text)).encode()
        if kind == "bytea":
            return _buffer
        if kind in ("json", "jsonb"):
            return lambda text: self._document(text, kind, nullable)
        return lambda text: canonical(encode(text).encode())

    def _document(self, text: str, kind: str, nullable: bool) -> bytes:
        written = canonical(text.encode())
        self._nulls += nullable and written == b"null"
        self._blanks += kind == "json" and written != text.encode()
        return written


def _in_utc(text: str) -> str:
    return f'{text[:-1]}Z"' if _ZONELESS.fullmatch(text) else text


def _buffer(text: str) -> bytes:
    data = bytes.fromhex(text.removeprefix("\\x"))
    return f'{{"type":"Buffer","data":[{",".join(map(str, data))}]}}'.encode()


def _metadata(
    contents: Contents, tables: Sequence[ExportedTable], checksums: Mapping[str, str], businesses: Sequence[str]
) -> dict[str, Any]:
    said = contents.manifest.metadata
    rows = {
        category: sum(table.rows for table in tables if table.category == category) for category in _CATEGORIES.values()
    }
    named = tuple(businesses) or said.business_filter.business_ids
    return {
        "version": "2.0",
        "sourceNodeId": said.source_node_id,
        "sourceDeviceId": said.source_device_id,
        "sourceDeviceName": said.source_device_name,
        "timestamp": said.timestamp,
        "createdBy": said.created_by,
        "backupType": said.backup_type,
        "businessFilter": {
            **({"businessId": named[0]} if len(named) == 1 else {}),
            "businessIds": list(named),
            # businesses that were asked for are there whatever they are
            "includeDemoData": bool(businesses) or said.business_filter.include_demo_data,
            "demo": "include" if businesses else said.business_filter.demo,
        },
        "stats": {
            "totalRecords": sum(rows.values()),
            "totalTables": len(tables),
            "businessRecords": rows["business"],
            "deviceRecords": rows["device"],
        },
        "schemaVersion": said.schema_version,
        "checksums": dict(checksums),
    }


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
