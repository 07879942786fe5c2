"""`drill`: a backup is restored into a scratch database, compared, questioned, and what came of it is recorded."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from toolkit.actions import restore
from toolkit.actions.action import Action
from toolkit.actions.answering import AnswersArguments, given_answers, with_file
from toolkit.actions.arguments import LockWait, RepositoryName, Text, about, matching
from toolkit.actions.asserting import Assertion
from toolkit.actions.context import Context
from toolkit.actions.locking import shared_lock
from toolkit.actions.restore import RestoreArguments
from toolkit.actions.scratch import EMBEDDED, Scratch, ScratchName
from toolkit.actions.targets import known_repositories, repository_config, repository_of
from toolkit.actions.trial import Drill
from toolkit.actions.turns import ALL, Chosen, Wanted, chosen
from toolkit.errors import ExitCode, RefusedError
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Outcome
from toolkit.model.plan import Mode
from toolkit.model.result import Drilled
from toolkit.planning.drilling import Turn
from toolkit.storage.open import open_store
from toolkit.storage.repository import Repository


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
            scratch = Scratch(like=context.host.name, on=arguments.on, name=arguments.name, keep=arguments.keep)
            outcome = Drill(
                request=_request(arguments, found, found.manifest, scratch),
                scratch=scratch,
                assertions=arguments.assertions,
                context=context,
                repository=repository,
                manifest=found.manifest,
                found=found,
            ).outcome()
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
        **given_answers(arguments),
    )


def _forecast(found: Chosen) -> Outcome:
    """What would be drilled, or why nothing is."""
    label = found.manifest.metadata.label if found.manifest else ""
    return Outcome(result=Drilled(label=label, businesses=found.businesses, why=found.why))


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
