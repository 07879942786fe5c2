"""What playbooks do, in words, for whoever chooses one to run by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from toolkit import shipped
from toolkit.app.control import Control
from toolkit.config import playbook as playbooks
from toolkit.errors import PlaybackError
from toolkit.model.playbook import Block, Step, Task

_DOES: Final = {
    "backup": "makes a backup",
    "import": "makes a backup of a file",
    "drill": "rehearses a restore",
    "verify": "compares every row",
    "copy": "copies backups to another place",
    "prune": "thins out old backups",
    "check": "reads back what is stored",
    "export": "writes files",
    "mail": "sends mail",
}
"""What an action does, of those that leave the data of a computer alone."""

_WRITES: Final = {
    "restore": "restores into the data of a computer",
    "seed": "adds rows to the data of a computer",
    "sql": "may change rows by SQL",
    "orphans": "may take away rows that belong to nothing",
    "demo": "makes a demo database",
}
"""The same of those that write, or may write, into data in use."""

_TRIAL: Final = "restores into a trial database"


class Offered(Struct, frozen=True, kw_only=True):
    """A playbook to choose.

    Attributes:
        name: its file, as the command line names it.
        title: what its first play is called, or the file's name.
        does: what it does, in its order.
        writes: it writes, or may write, into data in use.
    """

    name: str
    title: str
    does: tuple[str, ...] = ()
    writes: bool = False

    @property
    def backs_up(self) -> bool:
        """Whether it makes a backup, and leaves all data alone."""
        return not self.writes and _DOES["backup"] in self.does

    @property
    def words(self) -> str:
        """What it does, as a sentence; empty where nothing is known of it."""
        said = ", ".join(self.does)
        return f"{said[:1].upper()}{said[1:]}." if said else ""


def offered(control: Control) -> list[Offered]:
    """Give the control directory's playbooks, else the shipped ones: nightly, what backs up, the rest, what writes."""
    own = sorted((control.directory / "playbooks").glob("*.yml"))
    names = [f"playbooks/{file.name}" for file in own or sorted(shipped.PLAYBOOKS.glob("*.yml"))]
    found = [_offered(control, name) for name in names]
    return sorted(found, key=lambda each: (Path(each.name).stem != "nightly", each.writes, not each.backs_up))


def _offered(control: Control, name: str) -> Offered:
    try:
        plays = playbooks.load(control.playbook(name), control=control.directory).plays
    except (PlaybackError, OSError):
        return Offered(name=name, title=Path(name).stem)  # scheduling it says what is wrong with it
    tasks = [task for play in plays for task in _tasks((*play.pre_tasks, *play.tasks, *play.post_tasks))]
    does = tuple(dict.fromkeys(words for task in tasks if (words := _words(task))))
    writes = any(words in _WRITES.values() for words in does)
    return Offered(name=name, title=plays[0].name if plays else Path(name).stem, does=does, writes=writes)


def _tasks(steps: tuple[Step, ...]) -> Iterator[Task]:
    for step in steps:
        if isinstance(step, Block):
            yield from _tasks((*step.block, *step.rescue, *step.always))
        else:
            yield step


def _words(task: Task) -> str:
    if task.action == "restore" and isinstance(task.arguments, Mapping) and task.arguments.get("scratch"):
        return _TRIAL
    return _WRITES.get(task.action) or _DOES.get(task.action, "")
