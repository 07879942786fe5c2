"""One run as a timer starts it: when it is due and no other one goes on, into a log, and with a record of its end."""

from __future__ import annotations

import hashlib
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from msgspec.structs import replace

from toolkit import wording
from toolkit.app.scheduling import record as records
from toolkit.app.scheduling.log import logging_to
from toolkit.app.scheduling.record import Record, Run
from toolkit.errors import ExitCode, PlaybackError
from toolkit.output.answer import Answer
from toolkit.output.failure import show
from toolkit.output.streams import Output
from toolkit.private import pauses
from toolkit.private.turn import turn
from toolkit.runner.interruption import MESSAGE, Interruption
from toolkit.runner.results import exit_code
from toolkit.storage.processes import this_process


class Overlap(StrEnum):
    """What becomes of a run that would begin while another one of the same playbook goes on."""

    WAIT = "wait"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A run that a timer starts.

    Attributes:
        directory: the control directory.
        record: what is known of it; with its times where it is to begin only if one of them has passed without a run.
        playbook: its file.
        only_if_due: whether that is so.
        body: runs the playbook and gives what it answers; printed is to the output that it is given.
        now: gives the local time.
    """

    directory: Path
    record: Record
    playbook: Path
    overlap: Overlap
    only_if_due: bool
    interruption: Interruption
    now: Callable[[], datetime]
    body: Callable[[Output], Iterable[Answer]]

    def run(self) -> int | None:
        """Run it and give its exit code; None where it was not due, or skipped, or held back by a pause."""
        if (self.only_if_due and not self._is_due()) or self._is_paused():
            return None
        with turn(self._lock("run")) as free:
            if free:
                return self._begun()
        if self.overlap is Overlap.SKIP:
            self._skipped("another run of this playbook goes on; skipped")
            return None
        with turn(self._lock("waiting")) as first:
            if not first:
                self._skipped("another run of this playbook goes on and one waits already; skipped")
                return None
            self._say("another run of this playbook goes on; waiting for its end")
            with turn(self._lock("run"), wait=self.interruption.sleep):
                return None if self.only_if_due and not self._is_due() else self._begun()

    def _is_due(self) -> bool:
        known = self._known()
        if known is None:
            # what was missed before anybody asked for it is not caught up
            records.write(self.directory, self.record)
            return False
        seen = {"since": known.since, "last": known.last, "skipped": known.skipped, "held": known.held}
        return replace(self.record, **seen).is_due(self.now())

    def _is_paused(self) -> bool:
        """Whether a person has paused it; then that is said and noted, and the run counts as none that was missed."""
        pause = pauses.pause_of(self.directory, self.record.name, self.now().date())
        if pause is not None:
            self._say(f"{self.record.name} is paused {pause.term}, so no run begins")
            self._keep(held=self.now())
        elif pauses.resume(self.directory, self.record.name):
            self._say(f"the pause of {self.record.name} is over; its runs begin again")
        return pause is not None

    def _begun(self) -> int:
        known = self._known() or self.record
        run = Run(started=self.now(), process=this_process())
        succeeded = known.succeeded
        self._keep(last=run, skipped=None, held=None)
        code: int = ExitCode.FAILED
        try:
            with logging_to(records.log_file(self.directory, self.record.name), _terminal()) as log:
                log.write(f"{'=' * 20} {self.record.playbook} begins\n")
                if known.last is not None and known.last.ended_with == records.DIED and not known.last.finished:
                    log.write(f"the run that began at {known.last.started:%Y-%m-%d %H:%M} died without an end\n")
                try:
                    code = self._code(Output(out=log, err=log))
                except KeyboardInterrupt:
                    code = ExitCode.INTERRUPTED
                    log.write(f"{MESSAGE}\n")
                    raise
                finally:
                    passed = wording.seconds((self.now() - run.started).total_seconds())
                    log.write(f"{'=' * 20} ended with exit code {int(code)} after {passed}\n")
        finally:
            done = replace(run, finished=self.now(), exit_code=int(code))
            self._keep(last=done, succeeded=succeeded if code else run.started)
        return code

    def _code(self, output: Output) -> int:
        try:
            return exit_code([answer.exit_code for answer in self.body(output)])
        except PlaybackError as error:
            show(output, error)
            return error.exit_code
        except Exception as error:
            output.error("".join(traceback.format_exception(error)))
            return ExitCode.FAILED

    def _skipped(self, why: str) -> None:
        self._say(why)
        self._keep(skipped=self.now())

    def _say(self, line: str) -> None:
        """Say a line beside a run that goes on and has the log, which may have begun a new file by then."""
        file = records.log_file(self.directory, self.record.name)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as log:
            log.write(f"{self.now():%Y-%m-%dT%H:%M:%S%z} {line}\n")
        if (terminal := _terminal()) is not None:
            print(line, file=terminal)

    def _known(self) -> Record | None:
        return records.read(self.directory, self.record.name)

    def _keep(self, **changed: object) -> None:
        try:
            records.change(self.directory, self.record, playbook=self.record.playbook, **changed)
        except OSError as error:
            # a disk that is full must keep no backup from being tried
            told = f"the record of {self.record.name} cannot be written: {error.strerror}"
            print(told, file=sys.__stderr__ or sys.stderr, flush=True)

    def _lock(self, what: str) -> Path:
        key = hashlib.sha256(os.fsencode(self.playbook.absolute())).hexdigest()[:8]
        return self.directory / records.FOLDER / f"{self.playbook.stem}-{key}.{what}.lock"


def _terminal() -> TextIO | None:
    """Where a person watches who has started it by hand."""
    return sys.stdout if sys.stdout.isatty() else None
