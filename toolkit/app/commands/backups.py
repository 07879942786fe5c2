"""`backups`: list what is in the repositories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app.command import INVENTORY, JSON, REPOSITORY, Call, Command, NoOptions
from toolkit.output.answer import BAD, Answer, Line

if TYPE_CHECKING:
    from toolkit.app.repositories import Unread
    from toolkit.errors import PlaybackError
    from toolkit.model.manifest import Manifest, Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups(Answer):
    """The backups, by the time at which they were recorded, and what could not be read.

    Attributes:
        backups: each with the repository it is in.
        unreadable: backups that cannot be read, each with its repository.
    """

    backups: tuple[tuple[str, Manifest], ...]
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
        if not self.backups:
            yield Line("no backup can be read" if self.exit_code else "there are no backups yet")
            return
        header = ("label", "repository", "host", "job", "scope", "time", "rows", "bytes", "stored")
        rows = (_row(name, manifest.metadata) for name, manifest in self.backups)
        for line in wording.table(header, rows, right=("rows", "bytes", "stored")):
            yield Line(line)

    def document(self) -> Mapping[str, Any]:
        """Give the metadata of each, as its manifest has them, and every error."""
        import msgspec

        from toolkit.config.masking import mask

        errors = [{"repository": name, "error": mask(str(error))} for name, error in self.unreadable]
        return {
            "backups": [
                {"repository": name, **msgspec.to_builtins(manifest.metadata)} for name, manifest in self.backups
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


def _row(repository: str, metadata: Metadata) -> tuple[str, ...]:
    return (
        metadata.label,
        repository,
        metadata.host,
        metadata.job,
        scope_text(metadata),
        metadata.timestamp,
        wording.count(metadata.stats.total_records),
        wording.size(metadata.stats.uncompressed_size),
        wording.size(metadata.stats.compressed_size),
    )


def _backups(given: NoOptions, call: Call) -> Iterator[Answer]:
    from toolkit.app.repositories import Unread, opened

    del given
    backups: list[tuple[str, Manifest]] = []
    unreadable: list[tuple[str, PlaybackError]] = []
    unread: list[Unread] = []
    for name, repository in opened(call):
        if isinstance(repository, Unread):
            unread.append(repository)
            continue
        found = repository.manifests()
        unreadable += [(name, error) for error in found.unreadable.values()]
        backups += [(name, manifest) for manifest in found.manifests.values()]
    backups.sort(key=lambda each: each[1].metadata.timestamp)
    yield Backups(backups=tuple(backups), unreadable=tuple(unreadable), unread=tuple(unread))


COMMAND = Command(
    name="backups",
    summary="List the backups",
    usage="[--repository R]",
    needs=(REPOSITORY, INVENTORY, JSON),
    options=NoOptions,
    body=_backups,
)
