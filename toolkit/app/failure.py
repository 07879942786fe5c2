"""From anything that goes wrong in a command to one clear message and an exit code."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from toolkit.app.console import Output
from toolkit.errors import InputError, PlaybackError
from toolkit.private.files import keep_private
from toolkit.runner.foreign import is_our_own
from toolkit.runner.interruption import EXIT_CODE, MESSAGE, PROCESS

DEFECT = 1


def guarded(output: Output, command: Callable[[], int], *, debug: bool = False) -> int:
    """Run a command and give its exit code; whatever it raises is printed without a traceback (but with `debug`).

    A command that was interrupted ends with one line and 130, also where something swallowed the interruption.
    """
    code = 0
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
    return EXIT_CODE


def show(output: Output, error: PlaybackError) -> None:
    """Print an error; every problem on its own line, in the form `file:line: path: message`."""
    if isinstance(error, InputError):
        for problem in error.problems:
            output.error(str(problem) if problem.file else f"ERROR: {problem}", foreign=False)
    else:
        output.error(f"ERROR: {error.message}", foreign=not is_our_own(error))
    if error.hint:
        output.error(f"HINT: {error.hint}", foreign=not is_our_own(error))


def _show_defect(output: Output, error: Exception, *, debug: bool) -> None:
    output.error(f"ERROR: unexpected {type(error).__name__}: {error}")
    output.error("HINT: this is a defect; run with --debug for the trace")
    if debug:
        output.error("".join(traceback.format_exception(error)))
