"""Two states of an application that a person names, opened to be compared: backups, or a backup and a database."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from toolkit.app.command import Call
from toolkit.app.control import utc_now
from toolkit.app.repositories import find_backup
from toolkit.config.inventory import LoadedInventory
from toolkit.errors import InputError
from toolkit.model.difference import Difference, TableDifference
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Progress
from toolkit.planning.difference.comparing import chosen_tables, differences
from toolkit.planning.difference.notes import notes, remarks
from toolkit.planning.difference.owned import OwnedRows
from toolkit.planning.difference.side import Side, scope_of, tables_of
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.backup_side import BackupPieces, without_chunks
from toolkit.storage.locks import LockKind, locked
from toolkit.storage.repository import Repository

OWNING = ("tenant", "owned")
"""The rules whose rows belong to businesses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is compared.

    Attributes:
        labels: of one backup or two.
        host: whose database stands in the place of the second.
        business: rows of it alone; empty for all.
        tables: names, or glob patterns; empty for all.
        shown: how many rows of each kind and table are shown.
    """

    labels: tuple[str, ...]
    host: str
    business: str
    tables: Sequence[str]
    shown: int


class Opened:
    """Both sides, until the end of the block."""

    def __init__(self, call: Call, asked: Asked, stack: ExitStack) -> None:
        self._call = call
        self._asked = asked
        self._stack = stack
        self._inventory: LoadedInventory = call.control.load_inventory()
        found = [find_backup(self._inventory, label, call.repository) for label in asked.labels]
        self._manifests = [manifest for _, _, manifest in found]
        # what only a database can show to be equal is read when it is not
        self._shared = [{chunk.id for _, chunk in manifest.stored_chunks} for manifest in reversed(self._manifests)]
        readers = zip(found, self._shared, strict=True)
        self._pieces = [self._read(repository, manifest, shared) for (_, repository, manifest), shared in readers]
        self.before, self.after = self._sides()

    def compare(self, progress: Progress) -> Difference:
        """Compare them."""
        tables = chosen_tables(self.before, self.after, self._asked.tables)
        if self._asked.business:
            tables = [name for name in tables if self._is_owned(name)]
        total = sum(manifest.metadata.stats.total_records for manifest in self._manifests[:1])
        progress.start("compare", rows=total)
        found = list[TableDifference]()
        end = math.inf if self._call.seconds is None else time.monotonic() + self._call.seconds
        for difference in differences(self.before, self.after, tables, shown=self._asked.shown):
            if time.monotonic() > end:
                raise InputError(
                    f"it takes longer than {self._call.seconds:g} seconds to compare all of it",
                    hint="name some tables, or compare on the command line, which waits as long as it takes",
                )
            found.append(difference)
            progress.note(difference.table)
            entry = self._manifests[0].table(difference.table)
            progress.advance(rows=entry.rows if entry else 0)
        chunks = sum(
            len({chunk.id for entry in manifest.tables if entry.name in tables for chunk in entry.stored_chunks})
            for manifest in self._manifests
        )
        return Difference(
            tables=tuple(found),
            notes=(*self._businesses(), *notes(self.before, self.after, tables)),
            remarks=tuple(remarks(self.before, self.after, tables)),
            chunks=(chunks, sum(len(pieces.read) for pieces in self._pieces)),
        )

    def _read(self, repository: Repository, manifest: Manifest, shared: Collection[str]) -> BackupPieces:
        purpose = f"diff of {manifest.metadata.label}"
        lock = locked(repository, LockKind.SHARED, purpose=purpose, now=utc_now, reading=True)
        for warning in self._stack.enter_context(lock).warnings:
            self._call.note(warning)
        reader = BackupReader(repository, without_chunks(manifest, shared))
        return BackupPieces(manifest, self._stack.enter_context(reader))

    def _sides(self) -> tuple[Side, Side]:
        asked = self._asked
        if asked.business:
            self._check_business()
        return self._backup(0), self._database() if asked.host else self._backup(1)

    def _backup(self, number: int) -> Side:
        manifest, pieces = self._manifests[number], self._pieces[number]
        side = Side(
            title=manifest.metadata.label,
            scope=scope_of(manifest),
            tables=tables_of(manifest),
            tenants=manifest.selection.tenants,
            left_out={left.table: left.reason for left in manifest.left_out},
            pieces=partial(pieces.pieces, shared=self._shared[number]),
            schema_version=manifest.metadata.schema_version or "",
        )
        if not self._asked.business:
            return side
        tables = [entry.name for entry in manifest.tables if self._is_owned(entry.name)]
        owned = OwnedRows(manifest, self._asked.business, pieces.rows_of, tables)
        return replace(
            side,
            mine={name: owned.mine(name) for name in tables},
            known={name: owned.known(name) for name in tables},
        )

    def _database(self) -> Side:
        from toolkit.actions.databases import open_database  # noqa: PLC0415 - two backups need no database
        from toolkit.postgres.session.hurrying import connect_within  # noqa: PLC0415
        from toolkit.postgres.verify.side import database_side  # noqa: PLC0415

        host = self._inventory.host(self._asked.host)
        if not host.catalog:
            raise InputError(f"host {host.name} has no catalog", hint="set `catalog:` for it in inventory/hosts.yml")
        conninfo = open_database(self._inventory.directory, host.database)
        opening = connect_within(conninfo, self._call.seconds, application="playback diff")
        connection = self._stack.enter_context(opening)
        catalog = self._inventory.catalog(host.catalog)
        side = database_side(
            connection, catalog, self._manifests[0], title=f"host {host.name}", business=self._asked.business
        )
        return self._stack.enter_context(side)

    def _is_owned(self, table: str) -> bool:
        rules = (manifest.selection.rules.get(table) for manifest in self._manifests)
        return any(rule is not None and rule.kind in OWNING for rule in rules)

    def _check_business(self) -> None:
        business = self._asked.business
        known = {key: label for manifest in self._manifests for key, label in manifest.selection.tenants.items()}
        if business in known:
            return
        meant = [key for key, label in known.items() if label.casefold() == business.casefold()]
        there = f"there are {', '.join(sorted(known)) or 'none'}"
        hint = f"{business} is the name of {' or '.join(meant)}" if meant else there
        where = " or ".join(manifest.metadata.label for manifest in self._manifests)
        raise InputError(f"there is no business {business} in {where}", hint=hint)

    def _businesses(self) -> Iterator[str]:
        """Say which businesses only one side has."""
        before, after = self.before.tenants, self.after.tenants
        for key in sorted({*before, *after}):
            if (key in before) != (key in after) and self._asked.business in ("", key):
                label = before.get(key) or after.get(key)
                side = self.before if key in before else self.after
                yield f"business {key}{f' ({label})' if label else ''} is only in {side.title}"


@contextmanager
def opened(call: Call, asked: Asked) -> Iterator[Opened]:
    """Open both sides.

    Raises:
        PlaybackError: one of them cannot be read.
    """
    with ExitStack() as stack:
        yield Opened(call, asked, stack)
