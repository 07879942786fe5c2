"""What a Dask worker does: it is told of a run's inventory when it meets the run, and then does errands one by one.

Dask's own work for a task costs as much as a small backup. So what it sends to a worker is no task of a run but a
*seat*: a call that takes tasks out of a queue, one after the other, as long as the run has more.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
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
from toolkit.runner.garbage import pass_over_what_is_there, search_rarely
from toolkit.runner.interruption import Interruption, pass_over
from toolkit.runner.wire import Errand, answer, received

DIRECTORY: Final = "PLAYBACK_DIRECTORY"
"""The environment variable with a worker's control directory, where it is not in the same place as the run's."""

_LINGER: Final = 0.5
"""Seconds that a seat waits for the next task."""
_TURN: Final = 2.0
"""Seconds after which a seat ends with the task that it is at, so that other runs on the same cluster come in."""
_SMALL: Final = 64 * 1024
"""Characters of an answer that is told at once; the scheduler keeps what is told, so a longer one ends the seat."""

_guests: dict[str, Guest] = {}
_parts: dict[str, Interruption] = {}
"""The parts of tasks that are being done, by their keys."""


def visit_name(run: str) -> str:
    """Give the name by which a run's workers and their progress are known to the cluster."""
    return f"playback-{run}"


def bell_of(seat: str) -> str:
    """Give the queue that says that there is something in a seat's own."""
    return f"{seat}-bell"


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
            raise RuntimeError(f"{worker.address} has playback {__version__}, the run {self.version}")
        control = Path(os.environ.get(DIRECTORY) or self._directory)
        if not control.is_dir():
            what = f"{worker.address} has no directory {control}"
            raise RuntimeError(f"{what}: share it, or name another one there in {DIRECTORY}")
        keep_private()
        if self._own and threading.current_thread() is threading.main_thread():
            pass_over()
        if self._own:
            search_rarely()
            pass_over_what_is_there()
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


def sit(run: str, seat: str) -> tuple[str, str]:
    """Do the tasks that are laid into a queue, until none comes for a while; an empty text ends it at once.

    Nobody takes a task twice, whatever Dask does again. Answers are told; the last one is given back as well. What is
    waited for is a bell, not a task: what waits for one that has died would take the task with it.

    Returns:
        the key of the last task and its answer; empty where there was none.
    """
    tell, client = get_worker().log_event, get_client()
    tasks, bell = Queue(seat, client=client), Queue(bell_of(seat), client=client)
    ends, key, told = time.monotonic() + _TURN, "", ""
    while time.monotonic() < ends and len(told) <= _SMALL:
        if not (laid := tasks.get(batch=True)):
            try:
                bell.get(timeout=_LINGER)
            except TimeoutError:
                break
            continue
        if not laid[0]:
            break
        errand = received(laid[0])
        key, told = errand.key, _answered(errand, _guests.get(run))
        if len(told) <= _SMALL:
            tell(visit_name(run), {"key": key, "answer": told})
    return key, told


def work(text: str) -> str:
    """Do a part of a task and give the answer; both as JSON. It is done however often it is asked for: that changes
    nothing.
    """
    errand = received(text)
    guest = _guests.get(errand.run)
    if guest is None:
        return _answered(errand, None)
    _parts[errand.key] = Interruption()
    try:
        guest.inventory()
        return _answered(errand, replace(guest, interruption=_parts[errand.key]))
    finally:
        del _parts[errand.key]


def _answered(errand: Errand, guest: Guest | None) -> str:
    if guest is None:
        return answer(_not_taken_in, foreign=False, shown_file=str)
    tell = get_worker().log_event
    return done(errand, guest, lambda news: tell(visit_name(errand.run), news))


def _not_taken_in() -> Outcome:
    message = f"the worker {get_worker().address} could not take in what the run told it, and did nothing"
    raise TaskError(message, hint="its log says why; it needs playback in the version of the run")
