"""The application's own JSON backups, format 2.0: metadata, businessData and deviceData, as `import` reads them.

Values stand in it to the last digit. The checksums are those that JavaScript computes of what it reads, over the text
of JSON.stringify, which may have fewer digits and another order of names. Where that text is another one, the metadata
have a checksum of the text as it stands too. They come last, for what they say is known then.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from toolkit.formats.contents import Contents, ExportedTable, Target
from toolkit.formats.json_values import JSON, encoder
from toolkit.formats.options import JsonOptions
from toolkit.planning.copy_text import values
from toolkit.planning.json_backup.canonical import canonical_of_sound
from toolkit.planning.json_backup.document import BUSINESS, DEVICE, METADATA, Digest
from toolkit.planning.json_backup.javascript import (
    as_javascript,
    has_repeated,
    in_javascript_order,
    lost_numbers,
)
from toolkit.planning.json_backup.names import AmbiguousError, Names, camel_case
from toolkit.wording import counted

_TIMESTAMP = re.compile(r"timestamp(\(\d\))? with(out)? time zone")
_ZONELESS = re.compile(r'"\d{4,}-\d\d-\d\dT[\d:.]+"')
_NULLS = "with the null of JSON in a column that may be NULL, which is NULL when read back"
_BLANKS = "of type json with white space or escapes that JavaScript does not write: they are not kept"
_NUMBERS = "that JavaScript reads with other digits, or not at all: the file has them all, the application has not"
_TWICE = "with a name twice in an object: the application reads the last one alone"
_NUMERIC = frozenset({"json", "jsonb", "real", "double precision"})
"""Types whose values JavaScript may write otherwise than they stand here."""

_CATEGORIES = {BUSINESS: "business", DEVICE: "device"}


class JsonBackupForm:
    """Writes one file."""

    def __init__(self, options: JsonOptions) -> None:
        self._models = options.models
        self._businesses = options.businesses
        self._told: Counter[tuple[str, str]] = Counter()
        self._limited: list[str] = []

    def write(self, contents: Contents, target: Target) -> None:
        """Write all of it."""
        limits = contents.manifest.selection.limits
        self._limited = sorted(table.name for table in contents.tables if table.name in limits)
        names = self._names(contents)
        digests: dict[str, Digest] = {}
        with target.file("") as file:
            file.write(b"{")
            for section, category in _CATEGORIES.items():
                tables = [each for each in contents.tables if each.category == category and each.name not in limits]
                if tables or section == BUSINESS:
                    file.write(f"{_dumped(section)}:".encode())
                    digests[section] = self._section(tables, names, file)
                    file.write(b",")
            written = [table for table in contents.tables if table.name not in limits]
            metadata = _metadata(contents, written, digests, self._businesses)
            file.write(f"{_dumped(METADATA)}:{_dumped(metadata)}}}".encode())

    def remarks(self) -> Sequence[str]:
        """Say what this form does not hold."""
        remarks = [
            f"{name} was read with a limit, which this form cannot say: it is not in the file" for name in self._limited
        ]
        for (place, what), number in sorted(self._told.items()):
            noun = "number" if what == _NUMBERS else "value"
            remarks.append(f"{place}: {counted(number, noun)} {what}")
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

    def _section(self, tables: Sequence[ExportedTable], names: Mapping[str, str], file: BinaryIO) -> Digest:
        """Write one section; gives its checksums."""
        digest = Digest()

        def write(text: bytes, seen: bytes | None = None) -> None:
            digest.add(text, text if seen is None else seen)
            file.write(text)

        write(b"{")
        models = {_dumped(names[table.name]).encode(): table for table in tables}
        for number, model in enumerate(in_javascript_order(models)):
            write(b"," * (number > 0) + model + b":[")
            between = b""
            for records, seen in self._records(models[model]):
                write(between + records, between + seen)
                between = b","
            write(b"]")
        write(b"}")
        return digest

    def _records(self, table: ExportedTable) -> Iterator[tuple[bytes, bytes]]:
        """The records of a table, many at a time: as they are written, and as JavaScript writes them again."""
        places = {_dumped(column.name).encode(): place for place, column in enumerate(table.columns)}
        columns = [
            (name + b":", places[name], self._encoder(table, places[name])) for name in in_javascript_order(places)
        ]
        kinds = [column.type.removesuffix("[]") for column in table.columns]
        differing = not _NUMERIC.isdisjoint(kinds)
        repeated = "json" in kinds
        for data in table.read():
            records = []
            for line in data.splitlines():
                row = values(line) if columns else []
                members = (
                    name + (b"null" if (value := row[place]) is None else encode(value))
                    for name, place, encode in columns
                )
                records.append(b"{" + b",".join(members) + b"}")
            if records:
                text = b",".join(records)
                yield (
                    text,
                    text if not differing else b",".join(as_javascript(each, repeated=repeated) for each in records),
                )

    def _encoder(self, table: ExportedTable, place: int) -> Callable[[str], bytes]:
        column = table.columns[place]
        kind = column.type
        encode = encoder(kind)
        if _TIMESTAMP.fullmatch(kind):
            # JavaScript would take a time without a zone for one of its own
            return lambda text: _in_utc(encode(text)).encode()
        if kind == "bytea":
            return _buffer
        if kind.removesuffix("[]") in JSON:
            return self._document(f"{table.name}.{column.name}", kind, table.table.column(column.name).nullable)
        return lambda text: canonical_of_sound(encode(text).encode())

    def _document(self, place: str, kind: str, nullable: bool) -> Callable[[str], bytes]:
        encode = encoder(kind)

        def write(text: str) -> bytes:
            if text.startswith("{{") and kind.endswith("[]"):
                return _dumped(text).encode()
            written = canonical_of_sound(encode(text).encode())
            told = {
                _NULLS: nullable and written == b"null",
                _BLANKS: kind == "json" and written != text.encode(),
                _NUMBERS: lost_numbers(written),
            }
            if kind == "json":
                told[_TWICE] = has_repeated(written)
            for what, number in told.items():
                if number:
                    self._told[place, what] += number
            return written

        return write


def _in_utc(text: str) -> str:
    return f'{text[:-1]}Z"' if _ZONELESS.fullmatch(text) else text


def _buffer(text: str) -> bytes:
    data = bytes.fromhex(text.removeprefix("\\x"))
    return f'{{"type":"Buffer","data":[{",".join(map(str, data))}]}}'.encode()


def _metadata(
    contents: Contents, tables: Sequence[ExportedTable], digests: Mapping[str, Digest], businesses: Sequence[str]
) -> dict[str, Any]:
    said = contents.manifest.metadata
    rows = {
        category: sum(table.rows for table in tables if table.category == category) for category in _CATEGORIES.values()
    }
    seen = {section: digest.seen for section, digest in digests.items()}
    exact = {section: digest.exact for section, digest in digests.items() if digest.exact != digest.seen}
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
        "checksums": seen,
        **({"textChecksums": exact} if exact else {}),
    }


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
