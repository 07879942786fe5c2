"""Where the events of a run go: to a file, or to standard output, which is then for them alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from toolkit.app.command import Call
from toolkit.errors import InputError
from toolkit.output.events import EventLog

STANDARD_OUTPUT = "-"


@contextmanager
def event_stream(call: Call, place: str, log: EventLog) -> Iterator[Call]:
    """Have a log of events write to where `--events` says; gives the call, whose text is out of its way.

    Args:
        place: a file, which is replaced, `-` for standard output, or empty for no events.

    Raises:
        InputError: the file cannot be written, or standard output is for JSON.
    """
    if not place:
        yield call
        return
    if place == STANDARD_OUTPUT:
        if call.as_json:
            raise InputError("--events - and --json both take standard output", hint="write the events to a file")
        listener = log.to(call.output.stream)
        call = replace(call, output=call.output.aside())
        yield call
    else:
        try:
            stream = Path(place).open("w", encoding="utf-8", newline="\n")  # noqa: SIM115 - so that the error is of opening alone
        except OSError as error:
            raise InputError(f"--events: {place} cannot be written: {error.strerror}") from error
        with stream:
            listener = log.to(stream)
            yield call
    if listener.failure is not None:
        call.output.error(f"WARNING: not all events could be written to {place}: {listener.failure.strerror}")
