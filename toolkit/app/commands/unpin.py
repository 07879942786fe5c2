"""`unpin`: let a pinned backup be pruned again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from toolkit.app import command
from toolkit.app.command import INVENTORY, JSON, Call, Command
from toolkit.app.commands.pin import HOLDERS
from toolkit.output.answer import Answer, Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `unpin` is given."""

    label: tuple[str, ...] = command.words("the backup's label")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpinned(Answer):
    """A backup in a repository that is not pinned any more; `was_pinned` says whether it was before."""

    label: str
    repository: str
    was_pinned: bool

    def lines(self) -> Iterator[Line]:
        """Say it in a line."""
        said = "is not pinned any more" if self.was_pinned else "was not pinned"
        yield Line(f"{self.label} in {self.repository} {said}")

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        return asdict(self)


def _unpin(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.repositories import holding
    from toolkit.storage import records

    label = call.one_label(given.label)
    for name, opened in holding(call, label):
        yield Unpinned(label=label, repository=name, was_pinned=records.unpin(opened, label))


COMMAND = Command(
    name="unpin",
    summary="Let a pinned backup be pruned again",
    usage="LABEL",
    needs=(HOLDERS, INVENTORY, JSON),
    options=Options,
    body=_unpin,
    listing="pins",
)
