"""Which runs are shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from toolkit.app.runs.record import Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is asked of runs; what is empty is not asked."""

    host: str = ""
    playbook: str = ""
    by: str = ""
    state: str = ""

    def among(self, runs: Iterable[Known]) -> Iterator[Known]:
        """Give those that fit, in their order."""
        return (each for each in runs if self._fits(each))

    def _fits(self, known: Known) -> bool:
        return (
            self.state in ("", known.state)
            and self.by in ("", known.run.by)
            and self.playbook.casefold() in known.run.playbook.casefold()
            and (not self.host or self.host in known.hosts())
        )
