"""What is asked of a restore, and the scope that follows from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

from msgspec import Struct, field

from toolkit.model.catalog import Catalog
from toolkit.model.drift import Answers
from toolkit.model.manifest import Manifest
from toolkit.model.plan import Mode, RestorePlan
from toolkit.model.quarantine import QuarantinedRow
from toolkit.model.scope import BackupType, Demo, Scope
from toolkit.model.seen import Seen
from toolkit.planning.reclassification import is_optional
from toolkit.planning.some_tables import SomeTables, some_tables
from toolkit.postgres.compare.source import RowsOf
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.stage.decision import DeviceRequest
from toolkit.postgres.stage.fitting import Ask


class PutAside(Protocol):
    """Takes rows that the target cannot take, before the others are committed."""

    def write(self, rows: Iterable[QuarantinedRow], /) -> None:
        """Put rows aside."""

    def discard(self) -> None:
        """Take back what was put aside: nothing is committed."""


class Ledger(Protocol):
    """Takes note of a restore that is not atomic, so that the next run knows where it stopped."""

    def planned(self, plan: RestorePlan, target: str) -> tuple[str, ...]:
        """Note that a plan is about to be applied to this database; give what is to be said of earlier runs."""

    def begun(self, tables: Collection[str]) -> None:
        """Note that a batch begins to write to these tables: until it is done, nobody knows."""

    def done(self, rows: int) -> None:
        """Note that the batch is committed; it wrote this many rows."""

    def finished(self) -> None:
        """Note that all is applied and proven."""


class Request(Struct, frozen=True, kw_only=True):
    """What to restore, and how.

    Attributes:
        rows_of: gives the checked rows of a table of the backup.
        device: what is asked and known of devices.
        answers: what is said about drift.
        businesses: restore only these out of a wider backup; empty for all that it has.
        tables: restore only rows of these tables of the backup, and missing ones that they point at; empty for all.
        check: plan only; nothing is written.
        samples: show a few rows of what changes.
        exclusive: lock every table of the schema against other writers for the whole transaction.
        fire: let user triggers fire.
        put_aside: receives the rows that the target cannot take, before the others are committed; None refuses such
            a restore instead.
        atomic: one transaction for everything; otherwise one for each batch.
        ledger: takes note of the batches of a restore that is not atomic.
        ask: is told what drift asks, before the restore is refused for it.
        owned: every row counts as owned by the businesses of the backup (rows that were put aside have lost theirs).
        seen: the plan that a person has seen: another one is refused. None where that was not asked for.
        fresh: the target is new and nobody else's, and its constraints are built after the rows are in.
    """

    catalog: Catalog
    manifest: Manifest
    mode: Mode
    rows_of: RowsOf
    device: DeviceRequest
    answers: Answers = field(default_factory=Answers)
    businesses: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    check: bool = False
    samples: bool = False
    exclusive: bool = False
    fire: bool = False
    put_aside: PutAside | None = None
    atomic: bool = True
    ledger: Ledger | None = None
    ask: Ask | None = None
    owned: bool = False
    seen: Seen | None = None
    fresh: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """The tables that are named, as the target calls them."""
        return tuple(self.answers.rename.get(name, name) for name in self.tables)


def scope_on_target(manifest: Manifest, catalog: Catalog, *, unlimited: bool = True) -> Scope:
    """Give the scope of a backup, evaluated on a target.

    Named tenants are those of the backup; a whole scope takes all tenants of the target under the same demo rule, but
    for those that the backup left out by it: it cannot speak of them, whatever they are now. Tables are optional that
    are so today, where the backup has taken them by their rule.

    Args:
        unlimited: take optional tables whole; the cut-off says which of their rows the backup speaks of.
    """
    metadata = manifest.metadata
    named = metadata.business_filter.business_ids
    by_rule = [name for name, text in manifest.classification.items() if manifest.table(name) and not is_optional(text)]
    optional = {
        name: None if unlimited or not catalog.rules[name].newest_by else metadata.optional.get(name)
        for name in {**metadata.optional, **dict.fromkeys(by_rule)}
        if name in catalog.rules and catalog.rules[name].optional
    }
    return Scope(
        type=BackupType(metadata.backup_type),
        businesses=tuple(manifest.selection.tenants) if named else (),
        demo=Demo.INCLUDE if named else Demo(metadata.business_filter.demo),
        optional=optional,
        without=() if named else tuple(manifest.selection.left_out),
    )


def some_on_target(request: Request, survey: Survey) -> SomeTables | None:
    """Give the tables that are named, with what has to do with them on the target; None where all are restored."""
    return some_tables(request.named, survey.links, survey.accounting.rules) if request.tables else None
