"""`doctor.storage`: what the place of a repository can do, and what that means for backups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app.command import INVENTORY, JSON, REPOSITORY, Call, Command, NoOptions
from toolkit.errors import ExitCode
from toolkit.output.answer import BAD, GOOD, Answer, Line

if TYPE_CHECKING:
    from toolkit.storage.store import Ability


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed(Answer):
    """What a place was found to do."""

    repository: str
    place: str
    findings: tuple[Ability, ...]

    @property
    def exit_code(self) -> int:
        """1 when it cannot be used as it is."""
        return ExitCode.FAILED if self._bad() else 0

    def _bad(self) -> list[str]:
        return [finding.what for finding in self.findings if finding.bad]

    def lines(self) -> Iterator[Line]:
        """Give a table of the findings, and whether it can be used."""
        yield Line(f"repository {self.repository}: {self.place}")
        rows = [(finding.what, finding.found, finding.meaning) for finding in self.findings]
        table = wording.table(("what", "found", "what that means here"), rows)
        for line, finding in zip(table, (None, *self.findings), strict=True):
            yield Line(line, BAD if finding and finding.bad else "")
        if bad := self._bad():
            yield Line(f"it cannot be used like this: {', '.join(bad)}", BAD)
        else:
            yield Line("it can be used", GOOD)

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        from msgspec.structs import asdict

        return {
            "repository": self.repository,
            "place": self.place,
            "usable": not self._bad(),
            "findings": [asdict(finding) for finding in self.findings],
        }


def _doctor_storage(given: NoOptions, call: Call) -> Iterator[Answer]:
    from toolkit.storage.open import open_store
    from toolkit.storage.probing import probe

    del given
    name = call.named_repository("to look at ")
    store = open_store(call.control.load_inventory().repository(name))
    yield Probed(repository=name, place=store.place, findings=tuple(probe(store)))


COMMAND = Command(
    name="doctor.storage",
    summary="Try what the place of a repository can do",
    usage="--repository R",
    needs=(REPOSITORY._replace(help="the repository whose place is looked at"), INVENTORY, JSON),
    options=NoOptions,
    body=_doctor_storage,
)
