"""What was tried to prove backups: `proofs/<label>/<time>-<id>.json`, a file for each attempt.

Several may be made at once, so none is ever changed. They outlive their backups for a while: which business was proven
when, and how long restores took, is asked for long after a single backup was pruned.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from toolkit import __version__
from toolkit.errors import PlaybackError
from toolkit.model.manifest import Manifest
from toolkit.model.outline import Outline
from toolkit.model.proof import Proof, Standing, Trial
from toolkit.planning.clock import compact_stamp, instant, stamp
from toolkit.planning.proving import standing
from toolkit.storage.decoding import decoded, read_each
from toolkit.storage.layout import PROOFS, proof_label_of, proof_time_of, proofs_of
from toolkit.storage.processes import who
from toolkit.storage.records import forget_verified
from toolkit.storage.remembered import Remembered
from toolkit.storage.repository import Repository

KEPT = timedelta(days=366)
"""How long what was tried stays known when its backup is gone."""

_PROOF = msgspec.json.Decoder(Proof)
"""Made here, because msgspec crashes when several threads decode into a type for the first time at once."""


class Proofs(Struct, frozen=True, kw_only=True):
    """Attempts to prove backups.

    Attributes:
        repository: id of the repository that they were read from.
        attempts: label → the attempts on it, oldest first; also of backups that are gone.
        unreadable: the files that could not be understood.
    """

    repository: str
    attempts: Mapping[str, tuple[Proof, ...]]
    unreadable: tuple[str, ...] = ()

    def standing(self, manifest: Manifest | Outline, *, now: datetime | None = None) -> Standing:
        """Give how a backup of the repository stands; with `now`, by proofs that are not from the future alone."""
        attempts = self.attempts.get(manifest.metadata.label, ())
        return standing(manifest, attempts, repository=self.repository, now=now)


def record_proof(repository: Repository, proof: Proof) -> None:
    """Note an attempt, beside all earlier ones. Raises StorageError where it cannot be written."""
    stem = f"{proofs_of(proof.label)}{compact_stamp(instant(proof.time))}"
    repository.store.put(f"{stem}-{secrets.token_hex(4)}.json", msgspec.json.encode(proof))


def doubt(repository: Repository, label: str, why: str, *, now: datetime) -> None:
    """Note that a backup turned out to be damaged: it counts neither as verified nor as proven any more.

    A bundle is left as it is by whoever only reads it.

    Raises:
        StorageError: that cannot be written.
    """
    if repository.store.one_file:
        return
    forget_verified(repository, label)
    try:
        manifest = repository.manifest(label)
    except PlaybackError:
        return  # of which nobody says that it is proven
    known = read_proofs(repository, [label]).standing(manifest)
    if known.proven or known.businesses:
        record_proof(repository, proof_of(repository, manifest, Trial(failure=why), now=now))


def proof_of(repository: Repository, manifest: Manifest, trial: Trial, *, now: datetime) -> Proof:
    """Give what is to be recorded of a trial of a backup of the repository, made now, by us."""
    metadata = manifest.metadata
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
        conclusive=trial.conclusive,
        playbook=trial.playbook,
        tool=f"playback {__version__}",
        by=who(),
    )


def read_proofs(repository: Repository, labels: Collection[str] | None = None, *, memory: Path | None = None) -> Proofs:
    """Read the attempts on some backups, or everything that is known.

    Args:
        memory: where what was read is remembered; None for nowhere.

    Raises:
        StorageError: they cannot be listed or read.
    """
    prefix = proofs_of(*labels) if labels is not None and len(labels) == 1 and memory is None else PROOFS
    wanted = [
        stored
        for stored in repository.store.list(prefix)
        # what is remembered is of all backups, whichever are asked for
        if (label := proof_label_of(stored.name)) and (labels is None or label in labels or memory)
    ]
    unreadable: list[str] = []

    def read(names: Iterable[str]) -> Iterator[tuple[str, Proof]]:
        for name, data in read_each(repository.store, names):
            proof = _proof_in(data, proof_label_of(name)) if data is not None else None
            if proof is not None:
                yield name, proof
            elif data is not None:
                unreadable.append(name)

    attempts: dict[str, list[Proof]] = {}
    for proof in Remembered(memory, repository, "proofs-1", Proof).read(wanted, read).values():
        if labels is None or proof.label in labels:
            attempts.setdefault(proof.label, []).append(proof)
    ordered = {label: tuple(sorted(found, key=lambda each: each.time)) for label, found in attempts.items()}
    torn = tuple(name for name in unreadable if labels is None or proof_label_of(name) in labels)
    return Proofs(repository=repository.id, attempts=ordered, unreadable=torn)


def lacking_proofs(source: Repository, target: Repository, labels: Collection[str]) -> dict[str, list[str]]:
    """Give, by label, the files about backups of one repository that another one does not have."""
    there = {stored.name for stored in target.store.list(PROOFS)}
    lacking: dict[str, list[str]] = {}
    for stored in source.store.list(PROOFS):
        label = proof_label_of(stored.name)
        if label and label in labels and stored.name not in there:
            lacking.setdefault(label, []).append(stored.name)
    return lacking


def carry_proofs(source: Repository, target: Repository, names: Iterable[str], *, checksums: tuple[str, str]) -> int:
    """Take what was tried on a backup along to where it was copied to; gives how many files.

    Args:
        checksums: of its manifest in either repository: they differ where its chunks were compressed otherwise.
    """
    (ours, theirs), carried = checksums, 0
    for name, data in read_each(source.store, names):
        proof = _proof_in(data, proof_label_of(name)) if data is not None else None
        if proof is not None and proof.checksum == ours:
            target.store.put(name, msgspec.json.encode(msgspec.structs.replace(proof, checksum=theirs)))
            carried += 1
    return carried


def outlived(repository: Repository, labels: Collection[str], now: datetime) -> list[str]:
    """Give the files about backups that are gone which nobody asks for any more.

    Args:
        labels: the backups that there are.
        now: by the store's clock.
    """
    return [
        stored.name
        for stored in repository.store.list(PROOFS)
        if (label := proof_label_of(stored.name)) is not None
        and label not in labels
        and ((time := proof_time_of(stored.name)) is None or time < now - KEPT)
    ]


def _proof_in(data: bytes, label: str | None) -> Proof | None:
    """The attempt in a file; None where it is not what was written."""
    try:
        proof = decoded(_PROOF, data)
        instant(proof.backed_up)
        # times are compared as text
        written = stamp(instant(proof.time), "milliseconds") == proof.time
    except (ValueError, OverflowError):  # DecodeError is a ValueError
        return None
    return proof if written and proof.label == label else None
