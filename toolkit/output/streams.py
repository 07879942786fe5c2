"""The two streams everything is printed to: masked, in UTF-8, coloured only where a person looks.

rich is loaded only for a stream that may be a terminal.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, TextIO
from unicodedata import category

from toolkit.config.masking import mask, mask_own
from toolkit.errors import ExitCode
from toolkit.runner.interruption import PROCESS

if TYPE_CHECKING:
    from rich.console import Console


class Output:
    """Where output goes."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = _Stream(out or sys.stdout)
        self._err = _Stream(err or sys.stderr)

    def aside(self) -> Output:
        """Give the output that prints everything to standard error, for when standard output is a program's."""
        other = Output.__new__(Output)
        other._out = other._err = self._err
        return other

    @contextmanager
    def copied(self, copy: Callable[[str], None]) -> Iterator[None]:
        """Hand everything that is printed in the block to `copy` as well, to whichever stream it goes."""
        streams = (self._out, self._err)
        before = [each.copy for each in streams]
        for each in streams:
            each.copy = copy
        try:
            yield
        finally:
            for each, was in zip(streams, before, strict=True):
                each.copy = was

    @property
    def stream(self) -> TextIO:
        """Standard output itself, for what is not text for people."""
        return self._out.stream

    @property
    def live(self) -> bool:
        """Whether a person watches: a terminal that can be redrawn."""
        return self._out.may_be_terminal and self.console.is_terminal and not self.console.is_dumb_terminal

    @property
    def console(self) -> Console:
        """The rich console of standard output, for live progress only; text is printed through `line`."""
        return self._out.console

    def line(self, text: str = "", *, style: str = "", foreign: bool = False) -> None:
        """Print text (one line or several) to standard output, secrets masked; `foreign` text is not only our own."""
        self._out.print(mask(text) if foreign else mask_own(text), style)

    def error(self, text: str, *, style: str = "red", foreign: bool = True) -> None:
        """Print text to standard error, secrets masked; it is not `foreign` when it is all our own."""
        self._err.print(mask(text) if foreign else mask_own(text), style)


class _Stream:
    def __init__(self, stream: TextIO) -> None:
        if isinstance(stream, io.TextIOWrapper):
            # a Windows code page or LANG=C could not print every name; no character may stop a backup
            stream.reconfigure(encoding="utf-8", errors="replace")
        self.stream = stream
        self.copy: Callable[[str], None] | None = None
        # https://no-color.org: set and not empty
        self._plain = bool(os.environ.get("NO_COLOR"))
        # what rich looks at, too, when it decides
        self.may_be_terminal = stream.isatty() or bool({"FORCE_COLOR", "TTY_COMPATIBLE"} & os.environ.keys())

    @cached_property
    def console(self) -> Console:
        from rich.console import Console  # noqa: PLC0415 - a pipe does without

        return Console(file=self.stream, highlight=False, markup=False, emoji=False, soft_wrap=True)

    def print(self, text: str, style: str) -> None:
        # a line is printed whole; cut short in there, rich would keep back whatever is printed later
        with PROCESS.held():
            text = _printable(text)
            if self.copy is not None:
                self.copy(f"{text}\n")
            try:
                self._show(text, style)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                # the terminal is gone with whoever watched: what was begun is tidied up, or goes on, all the same
                self._to_nobody()

    def _show(self, text: str, style: str) -> None:
        if self.may_be_terminal:
            from rich.text import Text  # noqa: PLC0415

            self.console.print(Text(text), style=None if self._plain else style or None, soft_wrap=True)
        else:
            self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except BrokenPipeError:
            # who reads the pipe wants no more
            self._to_nobody()
            raise SystemExit(ExitCode.FAILED) from None

    def _to_nobody(self) -> None:
        # Python must not stumble over what is left of it at its own end
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())


def _printable(text: str) -> str:
    """Leave out control characters, which data could use to repaint the terminal, and what no encoding has."""
    return "".join(
        "�" if category(character) in ("Cc", "Cs") and character not in "\n\t" else character for character in text
    )
