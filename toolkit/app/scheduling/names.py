"""What a person wrote about a schedule, checked."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

from msgspec.structs import replace

from toolkit.app.scheduling.record import Record
from toolkit.app.scheduling.run import Overlap
from toolkit.errors import InputError
from toolkit.planning.recurrence import recurrence

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")


def checked(name: str) -> str:
    """Give a name that files and timers can have; InputError for another one."""
    if not _NAME.fullmatch(name):
        raise InputError(f"--name: expected up to 60 letters a-z, digits, dots, - and _, not {name!r}")
    return name


def default(playbook: str) -> str:
    """Give the name of a playbook that was given none: its file's, as far as timers can have it."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(playbook).stem).strip("-._")[:60] or "playbook"


def with_times(record: Record, *, at: str, on: str, every: str) -> Record:
    """Give a record with these times; InputError where they are wrong."""
    recurrence(at=at, on=on, every=every)
    return replace(record, at=at, on=on, every=every)


def overlap(text: str) -> Overlap:
    """Read `--overlap`."""
    if text not in list(Overlap):
        raise InputError(f"--overlap: expected {' or '.join(Overlap)}, not {text!r}")
    return Overlap(text)


def day(text: str) -> date:
    """Read `--until`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--until: {text!r} is not a day", hint="write it as YYYY-MM-DD, e.g. 2026-12-24") from None


def local_now() -> datetime:
    """Give the time in the machine's zone."""
    return datetime.now().astimezone()
