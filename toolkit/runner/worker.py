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
from toolkit.errors import TaskError
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
        extra: its extra variables, packed.
    """

    files: Path
    control: Path
    shown: str
    extra: Mapping[str, Any]
    interruption: Interruption = field(default_factory=Interruption)
    lock: threading.Lock = field(default_factory=threading.Lock)
    loaded: LoadedInventory | None = None
    claims: dict[str, Queue] = field(default_factory=dict)

    def inventory(self) -> LoadedInventory:
        with self.lock:
            if self.loaded is None:
                self.loaded = inventories.load(
                    self.files, control=self.control, extra=unpack(self.extra, Templates(), self.control)
                )
            return self.loaded

    def takes(self, errand: Errand) -> bool:
        """Whether this worker may begin: what the run laid down once can be taken once, whatever Dask does again."""
        with self.lock:
            if errand.claims not in self.claims:
                self.claims[errand.claims] = Queue(errand.claims, client=get_client())
        return errand.key in self.claims[errand.claims].get(batch=True)

    def shown_file(self, name: str) -> str:
        """The name of a file of the inventory as the run knows it."""
        path = Path(name)
        return f"{self.shown}/{path.relative_to(self.files).as_posix()}" if path.is_relative_to(self.files) else name


_guests: dict[str, _Guest] = {}


def visit_name(run: str) -> str:
    """Give the name by which a run's workers and their progress are known to the cluster."""
    return f"playback-{run}"


class Visit(WorkerPlugin):
    """Tells every worker, those that come later too, of a run's inventory, and forgets it in the end.

    Args:
        run: the run's name.
        files: the inventory's files by their names in it.
        directory: the control directory.
        shown: how the run calls the inventory's directory.
        extra: its extra variables, packed.
        own: the workers are processes of this run alone, beside it in the same terminal.
    """

    def __init__(
        self, *, run: str, files: Mapping[str, str], directory: str, shown: str, extra: Mapping[str, Any], own: bool
    ) -> None:
        self.name = visit_name(run)
        self.version = __version__
        self._run, self._files, self._directory, self._shown, self._own = run, dict(files), directory, shown, own
        self._extra = extra

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
        _guests[self._run] = _Guest(files=folder, control=control, shown=self._shown, extra=self._extra)

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
    guest = _guests.get(errand.run)
    if guest is None:
        return answer(_not_taken_in, foreign=False, shown_file=str)
    if guest.interruption.pending:
        return answer(_interrupted, foreign=False, shown_file=str)
    if not guest.takes(errand):
        return LOST
    action = ACTIONS[errand.action]
    return answer(partial(_done, errand, guest), foreign=action.asks_others, shown_file=guest.shown_file)


def _not_taken_in() -> Outcome:
    message = f"the worker {get_worker().address} could not take in what the run told it, and did nothing"
    raise TaskError(message, hint="its log says why; it needs playback in the version of the run")


def _interrupted() -> Outcome:
    raise KeyboardInterrupt


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
        progress=lambda: _Told(errand),
        at_end=_no_end,
    )
    return Threads().run(order)


def _nothing() -> Any:
    raise AssertionError


def _no_end(name: str, work: Callable[[], bool]) -> None:
    raise AssertionError(f"{name}: what is done at the end of a play is done where the run was started")


class _Told(SilentProgress):
    """Progress that is told to the run, now and then: nothing of what is done within PROGRESS_SECONDS."""

    def __init__(self, errand: Errand) -> None:
        self._errand = errand
        self._worker = get_worker()
        self._lock = threading.Lock()
        self._next = time.monotonic() + PROGRESS_SECONDS
        self._news: dict[str, Any] = {}
        self._rows = self._bytes = 0

    def start(self, what: str, *, rows: int | None = None, bytes: int | None = None) -> None:
        """Begin a phase; what was not told of the one before is not told any more."""
        with self._lock:
            self._news = {"what": what, "rows": rows, "bytes": bytes}
            self._rows = self._bytes = 0
            self._tell()

    def advance(self, *, rows: int = 0, bytes: int = 0) -> None:
        """Count rows and bytes."""
        with self._lock:
            self._rows += rows
            self._bytes += bytes
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
        news = {**self._news, "key": self._errand.key, "done": [self._rows, self._bytes]}
        self._worker.log_event(visit_name(self._errand.run), news)
        self._news, self._rows, self._bytes = {}, 0, 0
