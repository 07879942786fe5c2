"""What pages read by the commands' own bodies."""

from __future__ import annotations

from typing import Any

from toolkit.app.command import Command, Given
from toolkit.app.console.site import Site
from toolkit.output.answer import Answer

PATIENCE = 10.0
"""Seconds that a page waits for a database."""


def answer_of(
    site: Site,
    command: Command[Given],
    given: Given,
    *,
    host: str = "",
    repository: str = "",
    seconds: float = PATIENCE,
) -> Any:
    """Give the one answer of a command, as its facts; PlaybackError as on the command line."""
    call = site.call(command, host=host, repository=repository, seconds=seconds)
    answers: list[Answer] = list(command.body(given, call))
    assert len(answers) == 1
    return answers[0]
