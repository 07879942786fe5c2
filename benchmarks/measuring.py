"""One whole process from its start to its end: wall clock, processor time and peak memory, the server's included.

Seconds are the wall clock's. Processor time of the client is what the system accounts to the process and to those it
has waited for. That of the server is the growth of what /proc accounts to the postmaster, to its children and to those
that have ended, so background processes count as well. Servers that a command starts and stops by itself become
children of this process (Linux: a subreaper), which then learns their times. Memory is looked at every 50 ms: resident
memory of the client and its children summed, at least the peak of each; for the server the private part of its
processes summed. On a system without /proc memory and the server's figures are left out.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
POLL = 0.05
"""Seconds between two looks at memory."""
_adopting = threading.Event()
_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of Linux's prctl."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is run, where, and with which additions to the environment."""

    arguments: Sequence[str]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one process cost.

    Attributes:
        seconds: wall clock.
        client: seconds of processor of the process and its children; None where the system does not say.
        server: seconds of processor of the servers' processes; None where the system does not say.
        memory: peak of resident bytes of the process and its children.
        server_memory: peak of private bytes of the servers' processes.
        stored: bytes that were written to keep, where that is what the work is about.
    """

    seconds: float
    client: float | None = None
    server: float | None = None
    memory: int | None = None
    server_memory: int | None = None
    stored: int | None = None

    @property
    def processor(self) -> float | None:
        """All seconds of processor."""
        return None if self.client is None or self.server is None else self.client + self.server


class FailedError(Exception):
    """A command ended with an error; the text is what it said."""


def adopt_orphans() -> None:
    """Become the parent of processes whose parents end, so that their times are known."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
        _adopting.set()


def run(command: Command, postmaster: int) -> Cost:
    """Run a command to its end.

    Args:
        postmaster: the process of the server that it uses.

    Raises:
        FailedError: it ended with another code than 0.
    """
    _reap()
    watch = _Watch(postmaster)
    before = server_seconds(postmaster)
    started = time.perf_counter()
    environment = {**os.environ, **command.environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with subprocess.Popen(
        command.arguments,
        cwd=command.directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        watch.begin(process.pid)
        assert process.stdout is not None
        try:
            output = process.stdout.read()
            code, client = _wait(process)
        except BaseException:
            process.send_signal(signal.SIGINT)
            raise
        finally:
            watch.end()
    seconds = time.perf_counter() - started
    own = _reap()
    after = _settled_seconds(postmaster)
    if code:
        raise FailedError(f"{' '.join(command.arguments)} ended with {code}:\n{output.decode(errors='replace')}")
    return Cost(
        seconds=seconds,
        client=client,
        server=None if before is None or after is None else after - before + own,
        memory=watch.client or None,
        server_memory=watch.server or None,
    )


def server_seconds(postmaster: int) -> float | None:
    """Give the processor time of a server so far, in seconds: its processes, and those that have ended."""
    if not PROC.is_dir():
        return None
    while True:
        children = _children_of(postmaster)
        total = _spent(postmaster, ended=True) + sum(_spent(child) for child in children)
        if _children_of(postmaster) == children:
            return total


def server_processes(parents: Mapping[int, int] | None = None) -> list[int]:
    """Give the servers' processes that are below this one."""
    return [each for each in _family(os.getpid(), parents or dict(_parents())) if _is_server(each)]


def title_of(pid: int) -> str:
    """Give what a server's process says of itself: whose it is and what kind of statement it carries out."""
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()[:80] or "ended"


def _settled_seconds(postmaster: int) -> float | None:
    """The same once those backends have gone whose client has."""
    for _ in range(40):
        if not any(b" [local] " in _read(child, "cmdline") for child in _children_of(postmaster)):
            break
        time.sleep(0.02)
    return server_seconds(postmaster)


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, float | None]:
    """Wait for a process; gives its code and its seconds of processor."""
    if sys.platform == "win32":
        return process.wait(), None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


def _reap() -> float:
    """Bury adopted processes that have ended; gives their seconds of processor."""
    spent = 0.0
    if sys.platform != "win32" and _adopting.is_set():
        with suppress(ChildProcessError):
            while True:
                pid, _, usage = os.wait4(-1, os.WNOHANG)
                if not pid:
                    break
                spent += usage.ru_utime + usage.ru_stime
    return spent


class _Watch:
    """Looks at the memory of a command's processes and of all servers' while the command runs."""

    def __init__(self, postmaster: int) -> None:
        self.client = self.server = 0
        self._postmaster = postmaster
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, pid: int) -> None:
        if PROC.is_dir():
            self._thread = threading.Thread(target=self._look, args=(pid,), daemon=True)
            self._thread.start()

    def end(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _look(self, pid: int) -> None:
        while not self._stop.wait(POLL):
            parents = dict(_parents())
            clients = [each for each in _family(pid, parents) if not _is_server(each)]
            servers = server_processes(parents)
            servers += _family(self._postmaster, parents) if self._postmaster not in servers else []
            # the peak that the system keeps of each process takes in what happened between two looks
            highest = max((_memory(each, b"VmHWM:") for each in clients), default=0)
            self.client = max(self.client, highest, sum(_memory(each, b"VmRSS:") for each in clients))
            self.server = max(self.server, sum(_memory(each, b"RssAnon:") for each in servers))


def _parents() -> Iterator[tuple[int, int]]:
    """All processes, each with its parent."""
    for entry in os.scandir(PROC):
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                yield int(entry.name), int(fields[1])


def _family(root: int, parents: Mapping[int, int]) -> list[int]:
    """A process and all below it."""
    found, fresh = [root], {root}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh}
        found += fresh
    return found


def _children_of(pid: int) -> set[int]:
    return {child for child, parent in _parents() if parent == pid}


def _spent(pid: int, *, ended: bool = False) -> float:
    """Seconds of processor of a process, with `ended` those of its ended children as well."""
    fields = _stat(pid)
    return sum(map(int, fields[11 : 15 if ended else 13])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _stat(pid: int) -> list[bytes]:
    """The fields of a process's `stat` from the third on; none when it is gone."""
    return _read(pid, "stat").rpartition(b") ")[2].split()


def _is_server(pid: int) -> bool:
    return _read(pid, "comm").strip() == b"postgres"


def _memory(pid: int, name: bytes) -> int:
    for line in _read(pid, "status").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0


def _read(pid: int, name: str) -> bytes:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""
