"""What a repository knows about its backups besides themselves: which ones are pinned, and which were verified.

Each is a small file beside the backups, so that a manifest never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from toolkit.model.manifest import Manifest
from toolkit.model.retention import Pin
from toolkit.planning.clock import stamp
from toolkit.storage.decoding import decoded, read_each
from toolkit.storage.layout import PINS, VERIFIED, pin_name, record_label_of, verified_name
from toolkit.storage.locks import LockKind, locked
from toolkit.storage.processes import who
from toolkit.storage.remembered import Remembered
from toolkit.storage.repository import Repository
from toolkit.storage.store import StoredFile


class _PinFile(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `pins/<label>.json`: `until` is the last day, by and time say who pinned it when."""

    until: date | None = None
    by: str
    time: str


class _VerifiedFile(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `verified/<label>.json`.

    Attributes:
        checksum: the manifest's: another backup of that label would not be the one that was verified.
        against: `database` or `repository`.
        host: of the database, empty for the repository.
    """

    checksum: str
    against: str
    host: str
    by: str
    time: str


_PIN = msgspec.json.Decoder(_PinFile)
_VERIFIED = msgspec.json.Decoder(_VerifiedFile)
"""Made here, because msgspec crashes when several threads decode into a type for the first time at once."""


class Records(Struct, frozen=True, kw_only=True):
    """Everything a repository knows about its backups besides themselves.

    Attributes:
        pins: label → pin; a pin that cannot be read holds without an end.
        verified: label → checksum of the manifest that was verified.
        unreadable: the files that could not be understood.
    """

    pins: Mapping[str, Pin]
    verified: Mapping[str, str]
    unreadable: tuple[str, ...] = ()


class Pins(Struct, frozen=True, kw_only=True):
    """The pins of a repository, as in `Records`."""

    pins: Mapping[str, Pin]
    unreadable: tuple[str, ...]


def read_pins(repository: Repository, label: str = "") -> Pins:
    """Read all pins, or that of one backup; StorageError when they cannot be listed or read."""
    listed = [pin_name(label)] if label else [file.name for file in repository.store.list(PINS)]
    pins: dict[str, Pin] = {}
    unreadable: list[str] = []
    for name, data in read_each(repository.store, filter(record_label_of, listed)):
        about = record_label_of(name)
        if data is None or about is None:
            continue
        try:
            pins[about] = Pin()  # unless it can be read
            pins[about] = Pin(until=decoded(_PIN, data).until)
        except msgspec.DecodeError:
            unreadable.append(name)
    return Pins(pins=pins, unreadable=tuple(unreadable))


def read_records(repository: Repository, label: str = "", *, memory: Path | None = None) -> Records:
    """Read all pins and verifications, or those of one backup; StorageError when they cannot be listed or read.

    Args:
        memory: where verifications that were read are remembered; None for nowhere.
    """
    if label:
        verifications = [StoredFile(name=verified_name(label), size=0, modified=datetime.now(UTC))]
    else:
        verifications = [file for file in repository.store.list(VERIFIED) if record_label_of(file.name)]
    pins = read_pins(repository, label)
    unreadable = list(pins.unreadable)

    def read(names: Iterable[str]) -> Iterator[tuple[str, str]]:
        for name, data in read_each(repository.store, names):
            try:
                if data is not None:
                    yield name, decoded(_VERIFIED, data).checksum
            except msgspec.DecodeError:
                unreadable.append(name)

    known = Remembered(memory, repository, "verified-1", str).read(verifications, read)
    verified = {about: checksum for name, checksum in known.items() if (about := record_label_of(name))}
    return Records(pins=pins.pins, verified=verified, unreadable=tuple(unreadable))


def pin(repository: Repository, label: str, *, until: date | None, now: datetime) -> None:
    """Keep a backup from being pruned through a day, or, without one, until it is unpinned."""
    content = _PinFile(until=until, by=who(), time=stamp(now))
    with _alone(repository, "pin"):
        repository.store.put(pin_name(label), msgspec.json.encode(content))


def unpin(repository: Repository, label: str) -> bool:
    """Take a pin away; gives whether there was one."""
    with _alone(repository, "unpin"):
        there = repository.store.exists(pin_name(label))
        repository.store.delete(pin_name(label))
    return there


def record_verified(repository: Repository, manifest: Manifest, *, against: str, host: str, now: datetime) -> None:
    """Note that a backup was verified, in place of an earlier note; in a bundle, which is only read, nothing."""
    if repository.store.one_file:
        return
    content = _VerifiedFile(checksum=manifest.checksum, against=against, host=host, by=who(), time=stamp(now))
    repository.store.put(verified_name(manifest.metadata.label), msgspec.json.encode(content))


def forget_verified(repository: Repository, label: str) -> None:
    """Take back what `record_verified` noted."""
    repository.store.delete(verified_name(label))


def _alone(repository: Repository, purpose: str) -> AbstractContextManager[object]:
    """A record needs no lock, but that of a store in one file, which is written anew for it."""
    if repository.store.one_file is None:
        return nullcontext()
    return locked(repository, LockKind.SHARED, purpose=purpose, now=lambda: datetime.now(UTC))


def record_names(label: str) -> tuple[str, ...]:
    """Give the files that may say something about a backup."""
    return pin_name(label), verified_name(label)
