"""What repositories hold, as a command and a page answer it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from toolkit import wording
from toolkit.app.control import utc_now
from toolkit.app.doctoring.repositories import UNCHECKED
from toolkit.config.inventory import LoadedInventory
from toolkit.model.check import CheckRecord
from toolkit.model.holding import Holding
from toolkit.model.host import LocalRepository
from toolkit.output.answer import BAD, WARNING, Answer, Line
from toolkit.planning.clock import stamp
from toolkit.storage.disk import free_bytes
from toolkit.storage.holdings import holding
from toolkit.storage.remembered import memory_of
from toolkit.storage.repository import Repository
from toolkit.views.unlock import document


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Answer):
    """What a repository holds."""

    holding: Holding
    now: datetime

    def lines(self) -> Iterator[Line]:
        """Give a line of numbers, then how it grows, the last check and the locks."""
        held, size = self.holding, wording.size
        free = "" if held.free is None else f"; {size(held.free)} free"
        yield Line(f"{held.repository}: {wording.counted(held.backups, 'backup')}, {size(held.size)}{free}")
        yield Line(f"    in {held.place}", foreign=True)
        if held.added:
            week, month = (size(held.grown(days, self.now)) for days in (7, 30))
            yield Line(f"    grown by {week} in the last 7 days, {month} in the last 30")
        text, style = self.checked
        how = f"; `invoke check --repository {held.repository}` reads it back" if style == WARNING else ""
        yield Line(f"    {text}{how}", style)
        for lock in held.locks:
            word = f"left behind, {lock.stale}: `invoke unlock --repository {held.repository}` removes it"
            yield Line(f"    lock: {lock.text}{'; ' + word if lock.stale else ''}", WARNING if lock.stale else "")

    @property
    def checked(self) -> tuple[str, str]:
        """What is known of checks, in a sentence, and its style: a warning where it is time for one."""
        held = self.holding
        if not held.checkable:
            return "checks are not remembered in one file", ""
        if held.check is None:
            return "never checked", WARNING
        ago = self._ago(held.check.time)
        if held.check.damaged:
            return f"checked {ago}: DAMAGED{', and repaired' if held.check.repaired else ''}", BAD
        style = WARNING if self.now - datetime.fromisoformat(held.check.time) > UNCHECKED else ""
        if held.whole is held.check:
            return f"checked {ago}, no damage", style
        whole = f"as a whole {self._ago(held.whole.time)}" if held.whole else "never as a whole"
        return f"checked {ago} in part, {whole}, no damage", style

    def _ago(self, time: str) -> str:
        return f"{wording.span((self.now - datetime.fromisoformat(time)).total_seconds())} ago"

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        held = self.holding
        return {
            **document(held.repository, held.locks),
            "place": held.place,
            "backups": held.backups,
            "bytes": held.size,
            "free_bytes": held.free,
            "grown_bytes": {str(days): held.grown(days, self.now) for days in (7, 30)},
            "added": [{"label": each.label, "time": stamp(each.time), "bytes": each.bytes} for each in held.added],
            "check": _record(held.check),
            "whole_check": _record(held.whole),
        }


def _record(check: CheckRecord | None) -> Any:
    return msgspec.to_builtins(check) if check else None


def held(inventory: LoadedInventory, name: str, repository: Repository) -> Held:
    """Look into a repository; StorageError where it cannot be listed."""
    config, now = inventory.repository(name), utc_now()
    free = free_bytes(config.path) if isinstance(config, LocalRepository) else None
    return Held(holding=holding(repository, name, free=free, now=now, memory=memory_of(inventory.directory)), now=now)
