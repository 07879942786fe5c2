"""From anything that goes wrong in a command to one clear message and an exit code."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from toolkit.app.console import Output
from toolkit.errors import InputError, PlaybackError
from toolkit.private.files import keep_private

INTERRUPTED = 130
DEFECT = 1
_STOPPING = ("SIGTERM", "SIGHUP", "SIGBREAK")


def guarded(output: Output, command: Callable[[], int], *, debug: bool = False) -> int:
    """Run a command and give its exit code; whatever it raises is printed without a traceback (but with `debug`)."""
    keep_private()
    try:
        with stopped_by_signals():
            return command()
    except KeyboardInterrupt:
        output.error("interrupted")
        return INTERRUPTED
    except PlaybackError as error:
        show(output, error)
        return error.exit_code
    except Exception as error:
        output.error(f"ERROR: unexpected {type(error).__name__}: {error}")
        output.error("HINT: this is a defect; run with --debug for the trace")
        if debug:
            output.error("".join(traceback.format_exception(error)))
        return DEFECT


def show(output: Output, error: PlaybackError) -> None:
    """Print an error; every problem on its own line, in the form `file:line: path: message`."""
    if isinstance(error, InputError):
        for problem in error.problems:
            output.error(str(problem) if problem.file else f"ERROR: {problem}")
    else:
        output.error(f"ERROR: {error.message}")
    if error.hint:
        output.error(f"HINT: {error.hint}")


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Inside, the signals that ask a program to end do what Ctrl-C does; they are as before afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    present = [getattr(signal, name) for name in _STOPPING if hasattr(signal, name)]
    # a signal that was ignored from the start, as under nohup, stays so
    before = {number: signal.getsignal(number) for number in present if signal.getsignal(number) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
