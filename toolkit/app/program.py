"""The commands as invoke's collection, for a control directory's tasks.py, and as a program of their own.

A tasks.py is two lines: `from toolkit.app.program import collection` and `namespace = collection(__file__)`.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from invoke.collection import Collection

NAME = "playback"

COMPLETE = "PLAYBACK_COMPLETE"
"""The environment variable in which a shell gives the line up to the cursor."""


def collection(file: str) -> Collection:
    """Give the commands for the control directory in which a file (its tasks.py) is."""
    _complete(Path(file).parent.absolute())
    _begin()
    from toolkit.app.command_line import tasks_of  # noqa: PLC0415 - after _begin, see there

    return tasks_of(Path(file).parent.absolute())


def main() -> None:
    """Run the command line as the program `playback`; ends the process with the exit code.

    The control directory is the nearest one with an inventory, from the working directory upwards.
    """
    _complete(control_directory(Path.cwd()))
    _begin()
    from invoke.program import Program  # noqa: PLC0415

    from toolkit import __version__  # noqa: PLC0415
    from toolkit.app.command_line import tasks_of  # noqa: PLC0415

    namespace = tasks_of(control_directory(Path.cwd()), program=NAME)
    Program(name="Playback", binary=NAME, binary_names=[NAME], version=__version__, namespace=namespace).run()


def control_directory(start: Path) -> Path:
    """Give the nearest directory with an inventory, from `start` upwards; `start` itself where there is none."""
    return next((each for each in (start, *start.parents) if (each / "inventory").is_dir()), start)


def _complete(control: Path) -> None:
    """End the process with candidates, one per line, where a shell asks for them; whatever is wrong, without a word."""
    if not (line := os.environ.pop(COMPLETE, "")):
        return
    sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
    from toolkit.app.completion.candidates import answer  # noqa: PLC0415 - a shell waits

    with suppress(Exception):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
        for candidate in answer(line, control):
            print(candidate)
        sys.stdout.flush()
    # a directory that does not answer is not waited for
    os._exit(0)


def _begin() -> None:
    """Do what comes before anything else is imported."""
    # invoke keeps Python from writing compiled files, which would cost every command a quarter of a second
    sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
    from toolkit.runner.garbage import search_rarely  # noqa: PLC0415

    search_rarely()
    from toolkit.runner.interruption import PROCESS  # noqa: PLC0415

    # some starters of jobs close the streams, and Python has none then
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    # while the rest is imported Ctrl-C is to end with one line as well
    PROCESS.install()
    sys.excepthook = _told
    atexit.register(_flush)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say nothing where nobody reads any more: invoke prints its help without asking."""
    if issubclass(kind, BrokenPipeError):
        _leave_the_pipe()
    else:
        sys.__excepthook__(kind, error, trace)


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_the_pipe()


def _leave_the_pipe() -> None:
    # Python must not stumble over what is left of it at its own end
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
