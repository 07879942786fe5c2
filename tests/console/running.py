"""A console that runs as a process of its own, for its pages to be asked for."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil
import yaml

from tests.app.invoking import ROOT, Invoked, invoke
from toolkit.shipped import DEMO_INVENTORY

PATIENCE = 120.0
"""Seconds that anything may take before a test gives up: a busy machine is slow, and waiting costs nothing."""

_ADDRESS = re.compile(r"https?://\S+")
_FIELD = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass(kw_only=True)
class Console:
    """A control directory with a console, which begins on entering and ends on leaving.

    The directory has the demo's inventory: the host `demo` on `embedded:demo`, the repositories `local` and
    `offsite-copy`.

    Attributes:
        address: where it listens, e.g. `http://127.0.0.1:40123`.
        client: asks for pages as somebody who came in by the printed address; redirects are not followed.
    """

    directory: Path
    address: str = ""
    client: httpx.Client = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        if not (self.directory / "inventory").exists():
            shutil.copytree(DEMO_INVENTORY, self.directory / "inventory")
            shutil.copy(ROOT / "tasks.py", self.directory / "tasks.py")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start the console and come in."""
        whole = self.begin()
        answer = self.client.get(whole, follow_redirects=True)
        assert answer.status_code == 200, answer.text

    def begin(self, **verifying: Any) -> httpx.URL:
        """Start the console and give the address that it prints; the client has not come in.

        Args:
            verifying: how the client checks a certificate, as httpx takes it.
        """
        # a pipe that nobody reads would be full some day
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "toolkit.app.program", "console", "--listen", "127.0.0.1:0"],
                cwd=self.directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        while not (found := _ADDRESS.search(self.printed)) and self.process.poll() is None:
            time.sleep(0.02)
        found = found or _ADDRESS.search(self.printed)
        assert found, self.printed
        whole = httpx.URL(found[0])
        self.address = f"{whole.scheme}://{whole.netloc.decode()}"
        self.client = httpx.Client(base_url=self.address, headers={"Origin": self.address}, timeout=60, **verifying)
        return whole

    def stop(self) -> None:
        """End the console as Ctrl-C does."""
        self.client.close()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()

    @property
    def printed(self) -> str:
        """All that it has printed since it was started, as far as lines are whole."""
        whole, end, _ = self._output.read_bytes().rpartition(b"\n")
        return (whole + end).decode("utf-8")

    @property
    def seconds(self) -> float:
        """Seconds of a processor that it has used so far, whatever else the machine did meanwhile."""
        used = psutil.Process(self.process.pid).cpu_times()
        return used.user + used.system

    @property
    def told(self) -> str:
        """What it and its last runs have printed, for whoever looks for the cause of a failure."""
        runs = sorted((self.directory / ".playback" / "runs").glob("*/*.txt"))[-4:]
        files = [self._output, *runs]
        return "\n".join(f"{file}:\n{file.read_bytes()[-5000:].decode('utf-8', 'replace')}" for file in files)

    @property
    def _output(self) -> Path:
        return self.directory / "console.log"

    @property
    def _environment(self) -> Mapping[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT)}

    def add_host(self, name: str, database: object, **variables: Any) -> None:
        """Name a further database in the inventory."""
        file = self.directory / "inventory" / "hosts.yml"
        hosts = yaml.safe_load(file.read_text("utf-8"))
        hosts["all"]["hosts"][name] = {"database": database, **variables}
        file.write_text(json.dumps(hosts), encoding="utf-8")

    def invoke(self, *words: str) -> Invoked:
        """Run a command beside the console, in its directory."""
        return invoke(*words, cwd=self.directory, env={"PYTHONPATH": str(ROOT)})

    def page(self, path: str) -> str:
        """Give a page's text."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def settled(self, path: str, passing: str) -> str:
        """Give a page's text once it no longer says what it says while something is on its way."""
        end = time.monotonic() + PATIENCE
        while passing in (text := self.page(path)):
            assert time.monotonic() < end, text
            time.sleep(0.1)
        return text

    def post(self, path: str, data: Mapping[str, Any], *, form: str) -> httpx.Response:
        """Send a form with the token of the page on which it stands."""
        token = _FIELD.search(self.page(form))
        assert token, f"{form} has no form"
        return self.client.post(path, data={"csrf": token[1], **data})

    def wait(self, run: str) -> int:
        """Wait until a run of the console has ended; gives its exit code."""
        record = self.directory / ".playback" / "runs" / run / "run.json"
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            told = json.loads(record.read_text("utf-8")) if record.exists() else {}
            if told.get("exit_code") is not None:
                code: int = told["exit_code"]
                return code
            time.sleep(0.05)
        raise AssertionError(f"run {run} did not end within {PATIENCE} s")

    def playbook_of(self, run: str) -> str:
        """Give the playbook that a run had, byte for byte."""
        return (self.directory / ".playback" / "runs" / run / "playbook.yml").read_bytes().decode("utf-8")
