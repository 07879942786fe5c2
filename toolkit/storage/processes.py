"""Which process this is, and whether another one still runs."""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

BY: Final = "PLAYBACK_BY"
"""The variable of the environment that names the person for whom this is done."""
_LONGEST_NAME: Final = 200

_acting: ContextVar[str] = ContextVar("acting", default="")


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process of some machine, as a lock file names it.

    Attributes:
        host: the machine's name.
        user: the operating system's user.
        process: its number.
        space: within which that number means something: on Linux this start of the machine and the container.
    """

    host: str
    user: str
    process: int
    space: str = ""

    def __str__(self) -> str:
        return f"{self.user}@{self.host}, process {self.process}"


def this_process() -> Process:
    """Give the process that runs."""
    return Process(host=platform.node(), user=user_name(), process=os.getpid(), space=_space())


def user_name() -> str:
    """Give the user that this process runs as; where it has no name, as in many containers, `uid-` and its number."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"


def acting_name() -> str:
    """Give who has this done: the person that PLAYBACK_BY names, else the user that this process runs as."""
    return _acting.get() or " ".join(os.environ.get(BY, "").split())[:_LONGEST_NAME] or user_name()


@contextmanager
def acting_for(name: str) -> Iterator[None]:
    """Have what this thread does in the block done for somebody of another process."""
    before = _acting.set(name)
    try:
        yield
    finally:
        _acting.reset(before)


def who() -> str:
    """Give who has this done, as records name them: the person or user, and the machine, `user@host`."""
    return f"{acting_name()}@{platform.node()}"


def has_ended(process: Process) -> bool:
    """Say whether a process has certainly ended; False where that cannot be told from here."""
    if (process.host, process.space) != (platform.node(), _space()):
        return False
    import psutil  # noqa: PLC0415 - asked of a lock that somebody holds, which is rare

    try:
        return psutil.Process(process.process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


@cache
def _space() -> str:
    parts: list[str] = []
    with suppress(OSError):  # only Linux has these; elsewhere machines have no containers that share their name
        start = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        parts = [start, str(Path("/proc/self/ns/pid").readlink())]
    return " ".join(parts)
