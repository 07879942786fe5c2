"""Ctrl-C, and every other signal that asks a program to end: at any moment one line, exit code 130, nothing begun.

A command starts, runs and ends, and a signal means something else in each phase:

- While it starts nothing has been done: the process ends at once.
- While it runs, the first signal raises KeyboardInterrupt in the main thread, once, and sets `pending`, for all others
  to look at: other threads, and whoever comes after a library that swallowed the exception.
- While it ends, which is after that signal and after its last result, further signals are ignored, so that tidying up
  is not cut short. One that comes PATIENCE seconds after the first ends the process at once: what is written is safe
  against that.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum, auto
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:  # this is the first that a command imports, so it imports nothing of ours
    from toolkit.model.outcome import Progress

MESSAGE: Final = "interrupted"
_EXIT_CODE: Final = 130
"""ExitCode.INTERRUPTED, by its number for the same reason."""
PATIENCE: Final = 10.0
"""Seconds that tidying up may take before a further signal ends the process."""

_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_SLICE: Final = 0.2


class _Phase(Enum):
    STARTING = auto()
    RUNNING = auto()
    ENDING = auto()


class Interruption:
    """The interruption of one command.

    Attributes:
        pending: whatever runs is to stop, and nothing more may begin.
        happened: the command was interrupted while it ran; what has to be tidied up may still be running.
        told: the person has been told.
    """

    def __init__(self) -> None:
        self.pending = False
        self.happened = False
        self.told = False
        self._phase = _Phase.STARTING
        self._first: float | None = None
        self._held = 0
        self._deferred = False
        self._installed = False

    def install(self) -> None:
        """Take over the process's signals until it ends; for the first line of a program, in its main thread.

        Once is enough: again nothing happens.
        """
        if self._installed:
            return
        self._take_over()
        self._installed = True
        atexit.register(self._ignore)
        report = sys.unraisablehook

        def unless_interrupted(unraisable: Any) -> None:
            # an interruption in a destructor or a callback is lost there; `pending` has it
            if unraisable.exc_type is not KeyboardInterrupt:
                report(unraisable)

        sys.unraisablehook = unless_interrupted

    @contextmanager
    def running(self) -> Iterator[None]:
        """Inside, signals raise KeyboardInterrupt. Without `install` they are as before afterwards."""
        self.pending = self.happened = self.told = self._deferred = False
        self._first = None
        main = threading.current_thread() is threading.main_thread()
        before = self._take_over() if main and not self._installed else {}
        try:
            self._phase = _Phase.RUNNING
            yield
        finally:
            self._phase = _Phase.ENDING
            for number, handler in before.items():
                signal.signal(number, handler)

    def finish(self) -> None:
        """Note that the result is there: from now on signals change nothing any more."""
        self._phase = _Phase.ENDING

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, the first signal waits for the end of the block, the second one does not."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if self._deferred and not self._held:
                self._raise()

    @contextmanager
    def again(self) -> Iterator[None]:
        """Inside, what has to be done after an interruption is done; a further signal interrupts that."""
        self.pending = False
        self._phase = _Phase.RUNNING
        try:
            yield
        finally:
            self.notice()

    def notice(self) -> None:
        """Note that the run is interrupted, whoever raised KeyboardInterrupt."""
        self.pending = self.happened = True
        self._phase = _Phase.ENDING

    def ask(self) -> None:
        """Ask this process to end, from any thread, in every way as a signal from outside does."""
        number = next((each for each in _present() if signal.getsignal(each) == self._on_signal), None)
        if number is None:
            # nothing is taken over, or nothing is there that is not ignored
            self.pending = self.happened = True
        elif sys.platform == "win32":
            signal.raise_signal(number)
        else:
            # to the main thread itself, which wakes it wherever it waits
            signal.pthread_kill(threading.main_thread().ident or 0, number)

    def check(self) -> None:
        """Raise KeyboardInterrupt when nothing more may begin."""
        if self.pending:
            raise KeyboardInterrupt

    def sleep(self, seconds: float) -> None:
        """Sleep; KeyboardInterrupt soon after the run was interrupted, in any thread."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            # in slices, since a lock's wait cannot be interrupted on Windows
            time.sleep(min(left, _SLICE))

    def _take_over(self) -> Mapping[int, Any]:
        # a signal that was ignored from the start, as under nohup, stays so
        before = {each: signal.getsignal(each) for each in _present() if signal.getsignal(each) != signal.SIG_IGN}
        for number in before:
            signal.signal(number, self._on_signal)
        return before

    def _ignore(self) -> None:
        for number in _present():
            signal.signal(number, signal.SIG_IGN)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        now = time.monotonic()
        self._first = now if self._first is None else self._first
        if self._phase is _Phase.STARTING or now - self._first >= PATIENCE:
            self._end_now()
        if self._phase is not _Phase.RUNNING:
            return
        # a plain attribute: an Event's lock could be held by the very thread that the signal interrupts
        self.pending = self.happened = True
        if self._held and not self._deferred:
            self._deferred = True
        else:
            self._raise()

    def _raise(self) -> None:
        self._deferred = False
        if self._phase is _Phase.RUNNING:
            self._phase = _Phase.ENDING
            raise KeyboardInterrupt

    def _end_now(self) -> None:
        if not self.told:
            os.write(2, f"{MESSAGE}\n".encode())
        os._exit(_EXIT_CODE)


@contextmanager
def unheard() -> Iterator[None]:
    """Inside, this thread begins processes and threads that hear none of these signals.

    A terminal that closes, and whoever ends a service, send them to all processes of a run. Those that work for it are
    told by it what becomes of their tasks.
    """
    if sys.platform == "win32":  # there they begin in a group of their own, or are told when they are there
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _present())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def pass_over() -> None:
    """Have this process, which began `unheard`, do nothing about these signals; those that it starts do as ever."""
    present = _present()
    for number in present:
        if signal.getsignal(number) != signal.SIG_IGN:
            # what is ignored would be ignored as well by the programs that this process starts
            signal.signal(number, lambda *_: None)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, present)


def _present() -> list[int]:
    """Give the signals that ask a program to end, as far as this system has them."""
    return [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]


PROCESS: Final = Interruption()
"""The one that the process's signals reach."""


class StoppableProgress:
    """Progress that raises KeyboardInterrupt in the action's own thread once the run is being stopped.

    An action tells of its progress for every chunk, which makes it the place where one that runs beside others can
    end early. Threads the action itself started are left alone: it ends them when it is interrupted.
    """

    def __init__(self, progress: Progress, interruption: Interruption) -> None:
        self._progress = progress
        self._interruption = interruption
        self._owner = threading.get_ident()
        self._told = False

    def start(
        self,
        what: str,
        *,
        rows: int | None = None,
        bytes: int | None = None,
        tables: Mapping[str, int] | None = None,
    ) -> None:
        """Begin a phase."""
        self._check()
        self._progress.start(what, rows=rows, bytes=bytes, tables=tables)

    def advance(self, *, rows: int = 0, bytes: int = 0, table: str = "") -> None:
        """Count rows and bytes."""
        self._check()
        self._progress.advance(rows=rows, bytes=bytes, table=table)

    def note(self, text: str) -> None:
        """Say where it stands."""
        self._check()
        self._progress.note(text)

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, trace)

    def due(self) -> bool:
        """Say, once, that a statement of the action has to end; what tidies up after that is left alone."""
        first = self._interruption.pending and not self._told
        self._told = self._told or first
        return first

    def _check(self) -> None:
        if threading.get_ident() == self._owner and self._interruption.pending:
            self._told = True
            raise KeyboardInterrupt
