"""What a Dask worker does: it is told of a run's inventory when it meets the run, and then does one task at a time.

The worker needs this package in the version of the run, the sources of the secrets that its tasks use, and a control
directory where there is one for the run: repositories on disk, and files of secrets, are looked for below it.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from dask.distributed import Queue, get_client, get_worker
from distributed.diagnostics.plugin import WorkerPlugin
from distributed.worker import Worker

from toolkit import __version__
from toolkit.actions.registry import ACTIONS
from toolkit.config import inventory as inventories
from toolkit.config.inventory import LoadedInventory
from toolkit.config.packing import unpack
from toolkit.config.templates import Templates
from toolkit.model.outcome import Outcome, SilentProgress
from toolkit.model.playbook import Place
from toolkit.private.files import keep_private
from toolkit.runner.executor import Order, Threads
from toolkit.runner.interruption import Interruption
from toolkit.runner.wire import LOST, Errand, answer, received

DIRECTORY: Final = "PLAYBACK_DIRECTORY"
"""The environment variable with a worker's control directory, where it is not in the same place as the run's."""
PROGRESS_SECONDS: Final = 0.5


@dataclass(slots=True, kw_only=True)
class _Guest:
    """A run, as a worker knows it.

    Attributes:
        files: where its inventory is.
        shown: how the run calls the inventory's directory.
    """

    files: Path
    control: Path
    shown: str
    interruption: Interruption = field(default_factory=Interruption)
    lock: threading.Lock = field(default_factory=threading.Lock)
    loaded: LoadedInventory | None = None

    def inventory(self) -> LoadedInventory:
        with self.lock:
            if self.loaded is None:
                self.loaded = inventories.load(self.files, control=self.control)
            return self.loaded

    def shown_file(self, name: str) -> str:
        """The name of a file of the inventory as the run knows it."""
        path = Path(name)
        return f"{self.shown}/{path.relative_to(self.files).as_posix()}" if path.is_relative_to(self.files) else name


_guests: dict[str, _Guest] = {}


class Visit(WorkerPlugin):
    """Tells every worker, those that come later too, of a run's inventory, and forgets it in the end.

    Args:
        run: the run's name.
        files: the inventory's files by their names in it.
        directory: the control directory.
        shown: how the run calls the inventory's directory.
        own: the workers are processes of this run alone, beside it in the same terminal.
    """

    def __init__(self, *, run: str, files: Mapping[str, str], directory: str, shown: str, own: bool) -> None:
        self.name = f"playback-{run}"
        self.version = __version__
        self._run, self._files, self._directory, self._shown, self._own = run, dict(files), directory, shown, own

    def setup(self, worker: Worker) -> None:
        """Take the run in; whatever is wrong with this worker is said at once."""
        if self.version != __version__:
            raise RuntimeError(f"it has playback {__version__}, the run {self.version}")
        control = Path(os.environ.get(DIRECTORY) or self._directory)
        if not control.is_dir():
            raise RuntimeError(f"it has no directory {control}: share it, or name another one in {DIRECTORY}")
        keep_private()
        if self._own and threading.current_thread() is threading.main_thread():
            # Ctrl-C is for the run, which says then what becomes of its tasks
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        folder = Path(tempfile.mkdtemp(prefix="playback-inventory-"))
        for name, text in self._files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        _guests[self._run] = _Guest(files=folder, control=control, shown=self._shown)

    def teardown(self, worker: Worker) -> None:
        """Forget the run."""
        if guest := _guests.pop(self._run, None):
            shutil.rmtree(guest.files, ignore_errors=True)


def interrupt(run: str) -> None:
    """Have the tasks of a run end soon, and none of them begin any more."""
    if guest := _guests.get(run):
        guest.interruption.notice()


def work(text: str) -> str:
    """Do a task, unless somebody has begun it before, and give the answer; both as JSON."""
    errand = received(text)
    guest = _guests[errand.run]
    if guest.interruption.pending:
        return answer(_interrupted, foreign=False, shown_file=str)
    if not _claimed(errand.claim):
        return LOST
    action = ACTIONS[errand.action]
    return answer(partial(_done, errand, guest), foreign=action.asks_others, shown_file=guest.shown_file)


def _interrupted() -> Outcome:
    raise KeyboardInterrupt


def _claimed(claim: str) -> bool:
    """Whether this worker may begin: what a run lays down once can be taken once, whatever Dask does again."""
    queue = Queue(claim, client=get_client())
    try:
        return bool(queue.get(batch=True))
    finally:
        queue.close()


def _done(errand: Errand, guest: _Guest) -> Outcome:
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
        progress=lambda: _Told(errand.claim),
        at_end=_no_end,
    )
    return Threads().run(order)


def _nothing() -> Any:
    raise AssertionError


def _no_end(name: str, work: Callable[[], bool]) -> None:
    raise AssertionError(f"{name}: what is done at the end of a play is done where the run was started")


class _Told(SilentProgress):
    """Progress that is told to the run, now and then."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._worker = get_worker()
        self._lock = threading.Lock()
        self._next = 0.0
        self._rows = self._bytes = 0

    def start(self, what: str, *, rows: int | None = None, bytes: int | None = None) -> None:
        """Tell that a phase begins, with what is left of the one before."""
        with self._lock:
            self._flush()
            self._tell({"what": what, "rows": rows, "bytes": bytes})

    def advance(self, *, rows: int = 0, bytes: int = 0) -> None:
        """Count rows and bytes, and tell them when it is time."""
        with self._lock:
            self._rows += rows
            self._bytes += bytes
            if time.monotonic() >= self._next:
                self._flush()

    def note(self, text: str) -> None:
        """Tell where it stands."""
        with self._lock:
            if time.monotonic() >= self._next:
                self._tell({"note": text})

    def _flush(self) -> None:
        if self._rows or self._bytes:
            self._tell({"rows": self._rows, "bytes": self._bytes})
            self._rows = self._bytes = 0

    def _tell(self, message: Mapping[str, Any]) -> None:
        self._next = time.monotonic() + PROGRESS_SECONDS
        self._worker.log_event(self._topic, dict(message))
