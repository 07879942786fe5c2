"""`drill`: a backup is restored into a scratch database, compared, questioned, and what came of it is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from toolkit.actions import restore
from toolkit.actions.action import Action
from toolkit.actions.answering import AnswersArguments, with_file
from toolkit.actions.arguments import LockWait, RepositoryName, Text, about, matching
from toolkit.actions.asserting import Assertion, asked
from toolkit.actions.context import Context
from toolkit.actions.devices import device_catalog
from toolkit.actions.locking import shared_lock
from toolkit.actions.proving import recorded
from toolkit.actions.restore import RestoreArguments
from toolkit.actions.restored import RestoreFacts, after_restore
from toolkit.actions.scratch import EMBEDDED, Scratch, ScratchName, borrowed
from toolkit.actions.targets import conninfo_of, known_repositories, repository_config, repository_of
from toolkit.actions.turns import ALL, Chosen, Wanted, chosen
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
from toolkit.model.plan import Mode
from toolkit.model.proof import Trial
from toolkit.model.result import Drilled
from toolkit.planning.clock import instant
from toolkit.planning.drilling import Turn
from toolkit.postgres.servers.place import restoration_in
from toolkit.postgres.session.connection import connect
from toolkit.postgres.verify.alone import rows_alone
from toolkit.storage.open import open_store
from toolkit.storage.repository import Repository
from toolkit.wording import counted, first_few

_CONCLUSIVE = (DamageError, RowsRefusedError, UnprovenError)
"""What fails because of the backup; anything else kept the drill from being carried out, and says nothing of it."""


class DrillArguments(AnswersArguments, frozen=True, kw_only=True):
    """Which backup is tried, how much of it, where, and what has to hold there."""

    backups: Annotated[
        Text,
        matching(
            "^(oldest-unproven|random|latest|[0-9]{8}T[0-9]{6}Z-[A-Za-z0-9._-]+)$",
            "say `oldest-unproven`, `random`, `latest` or a label such as 20261120T020000Z-nightly-business",
        ),
        about(
            "Which backup of the host: the oldest that is not proven; a random one of those that were never tried, and"
            " when all were, the one that has waited longest; the latest; or one by its label.",
            Turn.OLDEST_UNPROVEN.value,
            "random",
        ),
    ] = Turn.OLDEST_UNPROVEN.value
    job: Annotated[
        Text, about("Only backups of this job. Default: those of the job that has waited longest.", "nightly")
    ] = ""
    businesses: Annotated[
        Annotated[str, matching("^(all|random [1-9][0-9]*)$", "say `all`, `random 1`, or a list of businesses")]
        | Annotated[tuple[Text, ...], Meta(min_length=1, extra_json_schema={"uniqueItems": True})],
        about(
            "How much of it: `all`, the whole backup; `random N`, so many businesses, those first that have waited"
            " longest; or a list of businesses.",
            ALL,
            "random 1",
            ["b-harbour"],
        ),
    ] = ALL
    assertions: Annotated[
        tuple[Assertion, ...],
        about(
            "What has to hold in the scratch database, beside being equal to the backup.",
            [{"name": "nothing is sold for less than nothing", "query": "SELECT min(total) >= 0 FROM orders"}],
        ),
    ] = ()
    repository: RepositoryName = ""
    on: Annotated[
        Text,
        about(
            "The server on which the scratch database is made: `embedded`, one of Playback's own; `host`, the one of"
            " the host, whose role then needs CREATEDB; or that of another host of the inventory.",
            "host",
        ),
    ] = EMBEDDED
    name: Annotated[ScratchName, about("The name of the scratch database.", "drill")] = "drill"
    keep: Annotated[
        bool, about("Whether the scratch database stays, to be looked into, until the next drill makes it anew.", False)
    ] = False
    seed: Annotated[int | None, about("What chance begins with, for the same choice again. Default: the time.", 7)] = (
        None
    )
    lock_wait: LockWait = 0


def run(arguments: DrillArguments, context: Context) -> Outcome:
    """Drill one backup. Nothing stays of it but the record in the repository.

    Raises:
        InputError: there is no such backup, business or host.
        RefusedError: the backup cannot be restored into today's schema, or the server cannot hold that.
        LockedError: a prune or repair holds the repository, or another drill the scratch database.
        DatabaseError, StorageError: restoring or comparing failed.
    """
    arguments = with_file(arguments, context.inventory.directory, "drill")
    wanted = Wanted(
        backups=arguments.backups,
        job=arguments.job,
        businesses=arguments.businesses,
        seed=str(context.now() if arguments.seed is None else arguments.seed),
    )
    if context.check:
        config = repository_config(context, arguments.repository)
        there = known_repositories(context).open_if_there(config)
        if there is None:
            return Outcome(skipped=f"there is no repository at {open_store(config).place} yet")
        found = chosen(context, there, wanted)
        if context.write_answers and found.manifest is not None:
            _ask(arguments, context, found, found.manifest)
        return replace(_forecast(found), warnings=found.warnings)
    repository = repository_of(context, arguments.repository)
    with shared_lock(context, repository, "drill", wait=arguments.lock_wait, reading=True) as lock:
        outcome = _drilled(arguments, context, repository, wanted)
    return replace(outcome, warnings=(*lock.warnings, *outcome.warnings))


def _drilled(arguments: DrillArguments, context: Context, repository: Repository, wanted: Wanted) -> Outcome:
    """Drill the backup whose turn it is; one that asks for answers is told, and gives its turn to the next."""
    passed, warnings, code, refused = list[str](), list[str](), ExitCode.OK, None
    while (found := chosen(context, repository, wanted, passed=passed)).manifest is not None:
        try:
            outcome = _Drill(arguments, context, repository, found, found.manifest).outcome()
        except RefusedError as error:
            if not error.facts.get("questions"):
                raise
            label = found.manifest.metadata.label
            error = RefusedError(error.message, hint=_how_to_answer(error, label), facts=error.facts)
            if wanted.backups not in list(Turn):
                raise error from None
            refused = refused or error
            passed.append(label)
            warnings.append(f"{label} could not be drilled, the next had its turn: {error}")
            code = code if found.proven else ExitCode.PARTIAL
        else:
            warned = (*found.warnings, *warnings, *outcome.warnings)
            return replace(outcome, warnings=warned, exit_code=outcome.exit_code or code)
    if refused is not None:
        raise refused
    return replace(_forecast(found), warnings=found.warnings)


def _how_to_answer(error: RefusedError, label: str) -> str:
    by_label = f"`drill: {{backups: {label}}}`, in playbooks/drill.yml `--extra-vars backup={label}`"
    return f"to answer, name the backup: {by_label}; {error.hint}"


def _ask(arguments: DrillArguments, context: Context, found: Chosen, manifest: Manifest) -> None:
    """Have a restore into the host's database, which is only planned, write what it asks."""
    try:
        restore.run(_request(arguments, found, manifest), context)
    except RefusedError as error:
        if not error.facts.get("questions"):
            raise


