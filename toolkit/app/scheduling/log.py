"""The log of scheduled runs: every line with its time, a file that is rotated by size."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final, TextIO, cast

from toolkit.errors import StorageError
from toolkit.private.files import make_directory

SIZE: Final = 1024 * 1024
"""Bytes of a log, after which a new one is begun."""
KEPT: Final = 5
"""How many older ones are kept: NAME.log.1 is the newest of them."""


class _Handler(RotatingFileHandler):
    """Says once, beside the log, that it cannot be written; what is logged goes on."""

    failed = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """Say so: the standard library would print it into the log."""
        if not self.failed and sys.__stderr__ is not None:
            told = f"the log {self.baseFilename} cannot be written: {sys.exc_info()[1]}"
            print(told, file=sys.__stderr__, flush=True)
        self.failed = True


class Log(io.TextIOBase):
    """A text stream whose lines go to a log, and to a terminal beside it where somebody watches."""

    encoding = "utf-8"

    def __init__(self, file: Path, beside: TextIO | None = None, *, size: int = SIZE) -> None:
        make_directory(file.parent)
        self._handler = _Handler(file, maxBytes=size, backupCount=KEPT, encoding="utf-8", errors="replace")
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
        self._rest = ""
        self._beside = beside

    def writable(self) -> bool:
        """Say that it is."""
        return True

    def write(self, text: str) -> int:
        """Write text; a line is logged when it is complete."""
        if self._beside is not None:
            self._beside.write(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._log(line)
        return len(text)

    def flush(self) -> None:
        """Have the terminal show it."""
        if self._beside is not None:
            self._beside.flush()

    def close(self) -> None:
        """Log what has no line end, and close the file."""
        if self._rest:
            self._log(self._rest)
            self._rest = ""
        with suppress(OSError):  # said already, where it was written
            self._handler.close()
        super().close()

    def _log(self, line: str) -> None:
        self._handler.handle(logging.LogRecord("playback", logging.INFO, "", 0, line, None, None))


@contextmanager
def logging_to(file: Path, beside: TextIO | None) -> Iterator[TextIO]:
    """Have everything that is printed in the block go to a log.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        log = Log(file, beside)
    except OSError as error:
        raise StorageError(f"the log {file} cannot be written: {error.strerror}") from error
    with redirect_stdout(log), redirect_stderr(log):
        try:
            yield cast("TextIO", log)
        finally:
            log.close()
