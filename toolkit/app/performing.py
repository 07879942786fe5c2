"""Carrying out a command: from its options to what is printed and the exit code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from toolkit.app.command import Call, Command, Given
from toolkit.app.console import Output
from toolkit.app.control import Control
from toolkit.app.failure import guarded
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
    return guarded(shown, lambda: _perform(command, given, call), debug=debug)


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
