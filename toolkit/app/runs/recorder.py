"""The record of a run, made by itself while it goes on. Whatever is wrong with the record, the run goes on."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from msgspec.structs import replace

from toolkit.app.command import Call
from toolkit.app.control import utc_now
from toolkit.app.runs import record as records
from toolkit.app.runs.keeping import tidy
from toolkit.app.runs.record import Origin, Run
from toolkit.app.runs.stopping import Stopping
from toolkit.config import plain_secrets
from toolkit.errors import ExitCode, StorageError, understood
from toolkit.output import report as reports
from toolkit.output.answer import WARNING
from toolkit.output.events import EventLog
from toolkit.output.failure import show
from toolkit.output.streams import Output
from toolkit.private import files
from toolkit.private.turn import turn
from toolkit.runner.interruption import MESSAGE, PROCESS
from toolkit.storage.processes import acting_name, this_process

RUN: Final = "PLAYBACK_RUN"
"""The variable of the environment with the ID that a run is to have: the console begins it."""

_NAME: Final = re.compile(rb"^- name:[ ]*(.+?)[ ]*\r?$", re.MULTILINE)
"""The name of a play."""


@dataclass(slots=True)
class Recording:
    """The record of a run on its way.

    Attributes:
        run: what `run.json` says.
        directory: where it is; None where nothing is recorded, or nothing any more.
        events: takes its events.
        warn: says what is wrong with the record.
        code: what the run ends with, once that is known.
        output: takes what is printed; None for nothing.
    """

    run: Run
    directory: Path | None
    events: EventLog
    warn: Callable[[str], None]
    code: int = ExitCode.FAILED
    output: TextIO | None = None
    _hosts: tuple[str, ...] = ()
    _held: ExitStack = field(default_factory=ExitStack)

    @property
    def wanted(self) -> bool:
        """Whether anything is recorded."""
        return self.directory is not None

    def begin(self) -> None:
        """Make the directory and its files, and listen for whoever wants the run to stop."""
        self._try(self._begin)

    def asked(self, options: Mapping[str, Any]) -> None:
        """Note what the run was asked."""
        self.run = replace(self.run, options=reports.plain(options))

    def named(self, title: str) -> None:
        """Note what the run is about, as soon as it is known."""
        self.run = replace(self.run, title=reports.plain(title))
        self._try(lambda directory: records.write(directory, self.run))

    def playbook(self, text: bytes) -> None:
        """Keep the playbook as it was read, to the byte, but for secrets that are written in it: it is refused then."""
        if found := _NAME.search(text):
            # a playbook with a fault in it has a name all the same
            self.run = replace(self.run, title=reports.plain(found[1].decode(errors="replace").strip("\"' ")))
        with suppress(UnicodeDecodeError):
            if (shown := plain_secrets.without_secrets(written := text.decode())) != written:
                text = shown.encode()
        self._try(lambda directory: _write_if_other(directory / records.PLAYBOOK, text))

    def report(self, document: Mapping[str, Any]) -> None:
        """Keep the report of the run."""
        self._hosts = tuple(dict.fromkeys(host for play in document["plays"] for host in play["hosts"]))
        self._try(lambda directory: reports.write(document, directory / records.REPORT))

    def printed(self, text: str) -> None:
        """Keep what is printed."""
        if self.output is not None:
            try:
                self.output.write(text)
                self.output.flush()
            except OSError as error:
                self.output = None
                self._lost(error.strerror or str(error))

    def end(self) -> None:
        """Note how the run ended, and remove records that are too old."""
        self._try(self._end)
        with suppress(OSError):
            self._held.close()

    def _begin(self, directory: Path) -> None:
        files.make_directory(directory)
        if not self._held.enter_context(turn(directory / records.LOCK)):
            raise FileExistsError(None, "another run has its ID")
        records.write(directory, self.run)
        self.events.to(self._opened(directory / records.EVENTS))
        self.output = self._opened(directory / records.OUTPUT)
        console = self.run.origin is Origin.CONSOLE
        self._held.enter_context(Stopping(directory / records.STOP, PROCESS, console=console))

    def _end(self, directory: Path) -> None:
        stopped = ""
        if self.code == ExitCode.INTERRUPTED:
            with suppress(OSError):
                stopped = (directory / records.STOP).read_text("utf-8", errors="replace")
        now = utc_now()
        run = records.ended(self.run, now=now, code=self.code, hosts=self._hosts, stopped_by=stopped)
        records.write(directory, run)
        tidy(directory.parents[2], now, own=self.run.id)

    def _opened(self, file: Path) -> TextIO:
        stream = file.open("w", encoding="utf-8", newline="\n", errors="replace")
        return self._held.enter_context(stream)

    def _try(self, work: Callable[[Path], object]) -> None:
        """Do something for the record; what fails there is said once, and is no reason for the run to fail."""
        if self.directory is None:
            return
        try:
            with PROCESS.held():
                work(self.directory)
        except OSError as error:
            self._lost(error.strerror or str(error))
        except StorageError as error:
            self._lost(error.message)

    def _lost(self, why: str) -> None:
        if self.directory is not None:
            self.directory = None
            self.warn(f"WARNING: this run is not recorded in {records.FOLDER}: {why}")


@contextmanager
def recording(call: Call, playbook: str, *, wanted: bool, check: bool = False) -> Iterator[Recording]:
    """Record what is done in the block as a run, with what it prints and whatever it raises.

    Args:
        playbook: what `run.json` calls it.
        wanted: whether it is to be recorded, where nobody asks for it by PLAYBACK_RUN.
    """
    # what this run starts itself is not this run
    asked = os.environ.pop(RUN, "")
    asked = asked if records.ID.fullmatch(asked) else ""
    now = utc_now()
    identity = asked or records.new_id(now)
    directory = records.directory_of(call.control.directory.absolute(), identity)
    origin = Origin.CONSOLE if asked else Origin.COMMAND
    run = Run(
        id=identity,
        playbook=playbook,
        command=call.command.name,
        by=acting_name(),
        origin=Origin.SCHEDULE if call.command.name == "schedule.run" else origin,
        started=now,
        process=this_process(),
        check=check,
    )
    made = Recording(
        run=run,
        directory=directory if asked or wanted else None,
        events=EventLog(now=utc_now, held=PROCESS.held),
        warn=lambda text: call.output.error(text, style=WARNING, foreign=False),
    )
    made.begin()
    with call.output.copied(made.printed):
        try:
            yield made
        except BaseException as error:
            made.code = _code(error)
            _print(made, error)
            raise
        finally:
            if PROCESS.happened:
                made.code = ExitCode.INTERRUPTED
                made.printed(f"{MESSAGE}\n")
            made.end()


def _code(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    known = understood(error) if isinstance(error, Exception) else None
    return known.exit_code if known else ExitCode.FAILED


def _print(made: Recording, error: BaseException) -> None:
    """Keep what will be printed of an error, by whoever catches it."""
    if made.output is None:
        return
    known = understood(error) if isinstance(error, Exception) else None
    shown = Output(made.output, made.output)
    with suppress(OSError):
        if known is not None:
            show(shown, known)
        elif isinstance(error, Exception) and not PROCESS.happened:
            shown.error(f"ERROR: unexpected {type(error).__name__}: {error}")


def _write_if_other(file: Path, data: bytes) -> None:
    with suppress(OSError):
        if file.read_bytes() == data:
            return
    files.write(file, data)
