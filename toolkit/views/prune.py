"""Views of prunes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from toolkit.model.result import Pruned
from toolkit.model.retention import Decision
from toolkit.planning.clock import stamp
from toolkit.views.view import View, view
from toolkit.wording import counted, size

_READ: Final = 20
"""Groups that a person reads whole; of more, what is kept is summed up."""


@view.register
def _pruned(result: Pruned) -> View:
    verb = "would remove" if result.check else "removed"
    backups = f"{len(result.removed)} of {counted(len(result.decisions), 'backup')}"
    return View(
        message=f"{verb} {backups} and {_chunks(result.chunks, result.bytes)}",
        details=(*_decisions(result), *_remarks(result)),
        facts={
            "removed": list(result.removed),
            "kept": [each.backup.label for each in result.decisions if each.keep],
            "decisions": [_decision(each) for each in result.decisions],
            "reasons": {each.backup.label: list(each.reasons) for each in result.decisions},
            "chunks": result.chunks,
            "bytes": result.bytes,
            "freed_bytes": 0 if result.keeps_deleted else result.bytes,
            "waiting_chunks": result.waiting,
            "waiting_bytes": result.waiting_bytes,
            "leftovers": result.leftovers,
        },
    )


def _decision(decision: Decision) -> dict[str, object]:
    return {
        "label": decision.backup.label,
        "time": stamp(decision.backup.time),
        "group": list(decision.group),
        "keep": decision.keep,
        "reasons": list(decision.reasons),
    }


def _remarks(result: Pruned) -> Iterator[str]:
    if result.waiting:
        yield f"{_chunks(result.waiting, result.waiting_bytes)} that no backup needs wait out the grace period"
    if result.leftovers:
        yield f"{counted(result.leftovers, 'unfinished file')} of interrupted writes removed"


def _decisions(result: Pruned) -> Iterator[str]:
    """Every backup with what becomes of it, below the name of its group; of many groups those that are removed."""
    groups = len({each.group for each in result.decisions})
    told = [each for each in result.decisions if groups <= _READ or not each.keep]
    width = max((len(each.backup.label) for each in told), default=0)
    group: tuple[str, ...] | None = None
    for each in told:
        if each.group != group:
            group = each.group
            yield f"{', '.join(group) or 'all backups'}:"
        time = each.backup.time.astimezone(result.zone).strftime("%Y-%m-%d %H:%M")
        word = "keep" if each.keep else "remove"
        yield f"  {each.backup.label:<{width}}  {time}  {word:<6}  {', '.join(each.reasons)}"
    if kept := len(result.decisions) - len(told):
        yield f"{counted(kept, 'backup')} of {counted(groups, 'group')} kept; a report names each with its reasons"


def _chunks(number: int, bytes_: int) -> str:
    return f"{counted(number, 'chunk')} ({size(bytes_)})"
