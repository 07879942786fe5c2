"""Whatever a host that runs beside others waits for: once the run is interrupted it waits no longer, nor begins it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.acting import context_of
from tests.runner.playbooks import CONTROL
from toolkit.actions.registry import ACTIONS
from toolkit.config import inventory
from toolkit.config.secrets import secret
from toolkit.errors import StorageError
from toolkit.model.playbook import Place
from toolkit.retries.policy import pauses, retrying
from toolkit.runner.arguments import prepared
from toolkit.stopping import output_of, stopped_when

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def act(name: str, **arguments: object) -> None:
    """Run an action."""
    context = context_of(inventory.load(CONTROL.directory / "inventory"), "one")
    ACTIONS[name].run(prepared(ACTIONS[name], arguments, Place()), context)


def ask_program(_: int) -> None:
    """Wait for a program."""
    with subprocess.Popen(SLEEP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            output_of(process)
        finally:
            process.kill()


def ask_secret(_: int) -> None:
    """Ask a command for a secret."""
    secret({"command": SLEEP}, Place(), Path.cwd()).reveal()


def fail_again(_: int) -> None:
    """Try again and again."""

    def fail() -> None:
        raise StorageError("never")

    retrying((StorageError,), attempts=1_000_000, seconds=60)(fail)


def pause_again(_: int) -> None:
    """Look again and again."""
    for _again in pauses(seconds=60):
        pass


WAITS: dict[str, Callable[[int], None]] = {
    "http": lambda port: act("http", url=f"http://127.0.0.1:{port}/", timeout=60),
    "mail": lambda port: act(
        "mail",
        **{"host": "127.0.0.1", "port": port, "secure": "never", "from": "a@example.org", "to": "b@example.org"},
        subject="s",
        timeout=60,
    ),
    "secret": ask_secret,
    "program": ask_program,
    "retries": fail_again,
    "pauses": pause_again,
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=list(WAITS))
def test_no_wait_outlasts_the_run(wait: Callable[[int], None], silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that waits, for a minute otherwise, is stopped at once."""
    monkeypatch.delenv("PLAYBACK_NO_BACKOFF", raising=False)
    ended = threading.Event()

    def work() -> None:
        with stopped_when(ended.is_set):
            wait(silent)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        time.sleep(0.1)
        began = time.monotonic()
        ended.set()
        with pytest.raises(KeyboardInterrupt):
            working.result()
    assert time.monotonic() - began < 30


def test_who_waited_for_the_same_secret_does_not_ask_for_it(tmp_path: Path) -> None:
    """Its command is begun once: the second host comes to its turn when the run has been interrupted."""
    begun, ended = tmp_path / "begun", threading.Event()
    code = f"import time; open({str(begun)!r}, 'a').write('x'); time.sleep(60)"
    shared = secret({"command": [sys.executable, "-c", code]}, Place(), tmp_path)

    def work() -> None:
        with stopped_when(ended.is_set):
            shared.reveal()

    with ThreadPoolExecutor(2) as pool:
        working = [pool.submit(work) for _ in range(2)]
        while not (begun.exists() and begun.stat().st_size):
            time.sleep(0.01)
        ended.set()
        for each in working:
            with pytest.raises(KeyboardInterrupt):
                each.result()
    assert begun.read_text(encoding="utf-8") == "x"
