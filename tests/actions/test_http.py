"""The actions `http` and `wait_for`, against real sockets."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.actions.running import act
from toolkit.errors import TaskError
from toolkit.model.secret import Secret


@dataclass
class Server:
    """A web server that remembers what it was asked."""

    url: str
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    """A web server: /missing is 404, /moved leads to /, /slow takes a second, everything else is 200."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            made.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if self.path == "/drip":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while not released.wait(0.1):
                    self.wfile.write(b"X: y\r\n")
                return
            if self.path == "/slow":
                released.wait(2)
            self.send_response({"/missing": 404, "/moved": 302}.get(self.path, 200))
            if self.path == "/moved":
                self.send_header("Location", "/")
            text = json.dumps({"ok": True}).encode()
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        do_GET = do_POST = do_HEAD = answer  # noqa: N815 - the names the base class asks for

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    released = threading.Event()
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    made = Server(url=f"http://127.0.0.1:{listening.server_port}")
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
    thread.start()
    yield made
    released.set()
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_a_get_gives_the_answer(server: Server, tmp_path: Path) -> None:
    """GET changes nothing and gives status, headers and, when asked for, content; it follows redirects."""
    outcome = act("http", {"url": f"{server.url}/moved", "return_content": True}, tmp_path)
    assert not outcome.changed
    assert outcome.facts["status"] == 200
    assert outcome.facts["json"] == {"ok": True}
    assert "content" not in act("http", {"url": server.url}, tmp_path).facts


def test_a_post_sends_json_and_secrets(server: Server, tmp_path: Path) -> None:
    """POST is a change; its JSON and headers are sent with secrets revealed."""
    arguments = {
        "url": f"{server.url}/done",
        "method": "POST",
        "headers": {"Authorization": Secret("Bearer pin")},
        "json": {"rows": 3, "text": "ü"},
    }
    assert act("http", arguments, tmp_path).changed
    method, path, headers, body = server.seen[0]
    assert (method, path, json.loads(body)) == ("POST", "/done", {"rows": 3, "text": "ü"})
    assert headers["authorization"] == "Bearer pin"
    assert headers["content-type"] == "application/json"


def test_another_status_fails(server: Server, tmp_path: Path) -> None:
    """A status that is not wanted fails the task with what came back; `status_code` says what is wanted."""
    outcome = act("http", {"url": f"{server.url}/missing"}, tmp_path)
    assert outcome.exit_code == 1
    assert outcome.message == 'the answer\'s status is 404, not 200: {"ok": true}'
    assert act("http", {"url": f"{server.url}/missing", "status_code": [200, 404]}, tmp_path).exit_code == 0


def test_no_answer_fails(server: Server, tmp_path: Path) -> None:
    """Nobody there, and nobody answering in time, are errors with their reason."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(TaskError, match="no answer: "):
            act("http", {"url": f"http://127.0.0.1:{free.getsockname()[1]}/"}, tmp_path)
    with pytest.raises(TaskError, match=r"no answer: .*timed out"):
        act("http", {"url": f"{server.url}/slow", "timeout": 0.2}, tmp_path)
    with pytest.raises(TaskError, match=r"no answer: it was not whole within 0\.6 s"):
        act("http", {"url": f"{server.url}/drip", "timeout": 0.6}, tmp_path)


def test_check_mode_sends_nothing_that_changes(server: Server, tmp_path: Path) -> None:
    """In check mode GET is sent and POST is not."""
    act("http", {"url": server.url}, tmp_path, check=True)
    assert act("http", {"url": server.url, "method": "POST"}, tmp_path, check=True).skipped
    assert [method for method, *_ in server.seen] == ["GET"]


def test_waiting_for_a_port(server: Server, tmp_path: Path) -> None:
    """wait_for ends when the port answers, and fails after its timeout saying why."""
    port = int(server.url.rpartition(":")[2])
    assert act("wait_for", {"port": port, "timeout": 60}, tmp_path).message == f"port {port} of 127.0.0.1 is there"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
        with pytest.raises(TaskError, match=rf"waited 0\.1 s for port {closed} of 127\.0\.0\.1: \S+"):
            act("wait_for", {"port": closed, "timeout": 0.1, "delay": 0.02}, tmp_path)


def test_waiting_for_a_path(tmp_path: Path) -> None:
    """wait_for ends when the path appears; in check mode it does not wait."""
    made = tmp_path / "made"
    timer = threading.Timer(0.1, made.touch)
    timer.start()
    outcome = act("wait_for", {"path": "made", "timeout": 10, "delay": 0.02}, tmp_path)
    timer.join()
    assert outcome.facts["elapsed"] >= 0.05  # type: ignore[operator]
    assert act("wait_for", {"path": "never", "timeout": 60}, tmp_path, check=True).skipped
