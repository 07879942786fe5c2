"""From anything that goes wrong in a command to one clear message and an exit code."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator

from toolkit.app.command import BAD, Line
from toolkit.app.console import Output
from toolkit.errors import ExitCode, InputError, PlaybackError, is_our_own
from toolkit.private.files import keep_private
from toolkit.runner.interruption import MESSAGE, PROCESS

DEFECT = 1


def guarded(output: Output, command: Callable[[], int], *, debug: bool = False) -> int:
    """Run a command and give its exit code; whatever it raises is printed without a traceback (but with `debug`).

    A command that was interrupted ends with one line and 130, also where something swallowed the interruption.
    """
    code: int = ExitCode.OK
    keep_private()
    try:
        with PROCESS.running():
            code = command()
    except KeyboardInterrupt:
        PROCESS.notice()
    except PlaybackError as error:
        show(output, error)
        code = error.exit_code
    except Exception as error:
        code = DEFECT
        if not PROCESS.happened:
            _show_defect(output, error, debug=debug)
    if not PROCESS.happened:
        return code
    PROCESS.told = True
    output.error(MESSAGE)
    return ExitCode.INTERRUPTED


def show(output: Output, error: PlaybackError) -> None:
    """Print an error; every problem on its own line, in the form `file:line: path: message`."""
    for line in error_lines(error):
        output.error(line.text, style=line.style, foreign=line.foreign)


def error_lines(error: PlaybackError) -> Iterator[Line]:
    """Give what is printed of an error."""
    foreign = not is_our_own(error)
    if isinstance(error, InputError):
        for problem in error.problems:
            yield Line(str(problem) if problem.file else f"ERROR: {problem}", BAD, error=True)
    else:
        yield Line(f"ERROR: {error.message}", BAD, error=True, foreign=foreign)
    if error.hint:
        yield Line(f"HINT: {error.hint}", BAD, error=True, foreign=foreign)


def _show_defect(output: Output, error: Exception, *, debug: bool) -> None:
    output.error(f"ERROR: unexpected {type(error).__name__}: {error}")
    output.error("HINT: this is a defect; run with --debug for the trace")
    if debug:
        output.error("".join(traceback.format_exception(error)))
