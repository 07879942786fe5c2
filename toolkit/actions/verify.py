"""`verify`: a backup beside a database, or a backup's own chunks in the repository."""

from __future__ import annotations

import time
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Struct
from msgspec.structs import replace

from toolkit.actions.action import Action
from toolkit.actions.answering import AnswersArguments, with_file
from toolkit.actions.arguments import BackupChoice, RepositoryName, Text, UniqueTexts, about
from toolkit.actions.choosing import backup_of
from toolkit.actions.context import Context
from toolkit.actions.devices import device_catalog, device_to_verify
from toolkit.actions.locking import shared_lock
from toolkit.actions.proving import recorded
from toolkit.actions.restored import RestoreFacts, after_restore, facts_of
from toolkit.actions.targets import conninfo_of, database_named, repository_of
from toolkit.errors import ExitCode, StorageError
from toolkit.model.drift import Answers
from toolkit.model.host import EmbeddedDatabase, Host, ServerDatabase
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Moved, Outcome, SilentProgress
from toolkit.model.proof import Restoration, Trial
from toolkit.model.result import VerifiedDatabase, VerifiedRepository
from toolkit.model.role import Role
from toolkit.planning.choice import LATEST
from toolkit.planning.some_tables import named_tables
from toolkit.postgres.servers.place import restoration_in
from toolkit.postgres.session.connection import connect
from toolkit.postgres.verify.verification import Verification, verify_database
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.check import check
from toolkit.storage.proofs import doubt
from toolkit.storage.records import record_verified
from toolkit.storage.repository import Repository


class Against(StrEnum):
    """What a backup is verified against."""

    DATABASE = "database"
    REPOSITORY = "repository"


class VerifyArguments(AnswersArguments, frozen=True, kw_only=True):
    """Which backup is verified, and against what."""

    backup: Annotated[BackupChoice, about("Which backup.", LATEST, "20261120T020000Z-nightly-business")] = LATEST
    repository: RepositoryName = ""
    against: Annotated[
        Against,
        about(
            "`database`: compare with the data of a host. `repository`: read every chunk back and check it.",
            "database",
        ),
    ] = Against.DATABASE
    host: Annotated[
        Text,
        about(
            "The host to compare with, or a scratch database: `embedded:NAME`, or `HOST:DATABASE` on the server of a"
            " host. The host of the task when left out.",
            "embedded:scratch",
            role=Role.DATABASE,
        ),
    ] = ""
    tables: Annotated[
        UniqueTexts,
        about(
            "Compare only these tables, names or glob patterns of them. Default: all, or those that the restore under"
            " `after` was asked for.",
            ["products", "product_*"],
        ),
    ] = ()
    after: Annotated[
        dict[str, Any] | None,
        about(
            "What `register` holds of a restore of this backup into this database: the rows that it kept may differ,"
            " and no others; its answers to drift hold here, too. In check mode, where nothing is restored, the task"
            " is skipped.",
            "{{ restored }}",
        ),
    ] = None


def run(arguments: VerifyArguments, context: Context) -> Outcome:
    """Verify a backup against a database (the default) or against the repository; a success is recorded there.

    Raises:
        InputError: there is no such backup or host.
        DamageError: a chunk that has to be read is damaged.
        LockedError: a prune or repair holds the repository.
    """
    repository = repository_of(context, arguments.repository)
    if context.check:
        return _verify(arguments, context, repository)
    with shared_lock(context, repository, "verify", reading=True) as lock:
        outcome = _verify(arguments, context, repository)
    return replace(outcome, warnings=(*lock.warnings, *outcome.warnings))


