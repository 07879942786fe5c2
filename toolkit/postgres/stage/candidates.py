"""What has to come on stage of a wider backup so that some businesses can be picked out of it.

A row that shows by its text that it is none of theirs, and that nothing of theirs points at it, is passed over while
the backup is read. Where text does not tell (`planning/candidates.py`), tables come on stage whole.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import Self, TypeVar

from toolkit.planning.candidates import Candidates, TooMuchError, Wider
from toolkit.planning.copy_text import copy_text
from toolkit.planning.told_by_text import ToldByText
from toolkit.postgres.compare.source import Source
from toolkit.postgres.schema.equality import loosely_collated
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.stage.backup_owners import BackupOwners

T = TypeVar("T")

AHEAD_BYTES = 32 << 20
"""About how many bytes of candidates wait for the server."""

_SLICE = 0.2
"""Seconds after which a wait looks around: a lock's wait cannot be interrupted on Windows."""

Batch = tuple[str, Sequence[bytes]]
"""A table, and rows of it."""


def stage_candidates(workspace: Workspace, source: Source, owners: BackupOwners, meanwhile: Callable[[], T]) -> T:
    """Stage of every table the rows that may be the tenants' or be needed by them, as far as their text shows it.

    Nothing is staged where some table is on stage already: rows that were made to fit another schema are not those
    that were stored.

    Args:
        meanwhile: what the server has to do, which is done while the backup is read; its result is given back.
    """
    candidates = None if source.begun else _candidates(workspace, source, owners)
    if candidates is None or not candidates.tells:
        return meanwhile()
    with _Ahead(_read(candidates, source, owners)) as ahead:
        done = meanwhile()
        for name, batches in groupby(ahead, key=itemgetter(0)):
            source.stage_some(name, (rows for _, rows in batches))
    if ahead.too_much:
        source.unstage()
    else:
        for name in candidates.tables:
            source.stage_some(name, ())
    return done


def _candidates(workspace: Workspace, source: Source, owners: BackupOwners) -> Candidates:
    schema = workspace.schema
    text = ToldByText(
        entries=source.entries,
        target=schema,
        recorded=source.manifest.schema,
        loose=loosely_collated(workspace.connection, schema.schemas),
    )
    tenants = {copy_text([key]).removesuffix(b"\n") for key in owners.tenants}
    return Candidates(
        Wider(entries=source.entries, picking=owners.picking, links=owners.links(), text=text, tenants=tenants)
    )


def _read(candidates: Candidates, source: Source, owners: BackupOwners) -> Generator[Batch, None, None]:
    for name, support in candidates.supports():
        for data in owners.rows_of(support.entry):
            candidates.support(name, support, data.splitlines(keepends=True))
    for name in candidates.turns():
        for data in source.rows_of(source.entries[name]):
            yield name, candidates.among(name, data)


class _Ahead:
    """Takes batches out of an iterator in a thread of its own, some of them ahead of who asks for them.

    Attributes:
        too_much: they have ended before the last, because there are too many to be told from others.
    """

    def __init__(self, batches: Generator[Batch, None, None]) -> None:
        self._batches = batches
        self._changed = threading.Condition()
        self._waiting = deque[Batch]()
        self._bytes = 0
        self._ended = self._given_up = False
        self._error: BaseException | None = None
        self.too_much = False
        self._thread = threading.Thread(target=self._work, name="candidates", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._given_up = True
            self._changed.notify_all()
        while self._thread.is_alive():
            self._thread.join(_SLICE)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            with self._changed:
                while not (self._waiting or self._ended):
                    self._changed.wait(_SLICE)
                if not self._waiting:
                    break
                batch = self._waiting.popleft()
                self._bytes -= _size(batch)
                self._changed.notify_all()
            yield batch
        # within a COPY it is not an error, which would break the transaction
        self.too_much = isinstance(self._error, TooMuchError)
        if self._error is not None and not self.too_much:
            raise self._error

    def _work(self) -> None:
        try:
            with closing(self._batches):
                for batch in self._batches:
                    if not self._put(batch):
                        return
        except BaseException as error:
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, batch: Batch) -> bool:
        """Let a batch wait once there is room for it; gives whether any more is wanted."""
        with self._changed:
            while self._bytes > AHEAD_BYTES and not self._given_up:
                self._changed.wait(_SLICE)
            if batch[1]:
                self._waiting.append(batch)
                self._bytes += _size(batch)
                self._changed.notify_all()
            return not self._given_up


def _size(batch: Batch) -> int:
    return sum(map(len, batch[1]))
