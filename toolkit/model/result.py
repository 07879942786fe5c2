"""What actions have done or found, as data. How it looks, as text and as JSON, is said in `toolkit/views`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

import msgspec
from msgspec import Struct, field

from toolkit.errors import PlaybackError
from toolkit.model.check import CheckReport, RepairPlan
from toolkit.model.drift import Question
from toolkit.model.identity import Followed, IdentityPlan
from toolkit.model.lock import FoundLock
from toolkit.model.manifest import Manifest
from toolkit.model.orphan import OrphanRemoval, OrphanReport
from toolkit.model.plan import Conflict, RestorePlan
from toolkit.model.proof import Trial
from toolkit.model.retention import Decision
from toolkit.model.verdict import TableVerdict


class BackupForecast(Struct, frozen=True, kw_only=True):
    """What a backup would take.

    Attributes:
        tables: how many.
        businesses: their keys with their names.
    """

    tables: int
    businesses: Mapping[str, str]


class StoredIn(Struct, frozen=True, kw_only=True):
    """What one repository newly holds of a backup: chunks, and the size of their files."""

    repository: str
    chunks: int
    bytes: int


class BackedUp(Struct, frozen=True, kw_only=True):
    """A backup that exists in one repository at least; `failed` are the others, with why."""

    manifest: Manifest
    stored: Sequence[StoredIn]
    failed: Mapping[str, PlaybackError]


class Imported(Struct, frozen=True, kw_only=True):
    """A backup that was made of a file, or in check mode would be.

    Attributes:
        aside: table, or model without one → how many records were put aside.
        manifest: None in check mode.
        failed: repositories that did not take it, with why.
    """

    file: str
    rows: int
    tables: int
    businesses: Mapping[str, str]
    aside: Mapping[str, int]
    manifest: Manifest | None = None
    stored: Sequence[StoredIn] = ()
    failed: Mapping[str, PlaybackError] = field(default_factory=dict)


class CopiedBackup(Struct, frozen=True, kw_only=True):
    """One backup that was, or would be, copied: chunks that were sent for it, and the size of their files."""

    label: str
    chunks: int
    bytes: int


class Copied(Struct, frozen=True, kw_only=True):
    """What a copy did, or in check mode would do.

    Attributes:
        to: the repository that is copied to.
        there: labels of backups that it had already.
        proofs: how many records of attempts to prove these were copied.
        failed: label → why it was not copied.
    """

    to: str
    backups: Sequence[CopiedBackup]
    there: Sequence[str]
    proofs: int
    failed: Mapping[str, PlaybackError]
    check: bool


class Pruned(Struct, frozen=True, kw_only=True):
    """What a prune did, or in check mode would do.

    Attributes:
        decisions: of every backup.
        removed: labels.
        chunks: how many were removed, with the size of their files in `bytes`.
        waiting: chunks that no backup needs and that the grace period spares, with their size in `waiting_bytes`.
        leftovers: unfinished files of interrupted writes.
        keeps_deleted: the place of the repository keeps what is deleted, so that no space was freed.
        zone: in which times are shown.
    """

    decisions: Sequence[Decision]
    removed: Sequence[str]
    chunks: int
    bytes: int
    waiting: int
    waiting_bytes: int
    leftovers: int
    keeps_deleted: bool
    zone: tzinfo
    check: bool


class CheckedRepository(Struct, frozen=True, kw_only=True):
    """A repository that was read back.

    Attributes:
        repository: by its name.
        plan: what a repair takes away, or would; None where nothing is damaged.
        repairing: a repair was asked for, which check mode does not carry out.
        whole_again: labels of backups that an earlier repair took away and that are back.
    """

    repository: str
    report: CheckReport
    plan: RepairPlan | None
    repairing: bool
    check: bool
    whole_again: tuple[str, ...] = ()


class Unlocked(Struct, frozen=True, kw_only=True):
    """The locks that a repository had, those with `removed` being gone now, or in check mode to be removed.

    Attributes:
        absent: ids that were named and that no lock has.
    """

    repository: str
    locks: Sequence[FoundLock]
    check: bool
    absent: Sequence[str] = ()


class OrphansFound(Struct, frozen=True, kw_only=True):
    """Orphans, and what deleting them did, or in check mode would do; None where nobody asked for that."""

    report: OrphanReport
    removal: OrphanRemoval | None
    check: bool


class Restored(Struct, frozen=True, kw_only=True):
    """A restore, or in check mode the plan of one.

    Attributes:
        host: the name by which later tasks reach the database.
        timestamp: when the backup was made.
        request: what was asked for.
        samples: rows are shown with the columns that change.
        scratch: the database was made for this.
        device: what was decided about devices, beside what the backup says of its own.
        questions: what the plan asks of a person, with answers that would do.
    """

    plan: RestorePlan
    host: str
    timestamp: str
    request: Mapping[str, Any]
    check: bool
    samples: bool
    scratch: bool = False
    device: Mapping[str, object] = field(default_factory=dict)
    questions: Sequence[Question] = ()


class Retried(Struct, frozen=True, kw_only=True):
    """Rows in quarantine that were tried again, by a restore for each backup; `samples` as of a restore."""

    plans: Sequence[RestorePlan]
    host: str
    check: bool
    samples: bool


class KeptRows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that a restore kept, as one of its facts says: see `toolkit.model.plan.Kept`."""

    table: str
    reason: str
    rows: int
    digest: str