def _verify(arguments: VerifyArguments, context: Context, repository: Repository) -> Outcome:
    if arguments.after and context.check:
        return Outcome(skipped="nothing is restored in check mode, so there is nothing to verify")
    manifest = backup_of(context, repository, arguments.backup)
    if arguments.against is Against.REPOSITORY:
        return _against_repository(repository, manifest, context)
    found = beside_database(arguments, context, repository, manifest)
    outcome = found.outcome
    if found.whole and (found.as_restored or found.restoration is None):
        outcome = _recorded(outcome, repository, manifest, context, against="database", host=found.place)
    if found.proves and found.as_restored and not context.check:
        outcome = recorded(outcome, context, repository, manifest, found.trial)
    return outcome


class Beside(Struct, frozen=True, kw_only=True):
    """What a backup beside a database gave.

    Attributes:
        place: the database, by the name of its host.
        whole: the database has all rows of the backup, no others, and the backup's files are there.
        restoration: what was restored into the database, where it is a scratch database that holds this backup.
        businesses: those that were restored there, and nothing of them differs.
        postgres: the version of the server.
        as_restored: it was compared under the answers to drift of the restore that made it, as far as that is known:
            by others, what somebody dropped or converted there since would look equal.
        differing: the tables that are not as in the backup, and files of it that are not whole.
    """

    outcome: Outcome
    place: str
    whole: bool
    restoration: Restoration | None
    businesses: tuple[str, ...]
    postgres: str
    as_restored: bool
    differing: tuple[str, ...]

    @property
    def proves(self) -> bool:
        """Whether it shows that the backup, or businesses of it, can be restored: they were, and were found equal."""
        return self.restoration is not None and (self.whole or bool(self.businesses))

    @property
    def trial(self) -> Trial:
        """What is to be recorded of it."""
        moved = self.outcome.moved[0]
        return Trial(
            place=self.place,
            postgres=self.postgres,
            seconds=self.restoration.seconds if self.restoration else None,
            businesses=() if self.whole else self.businesses,
            rows=moved.rows,
            tables=moved.tables,
        )


def beside_database(arguments: VerifyArguments, context: Context, repository: Repository, manifest: Manifest) -> Beside:
    """Compare a backup with a database; nothing is recorded."""
    after, host = arguments.after, host_named(context, arguments.host or context.host.name)
    answers = with_file(arguments, context.inventory.directory, "verify").said()
    catalog, clock = device_catalog(context, host), time.monotonic()
    facts = facts_of(after, manifest) if after else None
    patterns = arguments.tables or (facts.request.tables if facts else ())
    named = named_tables(manifest, patterns, action="verify")
    with (
        BackupReader(repository, manifest) as reader,
        connect(conninfo_of(context, host), application="playback verify") as connection,
    ):
        found = verify_database(
            connection,
            catalog,
            manifest,
            reader.rows_of,
            context.progress,
            answers=facts.request.said() if facts and answers == Answers() else answers,
            device=device_to_verify(context, catalog, host, facts.request.identity if facts else None),
            tables=named,
        )
        restoration, postgres = restoration_in(connection), connection.server
    result = _verified(manifest, host, found, others=len(manifest.tables) - len(named) if named else 0)
    if result.differing and facts:
        result = replace(result, after=after_restore(facts, host, repository, manifest, context))
    outcome = _outcome(manifest, result, found, time.monotonic() - clock)
    equal = not (result.differing or found.passed_over or (found.identity and result.device_tables))
    # equal tables are found by their digests, without reading the stored rows: at least the files must be there whole
    if lost := _lost(repository, manifest) if equal else ():
        outcome = replace(outcome, warnings=(*outcome.warnings, *lost), exit_code=ExitCode.DIFFERENCES)
    return Beside(
        outcome=outcome,
        place=host.name,
        whole=equal and not (lost or named),
        restoration=restoration if restoration and restoration.of(manifest) and not named else None,
        businesses=restoration.businesses if restoration and _shows_businesses(result, facts, restoration) else (),
        postgres=postgres,
        as_restored=answers == (facts.request.said() if facts and answers != Answers() else Answers()),
        differing=(*(each.table for each in result.differing), *lost),
    )


