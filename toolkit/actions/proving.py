"""Noting in a repository what was tried to prove a backup, and how that went."""

from __future__ import annotations

from msgspec.structs import replace

from toolkit.actions.context import Context
from toolkit.errors import StorageError
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Outcome
from toolkit.model.proof import Trial
from toolkit.storage.proofs import proof_of, record_proof
from toolkit.storage.repository import Repository


def recorded(outcome: Outcome, context: Context, repository: Repository, manifest: Manifest, trial: Trial) -> Outcome:
    """Note a trial of a backup in its repository; where that fails, the outcome says so."""
    label, what = manifest.metadata.label, "could not be proven" if trial.failure else "is proven"
    if repository.store.one_file:
        warning = f"that {label} {what} is not noted: a bundle is left as it is by whoever reads it"
        return replace(outcome, warnings=(*outcome.warnings, warning))
    trial = replace(trial, playbook=context.playbook)
    try:
        record_proof(repository, proof_of(repository, manifest, trial, now=context.now()))
    except StorageError as error:
        warning = f"that {label} {what} could not be recorded: {error.message}"
        return replace(outcome, warnings=(*outcome.warnings, warning))
    return outcome