class Undone(Struct, frozen=True, kw_only=True):
    """Rows of a table that differ from a backup, and that the restore of it has not kept."""

    table: str
    rows: int


class KeptOthers(Struct, frozen=True, kw_only=True):
    """A table in which other rows differ than the restore has kept: how many it kept, and how many differ now."""

    table: str
    kept: int
    differing: int


class AfterRestore(Struct, frozen=True, kw_only=True):
    """What a restore of a backup explains of the differences to it.

    Attributes:
        kept: the rows that it kept, which may differ.
        businesses: it was for named businesses only.
        beyond: what differs beyond that; nothing of it where all is well.
    """

    kept: Sequence[KeptRows]
    businesses: bool
    beyond: Sequence[Undone | KeptOthers | Conflict]


class VerifiedDatabase(Struct, frozen=True, kw_only=True):
    """A backup beside a database.

    Attributes:
        identity: what was decided about the device, where it is another one than the backup's.
        device_tables: the tables of the backup that belong to its device.
        followed: rows compared as a restore would have them, because they point at transient rows that are gone.
        after: what a restore explains, where tables differ and such a restore was named.
        others: how many tables of the backup were not compared because others were named.
    """

    label: str
    host: str
    verdicts: Sequence[TableVerdict]
    identity: IdentityPlan | None
    device_tables: tuple[str, ...]
    followed: Sequence[Followed] = ()
    after: AfterRestore | None = None
    others: int = 0

    @property
    def differing(self) -> list[TableVerdict]:
        """The tables that are not as in the backup."""
        return [verdict for verdict in self.verdicts if not verdict.exact]

    @property
    def explained(self) -> bool:
        """Whether a restore explains all differences."""
        return self.after is not None and not self.after.beyond


class Drilled(Struct, frozen=True, kw_only=True):
    """A backup, or businesses of it, that was tried to be proven, or in check mode would be.

    Attributes:
        label: empty where nothing was to be drilled.
        businesses: key → name of those that were restored; empty for the whole backup.
        why: why it was its turn, or nobody's.
        aside: table, or model → records of the imported file that the backup does not have.
        trial: how it went; None where it was not carried out.
        age: how old the data were, in seconds.
        kept: the scratch database stays.
    """

    label: str
    businesses: Mapping[str, str]
    why: str
    aside: Mapping[str, int] = {}
    trial: Trial | None = None
    age: float = 0.0
    kept: bool = False


class VerifiedRepository(Struct, frozen=True, kw_only=True):
    """A backup's chunks, read back from the repository and checked; `findings` are sentences."""

    label: str
    place: str
    chunks: int
    findings: Sequence[str] = field(default_factory=tuple)


class ExportedRows(Struct, frozen=True, kw_only=True):
    """How many rows of a table were exported, and their size as the repository has them."""

    rows: int
    bytes: int


class Exported(Struct, frozen=True, kw_only=True):
    """What an export wrote, or in check mode would write.

    Attributes:
        label: of the backup.
        format: as in the playbook.
        place: the file or directory.
        size: of what was written; None in check mode.
        tables: by name.
        chosen: how rows were chosen, in sentences.
        missing: what is not in it, in sentences.
        at_most: nobody has counted: of these rows there may be fewer.
    """

    label: str
    format: str
    place: str
    size: int | None
    tables: Mapping[str, ExportedRows]
    chosen: Sequence[str]
    missing: Sequence[str]
    at_most: bool = False
