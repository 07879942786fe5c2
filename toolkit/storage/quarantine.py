"""Quarantined rows in a repository: `quarantine/<label>/<run>/<part>.jsonl`, one JSON object per line.

The first line of every part says which restore put the rows aside, and what that restore was asked for. The rows have
the target's names of tables and columns.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from toolkit.errors import DamageError
from toolkit.model.quarantine import QuarantinedRow
from toolkit.planning.clock import compact_stamp, stamp
from toolkit.storage.decoding import decoded
from toolkit.storage.layout import QUARANTINE, check_label, quarantined_label_of
from toolkit.storage.repository import Repository

PART = 8 * 1024 * 1024
"""Size in bytes after which a part ends."""

IMPORTED = "import"
"""What the request has of records that an import put aside: the name of its file."""

_LIMIT = 3 * 1024**3
"""The most bytes a part has: one whose last row is as long as PostgreSQL's rows can be, written as JSON."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The restore that put rows aside: backup and host, when it began (ISO 8601, UTC), and what it was asked for.

    Attributes:
        request: its arguments as the playbook had them, rendered: mode, businesses, identity, answers, triggers.
    """

    label: str
    host: str
    time: str
    request: dict[str, Any]


_ORIGIN = msgspec.json.Decoder(Origin)
_ROW = msgspec.json.Decoder(QuarantinedRow)
"""Made here, because msgspec crashes when several threads decode into a type for the first time at once."""


class Quarantine(Struct, frozen=True, kw_only=True):
    """The rows of one run.

    Attributes:
        files: names in the repository's store.
    """

    run: str
    origin: Origin
    files: tuple[str, ...]


class QuarantineWriter:
    """Writes the rows of one run; what it wrote can be taken back until the restore is committed."""

    def __init__(
        self, repository: Repository, label: str, host: str, now: datetime, *, request: Mapping[str, Any]
    ) -> None:
        check_label(label)
        self._repository = repository
        self._origin = Origin(label=label, host=host, time=stamp(now), request=dict(request))
        self._folder = f"{QUARANTINE}{label}/{compact_stamp(now)}-{secrets.token_hex(4)}/"
        self._files: list[str] = []

    def write(self, rows: Iterable[QuarantinedRow]) -> None:
        """Store rows, in place of what an earlier attempt of the same run stored."""
        self.discard()
        lines = [msgspec.json.encode(self._origin)]
        size = 0
        for row in rows:
            line = msgspec.json.encode(row)
            lines.append(line)
            size += len(line)
            if size >= PART:
                self._put(lines)
                lines, size = lines[:1], 0
        if len(lines) > 1:
            self._put(lines)

    def discard(self) -> None:
        """Remove what was stored."""
        for name in self._files:
            self._repository.store.delete(name)
        self._files.clear()

    def _put(self, lines: list[bytes]) -> None:
        name = f"{self._folder}{len(self._files) + 1:04}.jsonl"
        self._files.append(name)
        self._repository.store.put(name, b"\n".join(lines) + b"\n")


def quarantines(repository: Repository) -> list[Quarantine]:
    """Give all runs that put rows aside, oldest first by their names."""
    folders: dict[str, list[str]] = {}
    for stored in repository.store.list(QUARANTINE):
        if quarantined_label_of(stored.name) is None:
            continue
        folders.setdefault(stored.name.rpartition("/")[0], []).append(stored.name)
    found = []
    for folder, files in folders.items():
        header, _, _ = repository.store.get(files[0], limit=_LIMIT).partition(b"\n")
        try:
            origin = decoded(_ORIGIN, header)
        except msgspec.DecodeError as error:
            raise _damage(repository, files[0]) from error
        found.append(Quarantine(run=folder.rpartition("/")[2], origin=origin, files=tuple(files)))
    return sorted(found, key=lambda each: each.run)


def quarantined_labels(repository: Repository) -> frozenset[str]:
    """Give the labels of backups with rows in quarantine; no file is read for it."""
    return frozenset(
        label for stored in repository.store.list(QUARANTINE) if (label := quarantined_label_of(stored.name))
    )


def read_rows(repository: Repository, quarantine: Quarantine) -> Iterator[QuarantinedRow]:
    """Give the rows of one run.

    Raises:
        DamageError: a file is not what was written.
    """
    for name in quarantine.files:
        for line in repository.store.get(name, limit=_LIMIT).splitlines()[1:]:
            try:
                yield decoded(_ROW, line)
            except msgspec.DecodeError as error:
                raise _damage(repository, name) from error


def remove(repository: Repository, quarantine: Quarantine) -> None:
    """Forget the rows of one run."""
    for name in quarantine.files:
        repository.store.delete(name)


def _damage(repository: Repository, name: str) -> DamageError:
    return DamageError(
        f"{repository.place}/{name} is damaged: a line is not what was written",
        hint="restore the file from a copy of the repository, or remove it and restore the backup again",
    )
