"""The two forms of JSON backups, as the models and records that are in them.

Format 1 is one object: model → list of records. Format 2.0 has `metadata`, and `businessData` and `deviceData`, each an
object of that kind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from toolkit.planning.json_backup.canonical import canonical
from toolkit.planning.json_backup.faults import Faults, Where
from toolkit.planning.json_backup.scanner import DocumentError, Scanner, Value

METADATA, BUSINESS, DEVICE = "metadata", "businessData", "deviceData"


class Form(StrEnum):
    """How a backup is written."""

    AUTO = "auto"
    FIRST = "json-1"
    SECOND = "json-2.0"


class Model(Struct, frozen=True):
    """A list of records begins; `section` is the part of the file that it is in."""

    section: str
    name: str
    offset: int


class Record(Struct, frozen=True):
    """One record of the model that has begun, in its canonical text; `number` is from 1."""

    number: int
    text: bytes
    offset: int


class Document:
    """A backup that is read; what is said of the whole of it is known when `events` has ended.

    Attributes:
        form: which of the two it is.
        metadata: None where there is none.
        records: (section, model) → how many it has.
        checksums: section → SHA-256 of its canonical text, as hex.
    """

    def __init__(self, blocks: Iterable[bytes], form: Form, faults: Faults) -> None:
        self.form = form
        self.metadata: dict[str, Any] | None = None
        self.records: dict[tuple[str, str], int] = {}
        self.checksums: dict[str, str] = {}
        self._faults = faults
        self._blocks = blocks

    def events(self) -> Iterator[Model | Record]:
        """Read it, once.

        Raises:
            DocumentError: it is no JSON, or of neither form.
        """
        scanner = Scanner(self._blocks)
        for name in scanner.members():
            key = _name(name)
            first = scanner.peek()
            if self.form is Form.AUTO:
                self.form = _form(key, first, scanner.offset)
            if self.form is Form.FIRST:
                yield from self._model(scanner, BUSINESS, key, name.offset)
            elif key == METADATA:
                self._read_metadata(scanner.value())
            elif key in (BUSINESS, DEVICE):
                yield from self._section(scanner, key, name.offset)
            else:
                self._faults.add("part", key, "there is no such part in format 2.0", Where(offset=name.offset))
                scanner.value()
        scanner.end()

    def _section(self, scanner: Scanner, section: str, offset: int) -> Iterator[Model | Record]:
        if section in self.checksums:
            self._faults.add("twice", section, "the file has it twice", Where(offset=offset))
        if scanner.peek() != b"{":
            what = "an object of models with their records is needed"
            self._faults.add("section", section, what, Where(offset=scanner.offset))
            scanner.value()
            return
        hashed = hashlib.sha256(b"{")
        between = b""
        for name in scanner.members():
            hashed.update(between + canonical(name.text) + b":")
            yield from self._model(scanner, section, _name(name), name.offset, hashed)
            between = b","
        hashed.update(b"}")
        self.checksums[section] = hashed.hexdigest()

    def _model(
        self, scanner: Scanner, section: str, name: str, offset: int, hashed: Any = None
    ) -> Iterator[Model | Record]:
        if (section, name) in self.records:
            self._faults.add("twice", name, f"{section} has this model twice", Where(offset=offset))
        self.records.setdefault((section, name), 0)
        if scanner.peek() != b"[":
            self._faults.add("list", name, "a list of records is needed", Where(offset=scanner.offset))
            text = _canonical(scanner.value())
            if hashed is not None:
                hashed.update(text)
            return
        yield Model(section, name, offset)
        number = 0
        if hashed is not None:
            hashed.update(b"[")
        for number, value in enumerate(scanner.records(), start=1):
            text = _canonical(value)
            if hashed is not None:
                hashed.update(b"," + text if number > 1 else text)
            yield Record(number, text, value.offset)
        if hashed is not None:
            hashed.update(b"]")
        self.records[section, name] += number

    def _read_metadata(self, value: Value) -> None:
        if self.metadata is not None:
            self._faults.add("twice", METADATA, "the file has it twice", Where(offset=value.offset))
        try:
            self.metadata = msgspec.json.decode(value.text, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if value.text[:1] == b"{":
                raise DocumentError(_why(value.text, error), value.offset) from error
            self._faults.add("section", METADATA, "an object is needed", Where(offset=value.offset))
            self.metadata = {}


def _form(key: str, first: bytes, offset: int) -> Form:
    if key in (METADATA, BUSINESS, DEVICE) and first == b"{":
        return Form.SECOND
    if first == b"[":
        return Form.FIRST
    raise DocumentError(
        f"it begins with {key!r}, and is neither form of backups: format 1 has lists of records by their models, format"
        f" 2.0 has {METADATA}, {BUSINESS} and {DEVICE}",
        offset,
    )


def _name(value: Value) -> str:
    try:
        name: str = msgspec.json.decode(value.text, type=str)
    except msgspec.DecodeError as error:
        raise DocumentError(_why(value.text, error), value.offset) from error
    return name


def _canonical(value: Value) -> bytes:
    try:
        return canonical(value.text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DocumentError(_why(value.text, error), value.offset) from error


def _why(text: bytes, error: Exception) -> str:
    """What is wrong with a text that cannot be decoded, in words that fit a value in a file."""
    if "truncated" in str(error) and b"\\u" in text:
        return "half of a surrogate pair (\\ud800 to \\udfff) stands alone in what begins here"
    if isinstance(error, RecursionError):
        return "objects and lists are nested too deep in what begins here"
    return f"what begins here is no JSON: {str(error).removeprefix('JSON is malformed: ')}"


def refused(text: bytes, error: Exception, offset: int) -> DocumentError:
    """Give the error of a record that cannot be decoded."""
    return DocumentError(_why(text, error), offset)
