"""Processes of this machine that do errands for a run: begun when they are needed, ended with it or with the leader.

Lines pass through their standard input and output: what to do in, news of its progress and the answer out.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

import toolkit
from toolkit.errors import TaskError
from toolkit.runner import wire
from toolkit.runner.interruption import unheard
from toolkit.runner.wire import Errand, LostError

_SLICE: Final = 0.2
_TO_END: Final = 10.0
"""Seconds that a process has to end by itself once nobody wants anything of it."""

INTERRUPT: Final = "I"
ERRAND: Final = "E"
PROGRESS: Final = "P"
ANSWER: Final = "A"
"""The first character of a line says what it is."""


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is told of the run, in the first line.

    Attributes:
        inventory: its directory.
        control: the control directory.
        shown: how the run calls the inventory's directory.
        extra: its extra variables, packed.
    """

    inventory: str
    control: str
    shown: str
    extra: Any


class WorkerProcess:
    """One process, which does one errand at a time."""

    def __init__(self, hello: Hello) -> None:
        try:
            self._process = _begun()
        except OSError as error:
            raise TaskError(f"no worker process can be begun: {error}") from error
        self._messages = queue.SimpleQueue[str | None]()
        self._listening = threading.Thread(target=self._listen, name="worker-process", daemon=True)
        self._listening.start()
        self._write("", msgspec.json.encode(hello).decode())

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def do(self, errand: Errand, hear: Callable[[Mapping[str, Any]], None], stop: Callable[[], bool]) -> str:
        """Have an errand done, and give the answer.

        Args:
            hear: takes news of its progress.
            stop: tells whether it is to end soon.

        Raises:
            LostError: the process is gone.
        """
        self._write(ERRAND, wire.sent(errand))
        told = False
        while True:
            try:
                message = self._messages.get(timeout=_SLICE)
            except queue.Empty:
                message = ""
            if message is None:
                raise LostError
            if message.startswith(ANSWER):
                return message[1:]
            if message.startswith(PROGRESS):
                hear(json.loads(message[1:]))
            if not told and stop():
                self._write(INTERRUPT, "")
                told = True

    def dismiss(self) -> None:
        """Have it end: at once where it is at something."""
        with suppress(OSError):
            self._stdin.close()

    def close(self) -> None:
        """End it, and wait for that."""
        self.dismiss()
        try:
            self._process.wait(_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listening.join()

    @property
    def _stdin(self) -> Any:
        assert self._process.stdin is not None
        return self._process.stdin

    def _write(self, kind: str, text: str) -> None:
        with suppress(OSError):  # it is gone, which whoever waits for it hears at once
            self._stdin.write(f"{kind}{text}\n".encode())
            self._stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with suppress(OSError), self._process.stdout as lines:
            for line in lines:
                self._messages.put(line.decode().rstrip("\n"))
        self._messages.put(None)


class ProcessPool:
    """Worker processes, each begun when all others are busy; one that is lost is replaced."""

    def __init__(self, hello: Hello) -> None:
        self._hello = hello
        self._lock = threading.Lock()
        self._idle = list[WorkerProcess]()
        self._all = list[WorkerProcess]()

    def begin(self, number: int) -> None:
        """Begin so many before they are needed."""
        self._all = [WorkerProcess(self._hello) for _ in range(number)]
        self._idle = list(self._all)

    def do(self, errand: Errand, hear: Callable[[Mapping[str, Any]], None], stop: Callable[[], bool]) -> str:
        """As `WorkerProcess.do`, by one that has nothing to do."""
        with self._lock:
            process = self._idle.pop() if self._idle else None
        if process is None:
            process = WorkerProcess(self._hello)
            with self._lock:
                self._all.append(process)
        answer = process.do(errand, hear, stop)
        with self._lock:
            self._idle.append(process)
        return answer

    def close(self) -> None:
        """End all of them, side by side."""
        for process in self._all:
            process.dismiss()
        for process in self._all:
            process.close()


def _begun() -> subprocess.Popen[bytes]:
    home = str(Path(toolkit.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    with unheard():
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "toolkit.runner.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
