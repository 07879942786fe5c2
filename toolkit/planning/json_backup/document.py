"""The two forms of JSON backups, as the models and records that are in them.

Format 1 is one object: model → list of records. Format 2.0 has `metadata`, and `businessData` and `deviceData`, each an
object of that kind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from toolkit.planning.json_backup.canonical import canonical, canonical_of_sound
from toolkit.planning.json_backup.faults import Faults, Where
from toolkit.planning.json_backup.javascript import as_javascript, has_repeated, lost_numbers, may_differ
from toolkit.planning.json_backup.scanner import DocumentError, Scanner, Value

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
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


class Digest:
    """The SHA-256 of a text, as it stands and as JavaScript writes it again; one of them while both are the same.

    Attributes:
        lossy: the text has numbers that JavaScript reads with other digits.
    """

    def __init__(self) -> None:
        self.lossy = False
        self._exact = self._seen = hashlib.sha256()

    def add(self, text: bytes, seen: bytes) -> None:
        """Add to both."""
        if seen != text:
            # of digits that JavaScript does not see, its checksum proves nothing
            self.lossy = self.lossy or lost_numbers(text) > 0
            if self._seen is self._exact:
                self._seen = self._exact.copy()
        self._exact.update(text)
        if self._seen is not self._exact:
            self._seen.update(seen)

    @property
    def exact(self) -> str:
        """Of the text as it stands, as hex."""
        return self._exact.hexdigest()

    @property
    def seen(self) -> str:
        """Of the text that JavaScript writes, as hex."""
        return self._seen.hexdigest()


class Document:
    """A backup that is read; what is said of the whole of it is known when `events` has ended.

    Attributes:
        form: which of the two it is.
        metadata: None where there is none.
        records: (section, model) → how many it has.
        digests: section → SHA-256 of its canonical text.
    """

    def __init__(self, blocks: Iterable[bytes], form: Form, faults: Faults) -> None:
        self.form = form
        self.metadata: dict[str, Any] | None = None
        self.records: dict[tuple[str, str], int] = {}
        self.digests: dict[str, Digest] = {}
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
        if section in self.digests:
            self._faults.add("twice", section, "the file has it twice", Where(offset=offset))
        if scanner.peek() != b"{":
            what = "an object of models with their records is needed"
            self._faults.add("section", section, what, Where(offset=scanner.offset))
            scanner.value()
            return
        digest = Digest()
        between = b"{"
        for name in scanner.members():
            model = between + canonical(name.text) + b":"
            digest.add(model, model)
            yield from self._model(scanner, section, _name(name), name.offset, digest)
            between = b","
        end = b"}" if between == b"," else b"{}"
        digest.add(end, end)
        self.digests[section] = digest

    def _model(
        self, scanner: Scanner, section: str, name: str, offset: int, digest: Digest | None = None
    ) -> Iterator[Model | Record]:
        if (section, name) in self.records:
            self._faults.add("twice", name, f"{section} has this model twice", Where(offset=offset))
        self.records.setdefault((section, name), 0)
        if scanner.peek() != b"[":
            self._faults.add("list", name, "a list of records is needed", Where(offset=scanner.offset))
            value = scanner.value()
            text = _canonical(value)
            if digest is not None:
                digest.add(text, _in_javascript(text, value))
            return
        yield Model(section, name, offset)
        number = 0
        between = b"["
        for number, value in enumerate(scanner.records(), start=1):
            text = _canonical(value)
            if digest is not None:
                digest.add(between + text, between + _in_javascript(text, value))
            between = b","
            yield Record(number, text, value.offset)
        if digest is not None:
            end = b"]" if number else b"[]"
            digest.add(end, end)
        self.records[section, name] += number

    def _read_metadata(self, value: Value) -> None:
        if self.metadata is not None:
            self._faults.add("twice", METADATA, "the file has it twice", Where(offset=value.offset))
        try:
            self.metadata = msgspec.json.decode(value.text, type=dict[str, Any])
            if has_repeated(canonical(value.text)):
                reason = "a name is in one of its objects twice"
                self._faults.add("repeated", METADATA, reason, Where(offset=value.offset))
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
        if not is_unusual(value.text):
            raise DocumentError(_why(value.text, error), value.offset) from error
    return canonical_of_sound(value.text)


def _in_javascript(text: bytes, value: Value) -> bytes:
    if not may_differ(text):
        return text
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError) as error:
        if not is_unusual(text):
            raise DocumentError(_why(value.text, error), value.offset) from error
    return as_javascript(text, repeated=False)


def is_unusual(text: bytes) -> bool:
    """Say of a text that cannot be decoded whether it is JSON: with half of a surrogate pair, or nested deep."""
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse_constant)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _refuse_constant(text: str) -> None:
    raise ValueError(text)


def fields_of(record: Record) -> dict[str, bytes]:
    """Give the fields of a record, a JSON object.

    Raises:
        DocumentError: it is no JSON.
    """
    try:
        return {name: bytes(value) for name, value in _FIELDS.decode(record.text).items()}
    except (msgspec.DecodeError, RecursionError) as error:
        if not is_unusual(record.text):
            raise DocumentError(_why(record.text, error), record.offset) from error
    scanner = Scanner([record.text])
    return {_name(name): scanner.value().text for name in scanner.members()}


def _why(text: bytes, error: Exception) -> str:
    """What is wrong with a text that cannot be decoded, in words that fit a value in a file."""
    if "truncated" in str(error) and b"\\u" in text:
        return "half of a surrogate pair (\\ud800 to \\udfff) stands alone in what begins here"
    if isinstance(error, RecursionError):
        return "objects and lists are nested too deep in what begins here"
    return f"what begins here is no JSON: {str(error).removeprefix('JSON is malformed: ')}"
