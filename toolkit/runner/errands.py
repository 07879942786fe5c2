"""Errands: tasks of a run, or parts of them, that another process does. What it knows of the run, and how it does one.

The process needs this package in the version of the run, the sources of the secrets that its tasks use, and a control
directory where there is one for the run: repositories on disk, and files of secrets, are looked for below it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from toolkit.actions.registry import ACTIONS
from toolkit.config import inventory as inventories
from toolkit.config.inventory import LoadedInventory
from toolkit.config.packing import unpack
from toolkit.config.templates import Templates
from toolkit.model.outcome import Outcome, Progress, SilentProgress
from toolkit.model.playbook import Place
from toolkit.runner.executor import Order, Threads
from toolkit.runner.interruption import Interruption
from toolkit.runner.wire import Errand, answer
from toolkit.storage.processes import acting_for

PROGRESS_SECONDS: Final = 0.5


class Guest(Struct, kw_only=True):
    """A run, as a process knows it that does errands for it.

    Attributes:
        files: where its inventory is.
        shown: how the run calls the inventory's directory.
        extra: its extra variables, packed.
        interruption: of all its errands.
    """

    files: Path
    control: Path
    shown: str
    extra: Mapping[str, Any]
    interruption: Interruption = field(default_factory=Interruption)
    lock: threading.Lock = field(default_factory=threading.Lock)
    loaded: LoadedInventory | None = None

    def inventory(self) -> LoadedInventory:
        """Give the run's inventory."""
        with self.lock:
            if self.loaded is None:
                self.loaded = inventories.load(
                    self.files, control=self.control, extra=unpack(self.extra, Templates(), self.control)
                )
            return self.loaded

    def shown_file(self, name: str) -> str:
        """The name of a file of the inventory as the run knows it."""
        path = Path(name).absolute()
        return f"{self.shown}/{path.relative_to(self.files).as_posix()}" if path.is_relative_to(self.files) else name


def done(errand: Errand, guest: Guest, tell: Callable[[Mapping[str, Any]], None]) -> str:
    """Do an errand, and give the answer as JSON.

    Args:
        tell: takes news of its progress, for `heard`.
    """
    action = ACTIONS[errand.action]
    return answer(partial(_do, errand, guest, tell), foreign=action.asks_others, shown_file=guest.shown_file)


def heard(news: Mapping[str, Any], progress: Progress) -> None:
    """Take news of another process into the progress that is shown."""
    if "what" in news:
        progress.start(news["what"], rows=news["rows"], bytes=news["bytes"], tables=news["tables"])
    for table, (rows, size) in news.get("done", {}).items():
        progress.advance(rows=rows, bytes=size, table=table)
    if "note" in news:
        progress.note(news["note"])


def _do(errand: Errand, guest: Guest, tell: Callable[[Mapping[str, Any]], None]) -> Outcome | str:
    guest.interruption.check()
    inventory, templates = guest.inventory(), Templates()
    file, line, path = errand.place
    started, sent = time.monotonic(), datetime.fromisoformat(errand.now)
    order = Order(
        action=ACTIONS[errand.action],
        title=errand.action,
        written=None,
        place=Place(file=file, line=line, path=path),
        host=inventory.host(errand.host),
        inventory=inventory,
        playbook=errand.playbook,
        check=errand.check,
        diff=errand.diff,
        write_answers="",
        now=lambda: sent + timedelta(seconds=time.monotonic() - started),
        interruption=guest.interruption,
        render=lambda: unpack(errand.arguments, templates, guest.control),
        pack=_nothing,
        variables=dict,
        progress=lambda: _Told(errand.key, tell),
        at_end=_no_end,
    )
    with acting_for(errand.by):
        return Threads().run(order) if errand.part is None else Threads().part(order, errand.part)


def _nothing() -> Any:
    raise AssertionError


def _no_end(name: str, work: Callable[[], bool]) -> None:
    raise AssertionError(f"{name}: what is done at the end of a play is done where the run was started")


class _Told(SilentProgress):
    """Progress that is told to the run, now and then: nothing of what is done within PROGRESS_SECONDS."""

    def __init__(self, key: str, tell: Callable[[Mapping[str, Any]], None]) -> None:
        self._key = key
        self._say = tell
        self._lock = threading.Lock()
        self._next = time.monotonic() + PROGRESS_SECONDS
        self._news: dict[str, Any] = {}
        self._done: dict[str, list[int]] = {}

    def start(
        self,
        what: str,
        *,
        rows: int | None = None,
        bytes: int | None = None,
        tables: Mapping[str, int] | None = None,
    ) -> None:
        """Begin a phase; what was not told of the one before is not told any more."""
        with self._lock:
            self._news = {"what": what, "rows": rows, "bytes": bytes, "tables": dict(tables) if tables else None}
            self._done = {}
            self._tell()

    def advance(self, *, rows: int = 0, bytes: int = 0, table: str = "") -> None:
        """Count rows and bytes."""
        with self._lock:
            counted = self._done.setdefault(table, [0, 0])
            counted[0] += rows
            counted[1] += bytes
            self._tell()

    def note(self, text: str) -> None:
        """Say where it stands."""
        with self._lock:
            self._news["note"] = text
            self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PROGRESS_SECONDS
        self._say({**self._news, "key": self._key, "done": self._done})
        self._news, self._done = {}, {}
