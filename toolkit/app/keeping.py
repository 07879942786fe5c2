"""What retention keeps of a repository and why: the decisions of `prune`, by the rules that a playbook has for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final

from msgspec import Struct

from toolkit.actions.prune import ACTION
from toolkit.app.control import Control
from toolkit.app.retention_rules import rules_for
from toolkit.model.outline import Outline
from toolkit.model.playbook import Place
from toolkit.model.retention import Decision
from toolkit.planning.retention import decide
from toolkit.runner.arguments import prepared
from toolkit.storage.outlines import read_outlines
from toolkit.storage.references import summarised
from toolkit.storage.repository import Repository

_COUNTED: Final = re.compile(r"(hourly|daily|weekly|monthly|yearly|last)(?: (\d+)/(-?\d+))?( \(the oldest\))?")
_WITHIN: Final = re.compile(r"(?:(hourly|daily|weekly|monthly|yearly) )?within (\S+)")
_PERIODS: Final = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}
_PLAIN: Final = {
    "newest of its group": "the newest of its kind",
    "no rule keeps it": "no rule keeps it any more",
    "dated in the future": "its time lies in the future: a clock was wrong",
    "rows of it are in quarantine": "a restore put rows of it aside, which are still to be tried again",
}


class Kept(Struct, frozen=True, kw_only=True):
    """What becomes of the backups of a repository when it is thinned out.

    Attributes:
        playbook: whose rules these are; empty where no playbook thins the repository out, so that all is kept.
        rules: as in the playbook.
        decisions: by group, the newest first; none without rules.
        zone: in which days begin.
        outlines: the backups by their labels.
        timeless: backups whose manifests say no time that can be read: nothing is removed as long as they are there.
    """

    playbook: str
    rules: dict[str, object]
    decisions: Sequence[Decision]
    zone: tzinfo | None
    outlines: Mapping[str, Outline] = {}
    timeless: Sequence[str] = ()


def kept(control: Control, name: str, repository: Repository, *, now: datetime, memory: Path) -> Kept:
    """Say what a repository keeps.

    Raises:
        InputError: the rules of the playbook are wrong.
        StorageError: it cannot be read.
    """
    found = rules_for(control, name)
    if found is None:
        return Kept(playbook="", rules={}, decisions=(), zone=None)
    rules = prepared(ACTION, dict(found.arguments), Place())
    outlines = read_outlines(repository, memory=memory).outlines
    summaries = summarised(repository, outlines.values(), memory=memory)
    timeless = sorted(outlines.keys() - {each.label for each in summaries})
    return Kept(
        playbook=found.playbook,
        rules=dict(found.arguments),
        decisions=decide(summaries, rules.policy, now=now, zone=rules.zone),
        zone=rules.zone,
        outlines=outlines,
        timeless=timeless,
    )


def in_words(reason: str) -> str:
    """Say a reason of retention for people."""
    if found := _COUNTED.fullmatch(reason):
        word, number, of, oldest = found.groups()
        if word == "last":
            what = "one of the newest" if number is None else f"one of the newest {of}"
        else:
            period = _PERIODS[word]
            what = f"the newest of its {period}"
            what += "" if number is None else f", {number} of {of} {period}s that are kept"
        return f"{what} (and the oldest there is)" if oldest else what
    if found := _WITHIN.fullmatch(reason):
        period, length = found.groups()
        first = f"the newest of its {_PERIODS[period]}" if period else "young"
        return f"{first}: within {length} of the newest"
    if reason.startswith("newest proven"):
        return "the newest that a restore has proven"
    return _PLAIN.get(reason, reason.replace("(minimum)", "that always stay").replace("of its group", "of its kind"))
