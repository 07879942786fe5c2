"""Running a command as a whole process, with its time and its peak memory."""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
POLL = 0.01
"""Seconds between two looks at a process's memory."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One whole process: seconds of wall clock and peak resident memory in bytes."""

    seconds: float
    memory: int


def run(command: list[str]) -> Timing:
    """Run a process to its end, watching its memory and that of its children."""
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(process.pid, peak))
        watcher.start()
        output, _ = process.communicate()
        seconds = time.perf_counter() - started
        watcher.join()
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}:\n{output.decode(errors='replace')}")
    return Timing(seconds, peak[0])


def _watch(pid: int, peak: list[int]) -> None:
    try:
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            peak[0] = max(peak[0], process.memory_info().rss)
            time.sleep(POLL)
    except psutil.NoSuchProcess:
        return
