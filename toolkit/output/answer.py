"""What a command answers: the same facts as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

GOOD, BAD, WARNING = "green", "red", "bright_magenta"
"""Styles of a line that says that all is well, that something is wrong, or what a person should look at."""


class Line(NamedTuple):
    """A line of text, or several in one.

    Attributes:
        error: it goes to standard error.
        foreign: it may hold text that is not ours, such as what a server said.
    """

    text: str = ""
    style: str = ""
    error: bool = False
    foreign: bool = False


class Answer:
    """What a command has found, or a part of that: the same facts as text and as JSON."""

    __slots__ = ()

    @property
    def exit_code(self) -> int:
        """What the command ends with for this; of several answers the gravest counts."""
        return 0

    def lines(self) -> Iterable[Line]:
        """Give the facts for people."""
        raise NotImplementedError

    def document(self) -> Mapping[str, Any]:
        """Give the facts for programs, as JSON values."""
        raise NotImplementedError
