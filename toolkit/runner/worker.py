"""What a Dask worker does: it is told of a run's inventory when it meets the run, and then does errands one by one."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dask.distributed import Queue, get_client, get_worker
from distributed.diagnostics.plugin import WorkerPlugin
from distributed.worker import Worker
from msgspec.structs import replace

from toolkit import __version__
from toolkit.errors import TaskError
from toolkit.model.outcome import Outcome
from toolkit.private.files import keep_private
from toolkit.runner.errands import Guest, done
from toolkit.runner.interruption import Interruption
from toolkit.runner.wire import LOST, Errand, answer, received

DIRECTORY: Final = "PLAYBACK_DIRECTORY"
"""The environment variable with a worker's control directory, where it is not in the same place as the run's."""

_guests: dict[str, Guest] = {}
_claims: dict[str, Queue] = {}
_parts: dict[str, Interruption] = {}
"""The parts of tasks that are being done, by their keys."""
_lock = threading.Lock()


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
        _guests[self._run] = Guest(files=folder, control=control, shown=self._shown, extra=self._extra)

    def teardown(self, worker: Worker) -> None:
        """Forget the run."""
        if guest := _guests.pop(self._run, None):
            shutil.rmtree(guest.files, ignore_errors=True)


def interrupt(run: str, part: str = "") -> None:
    """Have the tasks of a run, or one part of a task, end soon, and none of them begin any more."""
    if part:
        if there := _parts.get(part):
            there.notice()
    elif guest := _guests.get(run):
        guest.interruption.notice()


def work(text: str) -> str:
    """Do a task, unless somebody has begun it before, and give the answer; both as JSON.

    A part of a task is done however often it is asked for: that changes nothing.
    """
    errand = received(text)
    guest = _guests.get(errand.run)
    if guest is None:
        return answer(_not_taken_in, foreign=False, shown_file=str)
    tell = get_worker().log_event
    if errand.part is not None:
        _parts[errand.key] = Interruption()
        try:
            guest.inventory()
            mine = replace(guest, interruption=_parts[errand.key])
            return done(errand, mine, lambda news: tell(visit_name(errand.run), news))
        finally:
            del _parts[errand.key]
    if not guest.interruption.pending and not _takes(errand):
        return LOST
    return done(errand, guest, lambda news: tell(visit_name(errand.run), news))


def _takes(errand: Errand) -> bool:
    """Whether this worker may begin: what the run laid down once can be taken once, whatever Dask does again."""
    with _lock:
        if errand.claims not in _claims:
            _claims[errand.claims] = Queue(errand.claims, client=get_client())
    return errand.key in _claims[errand.claims].get(batch=True)


def _not_taken_in() -> Outcome:
    message = f"the worker {get_worker().address} could not take in what the run told it, and did nothing"
    raise TaskError(message, hint="its log says why; it needs playback in the version of the run")
