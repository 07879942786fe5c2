"""What the manifests of a repository say together: which backups there are, and which chunks they need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from toolkit.errors import DamageError, InputError, PlaybackError, RefusedError
from toolkit.model.manifest import Manifest
from toolkit.model.outline import Outline
from toolkit.model.retention import BackupSummary
from toolkit.planning.retention import summary_of
from toolkit.storage.proofs import Proofs, read_proofs
from toolkit.storage.quarantine import quarantined_labels
from toolkit.storage.records import Records, read_records
from toolkit.storage.repository import Repository

_T = TypeVar("_T")


def summaries(repository: Repository) -> tuple[list[BackupSummary], Records]:
    """Give what retention has to know of every backup, and the records it comes from.

    Raises:
        RefusedError: a manifest cannot be read, or is gone; all such are named.
    """
    vanished = [f"{label}: its manifest is gone" for label in repository.vanished()]
    if vanished:
        raise _unknown_needs(repository, vanished)
    labels = repository.labels()
    known = _Known.of(repository, set(labels))
    unreadable = (*known.records.unreadable, *known.proofs.unreadable)
    return list(_of_each(repository, labels, known.summary)), replace(known.records, unreadable=unreadable)


def summarised(
    repository: Repository, outlines: Iterable[Outline], *, memory: Path | None = None
) -> list[BackupSummary]:
    """Give what retention has to know of all backups, for whoever only looks; one without a time is left out.

    Args:
        memory: where proofs and verifications that were read are remembered; None for nowhere.

    Raises:
        StorageError: the records cannot be read.
    """
    found = list(outlines)
    known = _Known.of(repository, {each.metadata.label for each in found}, memory=memory)
    summaries: list[BackupSummary] = []
    for outline in found:
        with suppress(ValueError):  # its manifest says no time that can be read; a prune refuses it
            summaries.append(known.summary(outline))
    return summaries


class _Known(Struct, frozen=True, kw_only=True):
    """What is known of the backups of a repository besides their manifests."""

    records: Records
    proofs: Proofs
    awaited: frozenset[str]

    @classmethod
    def of(cls, repository: Repository, labels: set[str], *, memory: Path | None = None) -> Self:
        return cls(
            records=read_records(repository, memory=memory),
            proofs=read_proofs(repository, labels, memory=memory),
            awaited=quarantined_labels(repository),
        )

    def summary(self, backup: Manifest | Outline) -> BackupSummary:
        label = backup.metadata.label
        return summary_of(
            backup.metadata,
            verified=self.records.verified.get(label) == backup.checksum,
            standing=self.proofs.standing(backup),
            pin=self.records.pins.get(label),
            awaited=label in self.awaited,
        )


def referenced_files(repository: Repository, labels: Iterable[str]) -> set[bytes]:
    """Give the ids (as 32 bytes) of the chunks with files of their own, and of the packs, that some backups need.

    Backups removed meanwhile need none.

    Raises:
        RefusedError: a manifest cannot be read; all such are named.
    """

    def files(manifest: Manifest) -> set[bytes]:
        own = (chunk.id for _, chunk in manifest.stored_chunks if chunk.pack is None)
        return {bytes.fromhex(each) for each in (*own, *(pack.id for pack in manifest.packs))}

    needed: set[bytes] = set()
    for found in _of_each(repository, labels, files):
        needed |= found
    return needed


def _of_each(repository: Repository, labels: Iterable[str], make: Callable[[Manifest], _T]) -> Iterator[_T]:
    """What is made of each manifest, so that never many of them are in memory; at the end, the error about all."""
    problems: list[str] = []

    def made(manifest: Manifest) -> _T | ValueError:
        try:
            return make(manifest)
        except ValueError as error:
            return error

    for label, result in repository.each(labels, made):
        if isinstance(result, ValueError):
            problems.append(f"{label}: {result}")
        elif isinstance(result, InputError):
            # unless it was removed meanwhile
            problems += [result.message] if label in repository.labels() else []
        elif isinstance(result, DamageError | RefusedError):
            problems.append(result.message)
        elif isinstance(result, PlaybackError):
            raise result
        else:
            yield result
    if problems:
        raise _unknown_needs(repository, problems)


def _unknown_needs(repository: Repository, problems: list[str]) -> RefusedError:
    return RefusedError(
        f"backups of {repository.place} cannot be read, and what they need is unknown; nothing is removed",
        problems,
        hint="`invoke check --repository R` says more; with `--repair` it takes away what cannot be restored",
    )
