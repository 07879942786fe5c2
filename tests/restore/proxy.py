"""A proxy between the product and a server that understands what passes: it sees every statement, and can interfere."""

from __future__ import annotations

import re
import select
import socket
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import psycopg
from psycopg.conninfo import make_conninfo

READY, ERROR, KEY, END_OF_MESSAGES = b"Z", b"E", b"K", b"S"


class CutError(Exception):
    """The connection was cut on purpose."""


class Session:
    """One connection of the product to the server.

    Attributes:
        pid: of the server's process.
    """

    def __init__(self, client: socket.socket, server: socket.socket, proxy: Proxy) -> None:
        self._client, self._server, self._proxy = client, server, proxy
        self._skipping = False
        self.pid = 0

    def serve(self) -> None:
        """Carry messages both ways until one side ends."""
        try:
            self._pass_startup()
            from_client, from_server = Messages(self._client), Messages(self._server)
            self._from_server = from_server
            while True:
                for ready in select.select([self._client, self._server], [], [])[0]:
                    if ready is self._client:
                        for kind, message in from_client.receive():
                            self._to_server(kind, message)
                    else:
                        for kind, message in from_server.receive():
                            self._to_client(kind, message)
        except (OSError, CutError):
            pass
        finally:
            self.close()

    def close(self) -> None:
        """End both sides."""
        for each in (self._client, self._server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def cut(self) -> None:
        """Cut the connection on both sides: what is being sent is lost."""
        raise CutError

    def cut_client(self) -> None:
        """Cut the connection to the product, and leave that to the server open."""
        self._client.shutdown(socket.SHUT_RDWR)
        self._client.close()

    def send(self, statement: str) -> None:
        """Send a statement to the server whose answer nobody waits for yet."""
        self._server.sendall(framed(b"Q", statement.encode() + b"\0"))

    def answer(self) -> bytes:
        """Wait until the server is ready again; gives the errors it sent and what says that it is ready."""
        kept = b""
        while True:
            for kind, message in self._from_server.receive():
                if kind in (ERROR, READY):
                    kept += message
                if kind == READY:
                    return kept

    def interject(self, statement: str) -> None:
        """Run a statement in this session before the one that is on its way; where it fails, that is the answer."""
        self.send(statement)
        answer = self.answer()
        if answer[:1] == ERROR:
            self._client.sendall(answer)
            self._skipping = True

    def _pass_startup(self) -> None:
        head = received(self._client, 4)
        body = received(self._client, struct.unpack("!I", head)[0] - 4)
        self._server.sendall(head + body)

    def _to_server(self, kind: bytes, message: bytes) -> None:
        statement = statement_of(kind, message)
        if statement is not None:
            self._proxy.on_statement(self, statement)
        if not self._skipping:
            self._server.sendall(message)
        elif kind in (b"Q", END_OF_MESSAGES):
            self._skipping = False

    def _to_client(self, kind: bytes, message: bytes) -> None:
        if kind == KEY:
            self.pid = struct.unpack("!I", message[5:9])[0]
        self._client.sendall(message)


class Messages:
    """Cuts what a socket receives into messages."""

    def __init__(self, source: socket.socket) -> None:
        self._source = source
        self._rest = b""

    def receive(self) -> list[tuple[bytes, bytes]]:
        """Wait for something; gives the whole messages there are now, each as its kind and all of its bytes."""
        data = self._source.recv(1 << 16)
        if not data:
            raise CutError
        rest, found = self._rest + data, []
        while len(rest) >= 5 and len(rest) > (length := struct.unpack("!I", rest[1:5])[0]):
            found.append((rest[:1], rest[: length + 1]))
            rest = rest[length + 1 :]
        self._rest = rest
        return found


class Proxy:
    """Listens on a port and passes every connection on to a server.

    Args:
        superuser: conninfo of the server.

    Attributes:
        on_statement: called before a statement is passed on, in the thread of its session; may wait, interject or cut.
    """

    def __init__(self, superuser: str) -> None:
        with psycopg.connect(superuser) as connection:
            self._host, self._port = connection.info.host, connection.info.port
        self.on_statement: Callable[[Session, str], None] = lambda session, statement: None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sessions: list[tuple[threading.Thread, Session]] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def conninfo(self, conninfo: str) -> str:
        """The conninfo by which a database of the server is reached through the proxy."""
        port = self._listener.getsockname()[1]
        return make_conninfo(
            conninfo, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable", connect_timeout=60
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        for thread, session in self._sessions:
            session.close()
            thread.join(10)

    def _listen(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                return
            try:
                server = self._reach()
            except OSError:
                client.close()
                continue
            session = Session(client, server, self)
            thread = threading.Thread(target=session.serve, daemon=True)
            self._sessions.append((thread, session))
            thread.start()

    def _reach(self) -> socket.socket:
        if self._host.startswith("/") and sys.platform != "win32":
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{self._host}/.s.PGSQL.{self._port}")
            return server
        return socket.create_connection((self._host, self._port))


def framed(kind: bytes, body: bytes) -> bytes:
    """A message of the protocol."""
    return kind + struct.pack("!I", len(body) + 4) + body


def received(source: socket.socket, size: int) -> bytes:
    """Exactly so many bytes."""
    data = b""
    while len(data) < size:
        more = source.recv(size - len(data))
        if not more:
            raise CutError
        data += more
    return data


def statement_of(kind: bytes, message: bytes) -> str | None:
    """The statement that a message of a client carries, with its white space made single; None for other messages."""
    if kind == b"Q":
        text = message[5:-1]
    elif kind == b"P":
        text = message[5:].split(b"\0")[1]
    else:
        return None
    return re.sub(r"\s+", " ", text.decode()).strip()
