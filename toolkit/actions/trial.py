"""The trial of one backup: a scratch database gets it, is compared with it and asked what has to hold."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.actions import restore
from toolkit.actions.answering import given_answers
from toolkit.actions.asserting import Assertion, asked
from toolkit.actions.context import Context
from toolkit.actions.devices import device_catalog
from toolkit.actions.proving import recorded
from toolkit.actions.restore import RestoreArguments
from toolkit.actions.restored import RestoreFacts, after_restore
from toolkit.actions.scratch import Scratch, borrowed
from toolkit.actions.targets import conninfo_of
from toolkit.actions.turns import Chosen
from toolkit.actions.verify import VerifyArguments, beside_database, host_named
from toolkit.config.masking import mask
from toolkit.errors import (
    DamageError,
    ExitCode,
    InputError,
    LockedError,
    PlaybackError,
    RefusedError,
    RowsRefusedError,
    UnprovenError,
)
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Moved, Outcome
from toolkit.model.proof import Trial
from toolkit.model.result import Drilled
from toolkit.planning.clock import instant
from toolkit.postgres.servers.place import restoration_in
from toolkit.postgres.session.connection import connect
from toolkit.postgres.verify.alone import rows_alone
from toolkit.storage.repository import Repository
from toolkit.wording import counted, first_few

_CONCLUSIVE = (DamageError, RowsRefusedError, UnprovenError)
"""What fails because of the backup; anything else kept the drill from being carried out, and says nothing of it."""


class Drill(Struct):
    """A drill of one backup.

    Attributes:
        request: the restore into that scratch database.
        assertions: what has to hold there.
        found: why it is the turn of this backup, and of which businesses of it.
        trial: what is known of it so far.
        moved: rows of the closing table.
        warnings: those of the restore and of the comparison.
    """

    request: RestoreArguments
    scratch: Scratch
    assertions: Sequence[Assertion]
    context: Context
    repository: Repository
    manifest: Manifest
    found: Chosen
    trial: Trial = field(default_factory=Trial)
    moved: tuple[Moved, ...] = ()
    warnings: tuple[str, ...] = ()

    def outcome(self) -> Outcome:
        """Carry it out, and record how it went.

        Raises:
            InputError: there is no such business or host.
            RefusedError: the backup cannot be restored into today's schema, or the server cannot hold that.
            LockedError: another drill has the scratch database.
            DatabaseError, StorageError: restoring or comparing failed.
        """
        self.trial = Trial(businesses=self.request.businesses)
        try:
            code = self._try()
        except (InputError, LockedError):
            raise
        except PlaybackError as error:
            failure, conclusive = mask(error.message), isinstance(error, _CONCLUSIVE)
            self.trial = replace(self.trial, failure=failure, conclusive=conclusive)
            self._recorded(Outcome())
            raise
        age = (self.context.now() - instant(self.manifest.metadata.timestamp)).total_seconds()
        result = Drilled(
            label=self.manifest.metadata.label,
            businesses=self.found.businesses,
            why=self.found.why,
            aside=self.manifest.put_aside,
            trial=self.trial,
            age=max(0.0, age),
            kept=bool(self.scratch.keep),
        )
        return self._recorded(Outcome(result=result, moved=self.moved, warnings=self.warnings, exit_code=code))

    def _recorded(self, outcome: Outcome) -> Outcome:
        return recorded(outcome, self.context, self.repository, self.manifest, self.trial)

    def _try(self) -> int:
        """Restore, compare, ask; gives the exit code."""
        with borrowed(self._own, self.scratch) as name:
            self.trial = replace(self.trial, place=name)
            self._restore()
            differing = self._compare_businesses(name) if self.request.businesses else self._compare(name)
            if differing:
                failure = f"{counted(len(differing), 'table')} not as in the backup: {first_few(differing)}"
                self.trial = replace(self.trial, failure=failure)
                return ExitCode.DIFFERENCES
            return self._assert(name)

    @property
    def _own(self) -> Context:
        """What the restore would drop when the play has ended is dropped when the drill has."""
        return replace(self.context, at_end=lambda name, work: None, scratch_by="drill")

    def _restore(self) -> None:
        outcome = restore.run(self.request, self._own)
        self.moved, self.warnings = outcome.moved, outcome.warnings

    def _compare(self, name: str) -> Sequence[str]:
        """Compare the whole backup; gives the tables that differ."""
        arguments = VerifyArguments(backup=self.manifest.metadata.label, host=name, **given_answers(self.request))
        beside = beside_database(arguments, self.context, self.repository, self.manifest)
        self.trial, self.moved = beside.trial, (*self.moved, *beside.outcome.moved)
        self.warnings += beside.outcome.warnings
        if not (beside.proves or beside.differing):
            raise RefusedError(
                f"today's catalog file passes over rows of {self.manifest.metadata.label}, so not all can be compared",
                hint="what was passed over stands in the warnings of `restore` and `verify`",
            )
        return () if beside.proves else beside.differing

    def _compare_businesses(self, name: str) -> Sequence[str]:
        """Plan the restore once more: nothing may be left to do, and no other rows be there; gives what differs."""
        host = host_named(self.context, name)
        facts = RestoreFacts(label=self.manifest.metadata.label, request=self.request, kept_rows=())
        after = after_restore(facts, host, self.repository, self.manifest, self.context)
        with connect(conninfo_of(self.context, host), application="playback drill") as connection:
            alone = rows_alone(connection, device_catalog(self.context, host), self.manifest, self.request.businesses)
            restoration = restoration_in(connection)
            self.trial = replace(
                self.trial,
                postgres=connection.server,
                seconds=restoration.seconds if restoration else None,
                rows=sum(alone.rows.values()),
                tables=len(self.manifest.tables),
            )
        return sorted({*(each.table for each in after.beyond), *alone.others})

    def _assert(self, name: str) -> int:
        known = {"label": self.manifest.metadata.label, "businesses": list(self.request.businesses)}
        database = conninfo_of(self.context, host_named(self.context, name))
        asserted = tuple(asked(database, each, known) for each in self.assertions)
        broken = [each.name for each in asserted if not each.holds]
        failure = (
            f"{len(broken)} of {counted(len(asserted), 'assertion')} broken: {'; '.join(broken)}" if broken else ""
        )
        self.trial = replace(self.trial, assertions=asserted, failure=failure)
        return ExitCode.FAILED if broken else ExitCode.OK
