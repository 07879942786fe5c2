"""What is known of runs: one directory each, `.playback/runs/ID`, whoever began it.

In it: `run.json` (`Run`), `playbook.yml` as it was read, `events.jsonl`, `output.txt` and, once it has ended,
`report.json`. `lock` is held by the process for as long as it runs: the operating system takes it back when the process
dies, which no number of a process tells for certain. `stop` asks the process to end.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from toolkit.app.runs.report import report_in
from toolkit.errors import ExitCode, InputError
from toolkit.planning.clock import stamp
from toolkit.private import files
from toolkit.private.turn import turn
from toolkit.storage.processes import Process
from toolkit.wording import meant

FOLDER: Final = ".playback/runs"
RUN: Final = "run.json"
PLAYBOOK: Final = "playbook.yml"
EVENTS: Final = "events.jsonl"
OUTPUT: Final = "output.txt"
REPORT: Final = "report.json"
LOCK: Final = "lock"
STOP: Final = "stop"

ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")
HEAD: Final = 256 * 1024
"""Bytes of the events of a run that are read to know its hosts."""


class Origin(StrEnum):
    """From where a run was begun."""

    CONSOLE = "console"
    COMMAND = "command line"
    SCHEDULE = "schedule"


class State(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    KILLED = "killed"
    """Its process is gone without an end."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run, as its record has it.

    Attributes:
        title: what it is about, in the words of its first play, else the playbook's name; empty until that is known.
        playbook: as it was named; of a command that runs a single action, what the command is called.
        command: the command that ran it.
        by: who began it: the person that the console knows, else the operating system's user.
        process: whose it is; None while the console starts it.
        options: what it was asked beside the playbook, secrets masked, without what was left out.
        hosts: those of its plays; known when it has ended.
        finished, exit_code: None while it runs, and where its process died.
        stopped_by: who stopped it; empty where nobody did.
    """

    format: int = 1
    id: str
    title: str = ""
    playbook: str
    command: str
    by: str
    origin: Origin
    started: datetime
    process: Process | None = None
    check: bool = False
    options: Mapping[str, Any] = msgspec.field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    finished: datetime | None = None
    exit_code: int | None = None
    stopped_by: str = ""


_RUN = msgspec.json.Decoder(Run)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A run and how it stands now."""

    run: Run
    directory: Path
    state: State

    @property
    def called(self) -> str:
        """What people call it: of the console, whose playbooks have no names, what it is about."""
        if self.run.origin is not Origin.CONSOLE:
            return self.run.playbook
        return self.run.title or "A playbook without a name"

    @property
    def seconds(self) -> float | None:
        """How long it took; None where that is not known."""
        return (self.run.finished - self.run.started).total_seconds() if self.run.finished else None

    def text(self, name: str) -> str:
        """Give what is in one of its files; nothing where it cannot be read."""
        try:
            return (self.directory / name).read_bytes().decode("utf-8", errors="replace")
        except OSError:
            return ""

    def report(self) -> Mapping[str, Any] | None:
        """Give its report; None where there is none, as of a run that goes on, and where the file is damaged."""
        with suppress(OSError):
            return report_in((self.directory / REPORT).read_bytes())
        return None

    def hosts(self) -> tuple[str, ...]:
        """Give its hosts, as far as they are known."""
        return self.run.hosts if self.run.finished else hosts_of(self.events(HEAD))

    def events(self, size: int = -1) -> Iterator[Mapping[str, Any]]:
        """Give what happened so far, as far as it stands in the first bytes of the file; -1 for all of it."""
        with suppress(OSError), (self.directory / EVENTS).open("rb") as file:
            yield from events_in(file.read(size))

    def document(self) -> dict[str, Any]:
        """Give the facts of the list, as JSON values."""
        run, seconds = self.run, self.seconds
        return {
            "id": run.id,
            "state": str(self.state),
            "title": run.title,
            "playbook": run.playbook,
            "command": run.command,
            "by": run.by,
            "from": str(run.origin),
            "check": run.check,
            "options": dict(run.options),
            "hosts": list(self.hosts()),
            "started": stamp(run.started),
            "finished": stamp(run.finished) if run.finished else None,
            "seconds": None if seconds is None else round(seconds, 3),
            "exit_code": run.exit_code,
            "stopped_by": run.stopped_by or None,
            "process": run.process.process if run.process else None,
            "directory": str(self.directory),
        }


