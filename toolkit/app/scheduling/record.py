"""What is known of scheduled playbooks: what was installed, and how the last run of each went.

One file each, `.playback/schedule/NAME.json`. `scheduled` is what others read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from toolkit.planning.recurrence import Recurrence, recurrence
from toolkit.private import files, pauses
from toolkit.private.turn import turn
from toolkit.storage.processes import Process, has_ended

FOLDER: Final = pauses.FOLDER
LOGS: Final = ".playback/logs"
DIED: Final = 137
"""The exit code of a run whose process ended without one: as shells count SIGKILL."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a scheduled playbook.

    Attributes:
        finished: None while it runs, and where its process died.
        exit_code: the same.
    """

    started: datetime
    process: Process
    finished: datetime | None = None
    exit_code: int | None = None

    @property
    def running(self) -> bool:
        """Whether it still runs, as far as that can be told."""
        return self.exit_code is None and not has_ended(self.process)

    @property
    def ended_with(self) -> int | None:
        """Its exit code, DIED where its process ended without one; None while it runs."""
        if self.exit_code is not None:
            return self.exit_code
        return None if self.running else DIED


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled playbook and its last run.

    Attributes:
        name: what it is called; its log is `.playback/logs/NAME.log`.
        playbook: as it was named on the command line of the timer.
        kind: what starts it, such as `systemd`; empty where it was not installed by `schedule --install`.
        at, on, every: when, as options of the command line; all empty where that is not known.
        options: the other options of its runs, as words of the command line.
        since: when it was first known: what was missed before then is not caught up.
        last: its last run that began; None for none yet.
        succeeded: when the last run began that ended with 0.
        skipped: when the last run was skipped since another one was going on; None where none was since `last` began.
        held: when the last run was held back by a pause; the same.
    """

    name: str
    playbook: str
    since: datetime
    kind: str = ""
    at: str = ""
    on: str = ""
    every: str = ""
    options: tuple[str, ...] = ()
    last: Run | None = None
    succeeded: datetime | None = None
    skipped: datetime | None = None
    held: datetime | None = None

    @property
    def recurrence(self) -> Recurrence | None:
        """When it recurs; None where that is not known."""
        return recurrence(at=self.at, on=self.on, every=self.every) if self.at or self.every else None

    def next(self, now: datetime) -> datetime | None:
        """Give when it runs next; None where that is not known. Both are aware local times."""
        return self.recurrence.next(now) if self.recurrence else None

    def is_due(self, now: datetime) -> bool:
        """Say whether the newest of its times has passed without a run."""
        if self.recurrence is None:
            return False
        begun = self.last.started if self.last is not None else self.since
        return max(self.since, begun, self.skipped or begun, self.held or begun) < self.recurrence.last(now)


_RECORD = msgspec.json.Decoder(Record)


def scheduled(directory: Path) -> Iterator[Record]:
    """Give every scheduled playbook of a control directory, by name; a file that cannot be read is passed over."""
    for file in sorted((directory / FOLDER).glob("*.json")):
        if (record := read(directory, file.stem)) is not None:
            yield record


def unreadable(directory: Path) -> list[str]:
    """Give the names of those whose files cannot be read."""
    names = sorted(file.stem for file in (directory / FOLDER).glob("*.json"))
    return [name for name in names if read(directory, name) is None]


def read(directory: Path, name: str) -> Record | None:
    """Give what is known of a scheduled playbook; None for nothing."""
    try:
        return _RECORD.decode(_file(directory, name).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None


def write(directory: Path, record: Record) -> None:
    """Keep what is known of a scheduled playbook; OSError as the operating system says."""
    files.write(_file(directory, record.name), msgspec.json.format(msgspec.json.encode(record)) + b"\n")


def change(directory: Path, fresh: Record, **changed: object) -> None:
    """Change what is known of a scheduled playbook, from what is known by now; OSError as the operating system says.

    Args:
        fresh: what to begin with where nothing is known yet.
    """
    # two that change it at the same time must not lose what the other one says
    with turn(directory / FOLDER / f"{fresh.name}.record.lock", wait=time.sleep):
        write(directory, replace(read(directory, fresh.name) or fresh, **changed))


def forget(directory: Path, name: str) -> None:
    """Remove what is known of a scheduled playbook."""
    pauses.resume(directory, name)
    _file(directory, name).unlink(missing_ok=True)


def log_file(directory: Path, name: str) -> Path:
    """Give the file of a scheduled playbook's output."""
    return directory / LOGS / f"{name}.log"


def _file(directory: Path, name: str) -> Path:
    return directory / FOLDER / f"{name}.json"
