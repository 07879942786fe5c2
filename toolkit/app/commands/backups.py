"""`backups`: list what is in the repositories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app.command import INVENTORY, JSON, REPOSITORY, Call, Command, NoOptions
from toolkit.output.answer import BAD, WARNING, Answer, Line

if TYPE_CHECKING:
    from toolkit.app.repositories import Unread
    from toolkit.errors import PlaybackError
    from toolkit.model.manifest import Manifest, Metadata
    from toolkit.model.proof import Proof, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A backup, the repository it is in, and whether it is proven."""

    repository: str
    manifest: Manifest
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups(Answer):
    """The backups, by the time at which they were recorded, and what could not be read.

    Attributes:
        unreadable: backups that cannot be read, each with its repository.
        warnings: what else cannot be read.
    """

    backups: tuple[Listed, ...]
    warnings: tuple[str, ...]
    unreadable: tuple[tuple[str, PlaybackError], ...]
    unread: tuple[Unread, ...]

    @property
    def exit_code(self) -> int:
        """The gravest of the repositories and backups that cannot be read."""
        from toolkit.runner.results import exit_code

        codes = [error.exit_code for _, error in self.unreadable]
        return exit_code([*codes, *(each.exit_code for each in self.unread)])

    def lines(self) -> Iterator[Line]:
        """Give one table of all of them."""
        for each in self.unread:
            yield from each.lines()
        for name, error in self.unreadable:
            yield Line(f"{name}: {error}", BAD, error=True, foreign=True)
        for warning in self.warnings:
            yield Line(f"[WARNING]: {warning}", WARNING)
        if not self.backups:
            yield Line("no backup can be read" if self.exit_code else "there are no backups yet")
            return
        header = ("label", "repository", "host", "job", "scope", "time", "proven", "rows", "bytes", "stored")
        rows = map(_row, self.backups)
        for line in wording.table(header, rows, right=("rows", "bytes", "stored")):
            yield Line(line)

    def document(self) -> Mapping[str, Any]:
        """Give the metadata of each, as its manifest has them, and every error."""
        import msgspec

        from toolkit.config.masking import mask

        errors = [{"repository": name, "error": mask(str(error))} for name, error in self.unreadable]
        return {
            "backups": [
                {
                    "repository": each.repository,
                    **msgspec.to_builtins(each.manifest.metadata),
                    "put_aside": each.manifest.put_aside,
                    **standing_document(each.standing),
                }
                for each in self.backups
            ],
            "errors": [*errors, *(each.document() for each in self.unread)],
        }


def scope_text(metadata: Metadata) -> str:
    """Say what a backup covers in a few words, e.g. `business, 2 businesses` or `business, demo included`."""
    covered = metadata.business_filter
    parts: list[str] = [metadata.backup_type]
    if covered.business_ids:
        number = len(covered.business_ids)
        parts.append(covered.business_ids[0] if number == 1 else f"{number} businesses")
    if covered.demo != "exclude":
        parts.append({"include": "demo included", "only": "demo only"}[covered.demo])
    return ", ".join(parts)


def standing_text(standing: Standing) -> str:
    """Say in a few words whether a backup is proven, e.g. `2026-11-20T02:03Z`, `no`, or `2 businesses`."""
    if standing.failed is not None:
        return f"FAILED {_minute(standing.failed)}"
    if standing.proven is not None:
        return _minute(standing.proven)
    if standing.businesses:
        return wording.counted(len(standing.businesses), "business", "businesses")
    return f"no, tried {_minute(standing.hindered)}" if standing.hindered else "no"


def standing_document(standing: Standing) -> dict[str, Any]:
    """Give the newest proof that holds, that of each business, and the attempts that failed, where they did."""
    import msgspec

    return {
        "proven": msgspec.to_builtins(standing.proven),
        "proven_businesses": {business: proof.time for business, proof in standing.businesses.items()},
        "failed": msgspec.to_builtins(standing.failed),
        "hindered": msgspec.to_builtins(standing.hindered),
    }


def _minute(proof: Proof) -> str:
    return f"{proof.time[: len('2026-11-20T02:03')]}Z"


def _aside(manifest: Manifest) -> str:
    number = sum(manifest.put_aside.values())
    return f", {wording.counted(number, 'record')} put aside" if number else ""


def _row(listed: Listed) -> tuple[str, ...]:
    metadata = listed.manifest.metadata
    return (
        metadata.label,
        listed.repository,
        metadata.host,
        metadata.job,
        scope_text(metadata) + _aside(listed.manifest),
        metadata.timestamp,
        standing_text(listed.standing),
        wording.count(metadata.stats.total_records),
        wording.size(metadata.stats.uncompressed_size),
        wording.size(metadata.stats.compressed_size),
    )


def _backups(given: NoOptions, call: Call) -> Iterator[Answer]:
    from toolkit.app.labels_seen import remember
    from toolkit.app.repositories import Unread, opened
    from toolkit.storage.local import LocalStore
    from toolkit.storage.proofs import read_proofs

    del given
    backups: list[Listed] = []
    warnings: list[str] = []
    unreadable: list[tuple[str, PlaybackError]] = []
    unread: list[Unread] = []
    for name, repository in opened(call):
        if isinstance(repository, Unread):
            unread.append(repository)
            continue
        found = repository.manifests()
        if not isinstance(repository.store, LocalStore):
            remember(call.control.directory, {name: sorted(found.manifests)})
        unreadable += [(name, error) for error in found.unreadable.values()]
        proofs = read_proofs(repository, found.manifests)
        warnings += [f"{name}: {file} cannot be read" for file in proofs.unreadable]
        backups += [
            Listed(repository=name, manifest=manifest, standing=proofs.standing(manifest))
            for manifest in found.manifests.values()
        ]
    backups.sort(key=lambda each: each.manifest.metadata.timestamp)
    yield Backups(backups=tuple(backups), warnings=tuple(warnings), unreadable=tuple(unreadable), unread=tuple(unread))


COMMAND = Command(
    name="backups",
    summary="List the backups",
    usage="[--repository R]",
    needs=(REPOSITORY, INVENTORY, JSON),
    options=NoOptions,
    body=_backups,
)