def _lost(repository: Repository, manifest: Manifest) -> tuple[str, ...]:
    report = check(repository, read_data=False, labels=(manifest.metadata.label,), progress=SilentProgress())
    return tuple(finding.message for finding in report.damage)


def _shows_businesses(result: VerifiedDatabase, facts: RestoreFacts | None, restoration: Restoration) -> bool:
    """Whether the database has the businesses that were restored into it, all their rows as in the backup, alone."""
    if facts is None or result.after is None or any(each.extra or each.changed for each in result.verdicts):
        return False
    return result.explained and not result.after.kept and facts.request.businesses == restoration.businesses


def _recorded(
    outcome: Outcome, repository: Repository, manifest: Manifest, context: Context, *, against: str, host: str = ""
) -> Outcome:
    """Note in the repository that a backup is known to be good, so that a prune can rely on it."""
    if context.check:
        return outcome
    try:
        record_verified(repository, manifest, against=against, host=host, now=context.now())
    except StorageError as error:
        warning = f"that {manifest.metadata.label} was verified could not be recorded: {error.message}"
        return replace(outcome, warnings=(*outcome.warnings, warning))
    return outcome


def host_named(context: Context, name: str) -> Host:
    """A host of the inventory, or a scratch database under the catalog of the task's own host.

    That is `embedded:NAME`, or `HOST:DATABASE`, on the server of a host.
    """
    if EmbeddedDatabase.of(name) is None and ServerDatabase.of(name) is None:
        return context.inventory.host(name)
    own, (database, _) = context.host, database_named(context.inventory, name)
    return Host(name=name, database=database, catalog=own.catalog, repository=own.repository, scratch=True)


def _against_repository(repository: Repository, manifest: Manifest, context: Context) -> Outcome:
    label = manifest.metadata.label
    report = check(repository, labels=(label,), progress=context.progress)
    findings = tuple(finding.message for finding in report.damage)
    chunks = sum(1 for _ in manifest.stored_chunks)
    outcome = Outcome(
        result=VerifiedRepository(label=label, place=repository.place, chunks=chunks, findings=findings),
        exit_code=ExitCode.DIFFERENCES if findings else 0,
        warnings=tuple(finding.message for finding in report.findings if finding.kind.harmless),
    )
    if not findings:
        return _recorded(outcome, repository, manifest, context, against="repository")
    if not context.check:
        with suppress(StorageError):
            doubt(repository, label, f"{findings[0]} (found by verify)", now=context.now())
    return outcome


def _verified(manifest: Manifest, host: Host, found: Verification, *, others: int) -> VerifiedDatabase:
    return VerifiedDatabase(
        label=manifest.metadata.label,
        host=host.name,
        verdicts=found.verdicts,
        identity=found.identity,
        followed=found.followed,
        device_tables=tuple(table.name for table in manifest.tables if table.category == "device"),
        others=others,
    )


def _outcome(manifest: Manifest, result: VerifiedDatabase, found: Verification, seconds: float) -> Outcome:
    moved = Moved(
        what=f"verify {result.label} ↔ {result.host}",
        tables=len(result.verdicts),
        rows=sum(verdict.rows for verdict in result.verdicts),
        bytes=sum(entry.bytes for entry in manifest.tables if entry.name in {each.table for each in result.verdicts})
        if result.others
        else manifest.metadata.stats.uncompressed_size,
        seconds=seconds,
    )
    return Outcome(
        result=result,
        warnings=found.said,
        moved=(moved,),
        exit_code=ExitCode.DIFFERENCES if result.differing and not result.explained else 0,
    )


ACTION = Action(
    name="verify",
    does="Compare a backup with a database, table by table, or read it back from the repository and check it.",
    examples=({"backup": "latest", "against": "database", "host": "scratch"},),
    arguments=VerifyArguments,
    run=run,
    on_leader=("host", "answers"),
)
