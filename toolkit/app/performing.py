"""Carrying out a command: from its options to what is printed and the exit code."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from toolkit.app.command import Call, Command, Given
from toolkit.app.control import Control
from toolkit.errors import ExitCode, understood
from toolkit.output.failure import show
from toolkit.output.streams import Output
from toolkit.private.files import keep_private
from toolkit.runner.interruption import MESSAGE, PROCESS
from toolkit.runner.results import exit_code


def perform(
    command: Command[Given],
    given: Given,
    control: Control,
    *,
    host: str = "",
    repository: str = "",
    json: bool = False,
    debug: bool = False,
    output: Output | None = None,
) -> int:
    """Run a command, print what it answers, and give its exit code; no exception gets out."""
    shown = output or Output()
    call = Call(
        command=command, control=control, output=shown, host=host, repository=repository, as_json=json, debug=debug
    )
    return _guarded(shown, lambda: _perform(command, given, call), debug=debug)


def _guarded(output: Output, command: Callable[[], int], *, debug: bool = False) -> int:
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
    except Exception as error:
        known = understood(error)
        code = known.exit_code if known else ExitCode.FAILED
        if known:
            show(output, known)
        elif not PROCESS.happened:
            _show_defect(output, error, debug=debug)
    if not PROCESS.happened:
        return code
    PROCESS.told = True
    output.error(MESSAGE)
    # Python notes an interruption of code that was given as text, as libraries do, and `python -m` would end by SIGINT
    # instead of with our exit code; the next such code takes the note back
    exec("")
    return ExitCode.INTERRUPTED


def _show_defect(output: Output, error: Exception, *, debug: bool) -> None:
    output.error(f"ERROR: unexpected {type(error).__name__}: {error}")
    output.error("HINT: this is a defect; run with --debug for the trace")
    if debug:
        output.error("".join(traceback.format_exception(error)))


def _perform(command: Command[Given], given: Given, call: Call) -> int:
    codes: list[int] = []
    documents: list[Mapping[str, Any]] = []
    for answer in command.body(given, call):
        if call.as_json:
            documents.append(answer.document())
        else:
            for line in answer.lines():
                say = call.output.error if line.error else call.output.line
                say(line.text, style=line.style, foreign=line.foreign)
        codes.append(answer.exit_code)
    if call.as_json:
        parts = {key: value for document in documents for key, value in document.items()}
        document = {command.listing: documents} if command.listing else parts
        call.output.line(json.dumps(document, indent=2))
    return exit_code(codes)
