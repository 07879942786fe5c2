"""Records of a file that cannot be taken: held until the backup is made that they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import msgspec

from toolkit.actions.context import Context
from toolkit.actions.destinations import Destination
from toolkit.model.quarantine import QuarantinedRow
from toolkit.storage.quarantine import IMPORTED, QuarantineWriter

_ROW = msgspec.json.Decoder(QuarantinedRow)


class SetAside:
    """The records of one file.

    Args:
        file: its name, by which the quarantine says where they are from.
        spool: holds them; empty.

    Attributes:
        counts: table, or model without one → how many.
    """

    def __init__(self, file: str, context: Context, spool: IO[bytes]) -> None:
        self.counts: dict[str, int] = {}
        self._file = file
        self._context = context
        self._spool = spool

    def put(self, row: QuarantinedRow) -> None:
        """Hold a record."""
        self.counts[row.table] = self.counts.get(row.table, 0) + 1
        self._spool.write(msgspec.json.encode(row) + b"\n")

    @contextmanager
    def stored(self, destination: Destination, label: str) -> Iterator[None]:
        """Put them into the quarantine of a backup that is made inside; they are taken back where it is not."""
        if not self.counts:
            yield
            return
        context, repository = self._context, destination.opened()
        request = {IMPORTED: self._file}
        writer = QuarantineWriter(repository, label, context.host.name, context.now(), request=request)
        self._spool.seek(0)
        writer.write(_ROW.decode(line) for line in self._spool)
        try:
            yield
        except BaseException:
            writer.discard()
            raise
