"""`init --update`: what the shipped playbooks say today, beside the copies of a control directory."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from toolkit.app.beginning.asking import Asker
from toolkit.app.beginning.files import Files
from toolkit.app.beginning.playbooks import RECORD, digest, record, record_text, shipped_playbooks
from toolkit.output.answer import BAD, GOOD, WARNING, Answer, Line
from toolkit.wording import called


class State(StrEnum):
    """How a copy stands to what is shipped, in the words that are printed."""

    SAME = "as shipped"
    NEW = "new: shipped since this directory was made"
    CHANGED = "changed since it was copied; yours is as it was"
    YOURS = "yours, and what is shipped has not changed"
    BOTH = "yours, and changed since it was copied: what is shipped now has, beside yours"
    REMOVED = "removed by you, and stays so"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared(Answer):
    """One playbook."""

    name: str
    state: State
    mine: str
    theirs: str

    def lines(self) -> Iterator[Line]:
        """Say how it stands, and show what differs."""
        style = GOOD if self.state in (State.SAME, State.YOURS, State.REMOVED) else WARNING
        yield Line(f"{self.name}: {self.state}", style)
        if self.state in (State.CHANGED, State.BOTH, State.NEW):
            sides = (self.mine.splitlines(), self.theirs.splitlines())
            for line in difflib.unified_diff(*sides, "yours", "shipped", lineterm=""):
                yield Line(f"    {line}", BAD if line.startswith("-") else GOOD if line.startswith("+") else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Answer):
    """What was written in the end."""

    text: str

    def lines(self) -> Iterator[Line]:
        """Say it."""
        yield Line(self.text)


def updated(directory: Path, asker: Asker) -> Iterator[Answer]:
    """Compare every playbook with what is shipped; what nobody has touched is renewed where a person agrees."""
    known = record(directory)
    files = Files(directory=directory)
    waiting = []
    for name, theirs in shipped_playbooks().items():
        compared = _compared(files, name, theirs, known.get(name, ""))
        yield compared
        if compared.state in (State.CHANGED, State.NEW):
            if asker.yes(f"take the shipped {name}?"):
                files.change(name, theirs)
            else:
                waiting.append(name)
        if name not in waiting and compared.state not in (State.YOURS, State.BOTH, State.REMOVED):
            known[name] = digest(theirs)
    if known != record(directory):
        files.change(RECORD, record_text(known))
    files.write()
    renewed = [name for name in files.written if name != RECORD]
    said = f"written: {', '.join(renewed)}" if renewed else "nothing was changed"
    if waiting and not asker.person:
        said += "; `invoke init --update --yes` takes what is shipped where you have changed nothing"
    yield Ended(text=called(said))


def _compared(files: Files, name: str, theirs: str, copied: str) -> Compared:
    mine = files.read(name)
    return Compared(name=name, state=_state(files, name, mine, theirs, copied), mine=mine, theirs=theirs)


def _state(files: Files, name: str, mine: str, theirs: str, copied: str) -> State:
    if not (files.directory / name).exists():
        return State.REMOVED if copied else State.NEW
    if digest(mine) == digest(theirs):
        return State.SAME
    if digest(mine) == copied:
        return State.CHANGED
    return State.YOURS if copied == digest(theirs) else State.BOTH
