"""Noting in a repository what was tried to prove a backup, and how that went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from toolkit import __version__
from toolkit.actions.context import Context
from toolkit.errors import StorageError
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Outcome
from toolkit.model.proof import Asserted, Proof
from toolkit.planning.clock import instant, stamp
from toolkit.storage.processes import who
from toolkit.storage.proofs import record_proof
from toolkit.storage.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was tried, and how it went; the attributes are those of `toolkit.model.proof.Proof`."""

    place: str
    postgres: str = ""
    seconds: float | None = None
    businesses: Sequence[str] = ()
    rows: int = 0
    tables: int = 0
    assertions: Sequence[Asserted] = ()
    failure: str = ""


def attempt(context: Context, repository: Repository, manifest: Manifest, trial: Trial) -> Proof:
    """Give what is to be recorded of a trial of a backup of the repository, as of now."""
    metadata, now = manifest.metadata, context.now()
    return Proof(
        label=metadata.label,
        checksum=manifest.checksum,
        host=metadata.host,
        job=metadata.job,
        scope=metadata.backup_type,
        backed_up=metadata.timestamp,
        time=stamp(now, "milliseconds"),
        repository=repository.id,
        businesses=tuple(sorted(trial.businesses)),
        place=trial.place,
        postgres=trial.postgres,
        seconds=trial.seconds,
        age=max(0.0, round((now - instant(metadata.timestamp)).total_seconds(), 3)),
        rows=trial.rows,
        tables=trial.tables,
        assertions=tuple(trial.assertions),
        failure=trial.failure,
        playbook=context.playbook,
        tool=f"playback {__version__}",
        by=who(),
    )


def recorded(outcome: Outcome, repository: Repository, proof: Proof) -> Outcome:
    """Note an attempt in the repository; where that fails, the outcome says so."""
    try:
        record_proof(repository, proof)
    except StorageError as error:
        what = "proven" if proof.proves else "not proven"
        warning = f"that {proof.label} was {what} could not be recorded: {error.message}"
        return replace(outcome, warnings=(*outcome.warnings, warning))
    return outcome