def _request(
    arguments: DrillArguments, found: Chosen, manifest: Manifest, scratch: Scratch | None = None
) -> RestoreArguments:
    return RestoreArguments(
        repository=arguments.repository,
        backup=manifest.metadata.label,
        mode=Mode.MIRROR,
        businesses=tuple(found.businesses),
        scratch=scratch,
        **_answers(arguments),
    )


def _answers(arguments: AnswersArguments) -> dict[str, Any]:
    """What is answered to drift, for the restore and for the comparison."""
    return {name: getattr(arguments, name) for name in AnswersArguments.__struct_fields__}


def _forecast(found: Chosen) -> Outcome:
    """What would be drilled, or why nothing is."""
    label = found.manifest.metadata.label if found.manifest else ""
    return Outcome(result=Drilled(label=label, businesses=found.businesses, why=found.why))


class _Drill(Struct):
    """A drill of one backup.

    Attributes:
        trial: what is known of it so far.
        moved: rows of the closing table.
        warnings: those of the restore and of the comparison.
    """

    arguments: DrillArguments
    context: Context
    repository: Repository
    found: Chosen
    manifest: Manifest
    trial: Trial = field(default_factory=Trial)
    moved: tuple[Moved, ...] = ()
    warnings: tuple[str, ...] = ()

    def outcome(self) -> Outcome:
        """Carry it out, and record how it went."""
        self.trial = Trial(businesses=tuple(self.found.businesses))
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
            kept=self.arguments.keep,
        )
        return self._recorded(Outcome(result=result, moved=self.moved, warnings=self.warnings, exit_code=code))

    def _recorded(self, outcome: Outcome) -> Outcome:
        return recorded(outcome, self.context, self.repository, self.manifest, self.trial)

    def _try(self) -> int:
        """Restore, compare, ask; gives the exit code."""
        arguments, own = self.arguments, self.context.host.name
        scratch = Scratch(like=own, on=arguments.on, name=arguments.name, keep=arguments.keep)
        with borrowed(self._own, scratch) as name:
            self.trial = replace(self.trial, place=name)
            request = _request(arguments, self.found, self.manifest, scratch)
            self._restore(request)
            differing = self._compare_businesses(name, request) if self.found.businesses else self._compare(name)
            if differing:
                failure = f"{counted(len(differing), 'table')} not as in the backup: {first_few(differing)}"
                self.trial = replace(self.trial, failure=failure)
                return ExitCode.DIFFERENCES
            return self._assert(name)

    @property
    def _own(self) -> Context:
        """What the restore would drop when the play has ended is dropped when the drill has."""
        return replace(self.context, at_end=lambda name, work: None, scratch_by="drill")

    def _restore(self, request: RestoreArguments) -> None:
        outcome = restore.run(request, self._own)
        self.moved, self.warnings = outcome.moved, outcome.warnings

    def _compare(self, name: str) -> Sequence[str]:
        """Compare the whole backup; gives the tables that differ."""
        arguments = VerifyArguments(backup=self.manifest.metadata.label, host=name, **_answers(self.arguments))
        beside = beside_database(arguments, self.context, self.repository, self.manifest)
        self.trial, self.moved = beside.trial, (*self.moved, *beside.outcome.moved)
        self.warnings += beside.outcome.warnings
        if not (beside.proves or beside.differing):
            raise RefusedError(
                f"today's catalog file passes over rows of {self.manifest.metadata.label}, so not all can be compared",
                hint="what was passed over stands in the warnings of `restore` and `verify`",
            )
        return () if beside.proves else beside.differing

    def _compare_businesses(self, name: str, request: RestoreArguments) -> Sequence[str]:
        """Plan the restore once more: nothing may be left to do, and no other rows be there; gives what differs."""
        host = host_named(self.context, name)
        facts = RestoreFacts(label=self.manifest.metadata.label, request=request, kept_rows=())
        after = after_restore(facts, host, self.repository, self.manifest, self.context)
        with connect(conninfo_of(self.context, host), application="playback drill") as connection:
            alone = rows_alone(connection, device_catalog(self.context, host), self.manifest, request.businesses)
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
        known = {"label": self.manifest.metadata.label, "businesses": list(self.found.businesses)}
        database = conninfo_of(self.context, host_named(self.context, name))
        asserted = tuple(asked(database, each, known) for each in self.arguments.assertions)
        broken = [each.name for each in asserted if not each.holds]
        failure = (
            f"{len(broken)} of {counted(len(asserted), 'assertion')} broken: {'; '.join(broken)}" if broken else ""
        )
        self.trial = replace(self.trial, assertions=asserted, failure=failure)
        return ExitCode.FAILED if broken else ExitCode.OK


ACTION = Action(
    name="drill",
    does="Restore a backup into a scratch database, compare it, ask what has to hold there, and record the proof.",
    examples=(
        {"backups": "oldest-unproven"},
        {
            "backups": "random",
            "businesses": "random 1",
            "assertions": [{"name": "there are orders", "query": "SELECT count(*) > 0 FROM orders"}],
        },
    ),
    arguments=DrillArguments,
    run=run,
    asks_others=True,
    on_leader=True,
)
