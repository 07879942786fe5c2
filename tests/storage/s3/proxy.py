"""A real HTTP server in front of an S3 server, that refuses, changes, cuts and delays what passes through it."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit


@dataclass(frozen=True)
class Request:
    """What a client sent; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        """The parameters of its URL."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def with_query(self, **changes: str | None) -> Request:
        """The same request with some parameters set, or, by None, left out."""
        query = {key: value for key, value in {**self.query, **changes}.items() if value is not None}
        return replace(self, target=f"{urlsplit(self.target).path}?{urlencode(query)}")

    def without(self, *headers: str) -> Request:
        """The same request without some headers."""
        return replace(self, headers={key: value for key, value in self.headers.items() if key not in headers})


@dataclass(frozen=True)
class Answer:
    """What a client gets back. With `cut`, only so many bytes of the body before the connection ends."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None


Rule = Callable[[Request], "Request | Answer | None"]
"""Gives the request to pass on, an answer instead of the server's, or None to end the connection without one."""


def refusal(status: int, code: str, message: str = "on purpose") -> Answer:
    """An S3 server's error."""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status, {"content-type": "application/xml"}, body.encode())


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that give up or do not trust the certificate are what is tested."""


class Proxy:
    """A proxy that runs.

    Attributes:
        endpoint: its URL.
        seen: every request that has come.
        rules: applied to every request, in order.
        after: what becomes of the server's answers.
    """

    def __init__(self, target: str, *rules: Rule, tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[Request] = []
        self.rules = list(rules)
        self.after: Callable[[Request, Answer], Answer | None] = lambda _, answer: answer
        self._target = urlsplit(target)
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.endpoint = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: Request) -> Answer | None:
        """What becomes of a request."""
        self.seen.append(request)
        passed = request
        for rule in self.rules:
            verdict = rule(passed)
            if not isinstance(verdict, Request):
                return verdict
            passed = verdict
        return self.after(request, self._forward(passed))

    def _forward(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(self._target.hostname or "", self._target.port, timeout=30)
        try:
            connection.request(request.method, request.target, request.body, dict(request.headers))
            response = connection.getresponse()
            headers = {key.lower(): value for key, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                # http.server itself has said that the body may come
                headers = {key.lower(): value for key, value in self.headers.items() if key.lower() != "expect"}
                answer = proxy.answer(Request(self.command, self.path, headers, body))
                if answer is None:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self._send(answer)

            def _send(self, answer: Answer) -> None:
                self.send_response_only(answer.status)
                for key, value in answer.headers.items():
                    if key not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(key, value)
                head = self.command == "HEAD"
                length = answer.headers.get("content-length", "0") if head else str(len(answer.body))
                self.send_header("content-length", length)
                self.end_headers()
                if not head:
                    self.wfile.write(answer.body[: answer.cut])
                if answer.cut is not None:
                    self.close_connection = True

            def log_message(self, format: str, *arguments: object) -> None:
                del format, arguments

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - http.server's names

        return Handler


@contextmanager
def proxied(target: str, *rules: Rule, tls: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """A proxy in front of a server, for the time of the block."""
    proxy = Proxy(target, *rules, tls=tls)
    try:
        yield proxy
    finally:
        proxy.close()


def no_new_checksums(request: Request) -> Request | Answer:
    """A server that knows Content-MD5 only, and wants it for bulk deletion."""
    if any(key.startswith(("x-amz-checksum", "x-amz-sdk-checksum", "x-amz-trailer")) for key in request.headers):
        return refusal(501, "NotImplemented", "A header you provided implies functionality that is not implemented")
    if request.method == "POST" and "delete" in request.query and "content-md5" not in request.headers:
        return refusal(400, "InvalidRequest", "Missing required header for this request: Content-MD5")
    return request


def no_bulk_delete(request: Request) -> Request | Answer:
    """A server that removes one object at a time."""
    bulk = request.method == "POST" and "delete" in request.query
    return refusal(405, "MethodNotAllowed") if bulk else request


def no_list_v2(request: Request) -> Request | Answer:
    """A server that refuses the second version of listing."""
    return refusal(501, "NotImplemented") if request.query.get("list-type") == "2" else request


def ignores_list_v2(request: Request) -> Request:
    """A server that answers the second version of listing as the first."""
    if request.query.get("list-type") == "2":
        return request.with_query(**{"list-type": None, "continuation-token": None, "start-after": None})
    return request


def short_pages(request: Request) -> Request:
    """A server that lists three objects at a time."""
    listing = request.method == "GET" and ("prefix" in request.query or "list-type" in request.query)
    return request.with_query(**{"max-keys": "3"}) if listing and "uploads" not in request.query else request


def no_conditional(request: Request) -> Request | Answer:
    """A server that refuses conditional writes."""
    return refusal(501, "NotImplemented") if "if-none-match" in request.headers else request


def ignores_conditional(request: Request) -> Request:
    """A server that does not see the condition of a write."""
    return request.without("if-none-match")


def no_multipart_list(request: Request) -> Request | Answer:
    """A server that does not list unfinished uploads."""
    return refusal(501, "NotImplemented") if request.method == "GET" and "uploads" in request.query else request


OLD = (no_new_checksums, no_bulk_delete, no_list_v2, no_conditional, no_multipart_list)
"""A server that knows nothing but the oldest S3."""


class Times:
    """A rule that does something to the first requests that `wanted` picks, and nothing to later ones."""

    def __init__(
        self, times: int, verdict: Callable[[Request], Request | Answer | None], wanted: Callable[[Request], bool]
    ) -> None:
        self._left = times
        self._verdict = verdict
        self._wanted = wanted
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Request | Answer | None:
        """Decide about one request."""
        with self._lock:
            if not self._left or not self._wanted(request):
                return request
            self._left -= 1
        return self._verdict(request)


def slow(seconds: float) -> Callable[[Request], Request]:
    """Passes a request on after so many seconds."""

    def wait(request: Request) -> Request:
        time.sleep(seconds)
        return request

    return wait