def new_id(now: datetime) -> str:
    """Give the ID of a run that begins now; they sort by time, to the microsecond."""
    part = now.microsecond * 16 + secrets.randbelow(16)
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{part:06x}"


def directory_of(control: Path, run: str) -> Path:
    """Give the directory of a run; the ID must be one."""
    assert ID.fullmatch(run), run
    return control / FOLDER / run


def ids(control: Path) -> list[str]:
    """Give the IDs of all runs, the newest first."""
    try:
        names = [each.name for each in (control / FOLDER).iterdir()]
    except OSError:
        return []
    return sorted(filter(ID.fullmatch, names), reverse=True)


def runs(control: Path) -> Iterator[Known]:
    """Give every run whose record can be read, the newest first."""
    for each in ids(control):
        if (known := read(control, each)) is not None:
            yield known


def read(control: Path, run: str) -> Known | None:
    """Give what is known of a run; None for nothing."""
    if not ID.fullmatch(run):
        return None
    directory = directory_of(control, run)
    for _ in range(2):
        found = _read(directory)
        if found is None or found.exit_code is not None or goes_on(directory):
            break
        # it may have come to its end between the two looks
    if found is None:
        return None
    return Known(run=found, directory=directory, state=_state(found, directory))


def named(control: Path, run: str) -> Known:
    """Give a run by its ID, or by the beginning of only one.

    Raises:
        InputError: there is none.
    """
    known = ids(control)
    found = [each for each in known if run and each.startswith(run)]
    if len(found) == 1 and (one := read(control, found[0])) is not None:
        return one
    if len(found) > 1:
        raise InputError(
            f"{run}: {len(found)} runs begin like that", hint="write more of the ID; `invoke runs` lists them"
        )
    raise InputError(f"{run}: no such run{meant(run, known)}", hint="`invoke runs` lists them")


def write(directory: Path, run: Run) -> None:
    """Write the record of a run; OSError as the operating system says."""
    files.write(directory / RUN, msgspec.json.format(msgspec.json.encode(run)) + b"\n")


def ended(run: Run, *, now: datetime, code: int, hosts: tuple[str, ...] = (), stopped_by: str = "") -> Run:
    """Give the record of a run that has ended."""
    return replace(run, hosts=hosts, finished=now, exit_code=int(code), stopped_by=stopped_by)


def goes_on(directory: Path) -> bool:
    """Say whether the process of a run is there."""
    lock = directory / LOCK
    if not lock.exists():
        return False
    try:
        with turn(lock) as free:
            return not free
    except OSError:
        return False


def stop(known: Known, by: str) -> None:
    """Ask a run to end, as Ctrl-C does; OSError as the operating system says."""
    files.write(known.directory / STOP, by.encode())


def events_in(data: bytes) -> Iterator[Mapping[str, Any]]:
    """Give the events of lines; one that is not whole yet is passed over."""
    for line in data.splitlines():
        with suppress(msgspec.MsgspecError):
            event = msgspec.json.decode(line)
            if isinstance(event, dict):
                yield event


def hosts_of(events: Iterator[Mapping[str, Any]]) -> tuple[str, ...]:
    """Give the hosts of the plays that began."""
    found = (each.get("hosts") for each in events if each.get("event") == "play_started")
    return tuple(dict.fromkeys(host for hosts in found if isinstance(hosts, list) for host in map(str, hosts)))


def _read(directory: Path) -> Run | None:
    try:
        return _RUN.decode((directory / RUN).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None


def _state(run: Run, directory: Path) -> State:
    match run.exit_code:
        case None:
            return State.RUNNING if goes_on(directory) else State.KILLED
        case ExitCode.OK:
            return State.OK
        case ExitCode.PARTIAL:
            return State.PARTIAL
        case ExitCode.INTERRUPTED:
            return State.INTERRUPTED
    return State.FAILED
