"""The ledger of a restore that is not atomic: a file beside the run, by which the next run knows where it stopped."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import StorageError
from toolkit.model.manifest import Manifest
from toolkit.model.plan import RestorePlan
from toolkit.planning.clock import stamp
from toolkit.private import files


class Entry(msgspec.Struct, kw_only=True):
    """What a ledger says.

    Attributes:
        label, checksum: the backup's.
        target: what tells the database from any other.
        rows: how many were to be written and deleted when the run began.
        written: how many of them are committed, in `batches` batches.
        doubtful: the tables of the batch that was begun last and is not known to be committed.
        request: what the run was asked for: mode, businesses, identity, answers, triggers.
    """

    label: str
    checksum: str
    target: str
    request: dict[str, Any]
    started: str
    rows: int
    written: int = 0
    batches: int = 0
    doubtful: tuple[str, ...] = ()


_ENTRY = msgspec.json.Decoder(Entry)
"""Made here, because msgspec crashes when several threads decode into a type for the first time at once."""


class LedgerFile:
    """The ledger of restores into one host."""

    def __init__(
        self, directory: Path, host: str, manifest: Manifest, now: datetime, *, request: Mapping[str, Any]
    ) -> None:
        self._file = directory / f"{host}.json"
        self._host = host
        self._manifest = manifest
        self._now = now
        self._request = dict(request)
        self._entry: Entry | None = None
        self._said: tuple[str, ...] = ()

    def planned(self, plan: RestorePlan, target: str) -> tuple[str, ...]:
        """Begin the ledger, or go on with it where the same run plans anew; gives what is to be said of the run before.

        That is nothing where it had finished.
        """
        rows = sum(table.changes for table in plan.tables.values())
        written = batches = 0
        if self._entry is None:
            self._said = self._compared(self._read(), target, rows)
        else:
            written, batches = self._entry.written, self._entry.batches
        self._entry = Entry(
            label=plan.label,
            checksum=self._manifest.checksum,
            target=target,
            request=self._request,
            started=stamp(self._now),
            rows=written + rows,
            written=written,
            batches=batches,
        )
        self._write()
        return self._said

    def begun(self, tables: Collection[str]) -> None:
        """Note that a batch begins: until it is done, nobody knows."""
        assert self._entry is not None
        self._entry.doubtful = tuple(sorted(tables))
        self._write()

    def done(self, rows: int) -> None:
        """Note that the batch is committed, with its rows of the plan: none where it only prepared what follows."""
        assert self._entry is not None
        self._entry.written += rows
        self._entry.batches += bool(rows)
        self._entry.doubtful = ()
        self._write()

    def finished(self) -> None:
        """Note that all is applied and proven."""
        with suppress(FileNotFoundError):
            self._file.unlink()

    def unfinished(self) -> tuple[str, ...]:
        """Give what is to be said of a run that did not finish, where this one does not go on with it."""
        before = self._read()
        if before is None:
            return ()
        return (
            f"a restore of {before.label} into {self._host} in steps, begun {before.started}, was not finished: the"
            f" database may hold old and new rows ({before.batches} batches were committed)",
        )

    def settled(self) -> None:
        """Note that all of this backup is in the database: a run in steps that did not finish matters no more."""
        before = self._read()
        if before is not None and before.checksum == self._manifest.checksum:
            self.finished()

    def _compared(self, before: Entry | None, target: str, rows: int) -> tuple[str, ...]:
        if before is None:
            return ()
        what = f"a restore of {before.label} into {self._host}, begun {before.started}, was not finished"
        if before.checksum != self._manifest.checksum:
            return (f"{what}; backup {self._manifest.metadata.label} takes its place",)
        if before.target != target:
            return (f"{what}, and that was another database ({before.target}); beginning anew",)
        left = before.rows - before.written
        said = f"{what}: {before.batches} batches with {before.written} rows were committed; going on"
        if before.doubtful:
            said += f"; a batch of {', '.join(before.doubtful)} was in doubt and is compared again"
        if otherwise := self._otherwise(before):
            return (f"{said}; it was asked for otherwise: {otherwise}",)
        if rows > left or (rows < left and not before.doubtful):
            said += f"; the target has changed since: {rows} rows differ where {left} were left"
        return (said,)

    def _otherwise(self, before: Entry) -> str:
        """In what this run is asked for something else than the one before it."""
        names = [name for name in {**before.request, **self._request} if self._said_of(before.request, name)]
        return ", ".join(f"{name} {self._said_of(before.request, name)}" for name in sorted(names))

    def _said_of(self, before: Mapping[str, Any], name: str) -> str:
        then, now = (_text(request.get(name)) for request in (before, self._request))
        return "" if then == now else f"{then}, now {now}"

    def _read(self) -> Entry | None:
        try:
            return _ENTRY.decode(self._file.read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        except OSError as error:
            raise self._failed(error) from error

    def _write(self) -> None:
        assert self._entry is not None
        try:
            files.write(self._file, msgspec.json.encode(self._entry))
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> StorageError:
        return StorageError(
            f"the ledger {self._file} cannot be used: {error.strerror or error}",
            hint="give the user who runs this access to it, or restore with `atomic: true`",
        )


def _text(value: Any) -> str:
    """An argument for people, one that was not given included."""
    return "not given" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
