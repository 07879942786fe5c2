"""The bytes of a manifest file: encoded canonically, and never decoded without being checked."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import replace  # noqa: TID251 - of a Problem, which commands load without msgspec
from functools import partial
from typing import Any

import msgspec

from toolkit.errors import DamageError, InputError, Problem, RefusedError
from toolkit.model.conversion import Conversion
from toolkit.model.manifest import FORMAT, Manifest, Metadata, seal
from toolkit.model.outline import Outline, outline_of
from toolkit.planning.totals import inconsistencies
from toolkit.storage.layout import is_chunk_id
from toolkit.storage.recent import Recent

LIMIT = 256 * 1024 * 1024
"""The most bytes a manifest has: enough for terabytes."""

_HINT = "restore the file from a copy of the repository, or use another backup"

_FREE = 16 * 1024 * 1024
"""The most bytes of a manifest that is written in another way: every value in it takes many times its space."""

_CHECKSUM = re.compile(rb'"checksum":"([0-9a-f]{64})",')

# made here, because msgspec crashes when several threads decode into a type for the first time at once
_MANIFEST = msgspec.json.Decoder(Manifest)
_WHOLE = Conversion(Manifest)


class _Tenants(msgspec.Struct, frozen=True):
    tenants: dict[str, str]


class _Outline(msgspec.Struct, frozen=True):
    """The part of a manifest that is its outline, decoded alone because lists read all manifests for it."""

    format: int
    checksum: str
    metadata: Metadata
    selection: _Tenants
    put_aside: dict[str, int] = {}


_OUTLINE = msgspec.json.Decoder(_Outline)


_decoded: Recent[Manifest] = Recent(8 * 1024 * 1024)
"""By the bytes of their files and the label: a nightly run meets each backup in every task and in two repositories."""


def encode(manifest: Manifest) -> tuple[Manifest, bytes]:
    """Give the sealed manifest and its file: canonical JSON with the checksum in its place."""
    sealed = seal(manifest)
    return sealed, msgspec.json.encode(sealed, order="sorted")


def is_intact(data: bytes) -> bool:
    """Say whether a file has, as it is written, the checksum that it says."""
    return _sealed(data) is not None


def decode(data: bytes, *, label: str, file: str) -> Manifest:
    """Give the manifest in a file.

    Args:
        label: the backup it must belong to.
        file: where it was read from, for messages.

    Raises:
        DamageError: it is not what was written.
        RefusedError: its format is one this version does not know.
        InputError: it was written so, but is no manifest.
    """
    key = hashlib.sha256(data).digest(), label
    manifest = _decoded.get(key)
    if manifest is None:
        manifest = _decode(data, label, file)
        _decoded.keep(key, manifest, len(data))
    return manifest


def outline(data: bytes, *, label: str, file: str) -> Outline:
    """Give the outline of the manifest in a file whose checksum holds, without looking at what it says of tables.

    Args:
        label, file: as for `decode`.

    Raises:
        DamageError, RefusedError, InputError: as `decode` does, but for what contradicts itself within tables.
    """
    if (found := _sealed(data)) is not None:
        with suppress(ValueError, RecursionError):
            brief = _OUTLINE.decode(data)
            if brief.checksum.encode() == found and brief.format == FORMAT and brief.metadata.label == label:
                return Outline(
                    metadata=brief.metadata,
                    checksum=brief.checksum,
                    businesses=brief.selection.tenants,
                    put_aside=brief.put_aside,
                )
    return outline_of(decode(data, label=label, file=file))


def _decode(data: bytes, label: str, file: str) -> Manifest:
    try:
        manifest = _as_written(data, file) or _checked(_document(data, file), data, file)
    except RecursionError as error:
        raise _damage(file, "it is nested too deeply") from error
    except msgspec.ValidationError as error:
        raise InputError([_problem(error, file)]) from error
    if manifest.metadata.label != label:
        raise InputError(
            [Problem(file=file, path="metadata.label", message=f"the backup calls itself {manifest.metadata.label}")],
            hint="give the backup's directory that name again",
        )
    problems = [
        Problem(file=file, path=f"tables[{table}].{place}chunks[{chunk}].id", message=f"{entry.id!r} is no chunk id")
        for table, tables in enumerate(manifest.tables)
        for place, chunks in [
            ("", tables.chunks),
            *((f"support[{number}].", support.chunks) for number, support in enumerate(tables.support)),
        ]
        for chunk, entry in enumerate(chunks)
        if not is_chunk_id(entry.id)
    ]
    problems += [
        Problem(file=file, path=f"packs[{number}].id", message=f"{pack.id!r} is no id of a pack")
        for number, pack in enumerate(manifest.packs)
        if not is_chunk_id(pack.id)
    ]
    problems += [replace(problem, file=file) for problem in inconsistencies(manifest)]
    if problems:
        raise InputError(problems, hint=_HINT)
    return manifest


def _as_written(data: bytes, file: str) -> Manifest | None:
    """The manifest in a file that is, byte for byte, what this version writes; None for any other file.

    Nothing but a manifest is ever built for it, whatever is in the file.
    """
    if _sealed(data) is None:
        return None
    try:
        manifest = _MANIFEST.decode(data)
    except (ValueError, RecursionError):
        return None
    if msgspec.json.encode(manifest, order="sorted") != data:
        return None
    check_format(manifest.format, file)
    return manifest


def _sealed(data: bytes) -> bytes | None:
    """The checksum in a file that is the one of all the rest of it; None for any other file."""
    found = _CHECKSUM.search(data)
    if found is None:
        return None
    digest = hashlib.sha256(memoryview(data)[: found.start()])
    digest.update(memoryview(data)[found.end() :])
    return found[1] if digest.hexdigest().encode("ascii") == found[1] else None


def _checked(document: dict[str, Any], data: bytes, file: str) -> Manifest:
    """The manifest that a JSON object is, whose checksum and form hold."""
    check_format(document.get("format"), file)
    checksum = document.pop("checksum", None)
    if checksum != hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest():
        raise _damage(file, "its checksum does not match its content")
    whole = document | {"checksum": checksum}
    # as a manifest is written, nothing in it is said twice
    if msgspec.json.encode(whole, order="sorted") != data:
        json.loads(data, object_pairs_hook=partial(_said_once, file))
    return _WHOLE(whole)


def _said_once(file: str, pairs: list[tuple[str, Any]]) -> None:
    """Raise DamageError for an object with a member that stands there twice: readers differ in which one counts."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise _damage(file, f"{next(name for name in names if names.count(name) > 1)} stands there twice")


def check_format(found: object, file: str) -> None:
    """Raise RefusedError for a format of a later version, DamageError for what is no format at all."""
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise _damage(file, "it names no format")
    if found > FORMAT:
        raise RefusedError(
            f"{file} has format {found}; this version reads formats up to {FORMAT}",
            hint="use the version of Playback that wrote it, or a later one",
        )


def _document(data: bytes, file: str) -> dict[str, Any]:
    if len(data) > _FREE:
        raise _damage(file, f"it is not as it was written, and has {len(data)} bytes")
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise _damage(file, f"it is not JSON: {_lower(str(error))}") from error
    if not isinstance(document, dict):
        raise _damage(file, "it is not a JSON object")
    return document


def _damage(file: str, fact: str) -> DamageError:
    return DamageError(f"{file} is damaged: {fact}", hint=_HINT)


def _problem(error: msgspec.ValidationError, file: str) -> Problem:
    """msgspec says `Expected …, got … - at `$.path``."""
    message, _, path = str(error).partition(" - at ")
    return Problem(file=file, path=path.strip("`").removeprefix("$").removeprefix("."), message=_lower(message))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
