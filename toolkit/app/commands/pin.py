"""`pin`: keep a backup from being pruned, in every repository that has it; through a day, or until it is unpinned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from toolkit.app import command
from toolkit.app.command import INVENTORY, JSON, Call, Command
from toolkit.errors import ExitCode, PlaybackError
from toolkit.output.answer import BAD, Answer, Line

HOLDERS = command.REPOSITORY._replace(help="a repository of the inventory (default: all that have the backup)")

"""Exit code where it is not pinned in every repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `pin` is given."""

    label: tuple[str, ...] = command.words("the backup's label")
    until: str = command.text("the last day it is kept, as YYYY-MM-DD (default: until it is unpinned)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned(Answer):
    """A backup in a repository, pinned through a day or without an end; or why it is not."""

    label: str
    repository: str
    until: date | None
    error: PlaybackError | None = None

    @property
    def exit_code(self) -> int:
        """3 where it is not pinned."""
        return ExitCode.PARTIAL if self.error else ExitCode.OK

    def lines(self) -> Iterator[Line]:
        """Say it in a line."""
        from toolkit.actions.pin import how_long
        from toolkit.output.failure import error_lines

        what = f"{self.label} in {self.repository}"
        if self.error:
            yield Line(f"{what} is NOT pinned", BAD)
            yield from error_lines(self.error)
        else:
            yield Line(f"{what} is pinned {how_long(self.until)}")

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        from toolkit.config.masking import mask

        return {
            "label": self.label,
            "repository": self.repository,
            "pinned": self.error is None,
            "until": self.until.isoformat() if self.until else None,
            "error": mask(self.error.message) if self.error else None,
        }


def _pin(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.actions.pin import day_of
    from toolkit.app.control import utc_now
    from toolkit.app.repositories import holding
    from toolkit.storage import records

    label = call.one_label(given.label)
    day = day_of(given.until, utc_now(), where="--until") if given.until else None
    for name, opened in holding(call, label):
        error: PlaybackError | None = None
        try:
            records.pin(opened, label, until=day, now=utc_now())
        except PlaybackError as failed:  # the others must not go without for it
            error = failed
        yield Pinned(label=label, repository=name, until=day, error=error)


COMMAND = Command(
    name="pin",
    summary="Keep a backup from being pruned",
    usage="LABEL [--until DATE]",
    needs=(HOLDERS, INVENTORY, JSON),
    options=Options,
    body=_pin,
    listing="pins",
)
