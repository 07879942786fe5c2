"""The two streams everything is printed to: masked, in UTF-8, coloured only where a person looks."""

from __future__ import annotations

import io
import sys
from typing import TextIO
from unicodedata import category

from rich.console import Console
from rich.text import Text

from toolkit.config.masking import mask, mask_own
from toolkit.runner.interruption import PROCESS


class Output:
    """Where output goes.

    Attributes:
        live: whether a person watches: a terminal that can be redrawn.
        console: the rich console of standard output, for live progress only; text is printed through `line`.
    """

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.console = _console(_utf8(out or sys.stdout))
        self._errors = _console(_utf8(err or sys.stderr))
        self.live = self.console.is_terminal and not self.console.is_dumb_terminal

    def line(self, text: str = "", *, style: str = "", foreign: bool = False) -> None:
        """Print text (one line or several) to standard output, secrets masked; `foreign` text is not only our own."""
        _print(self.console, mask(text) if foreign else mask_own(text), style)

    def error(self, text: str, *, style: str = "red", foreign: bool = True) -> None:
        """Print text to standard error, secrets masked; it is not `foreign` when it is all our own."""
        _print(self._errors, mask(text) if foreign else mask_own(text), style)


def _utf8(stream: TextIO) -> TextIO:
    if isinstance(stream, io.TextIOWrapper):
        # a Windows code page or LANG=C could not print every name; no character may stop a backup
        stream.reconfigure(encoding="utf-8", errors="replace")
    return stream


def _console(stream: TextIO) -> Console:
    return Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)


def _print(console: Console, text: str, style: str) -> None:
    # a line is printed whole; cut short in there, rich would keep back whatever is printed later
    with PROCESS.held():
        console.print(Text(_printable(text)), style=style or None, soft_wrap=True)


def _printable(text: str) -> str:
    """Without control characters, which data could use to repaint the terminal, and what no encoding has."""
    return "".join(
        "�" if category(character) in ("Cc", "Cs") and character not in "\n\t" else character for character in text
    )
