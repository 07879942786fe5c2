"""A server that takes nothing but TLS and a certificate, with settings that end sessions early."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.control import execute
from tests.installed import BINARIES, installed_server
from tests.ports import free_port

HASTY = {
    "statement_timeout": "2s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "2s",
    "idle_session_timeout": "2s",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "temp_file_limit": "1MB",
}
"""What the role is set to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A server that takes the owner of its databases by TLS and a certificate alone.

    Attributes:
        superuser: conninfo of the superuser, by a socket.
        folder: with the files client.crt, client.key and server.crt.
    """

    port: int
    superuser: str
    folder: Path

    @property
    def address(self) -> dict[str, str]:
        """What leads to its database `shop`."""
        files = {"sslcert": "client.crt", "sslkey": "client.key", "sslrootcert": "server.crt"}
        return {
            "host": "127.0.0.1",
            "port": str(self.port),
            "dbname": "shop",
            "user": "playback",
            "sslmode": "verify-full",
            **{name: str(self.folder / file) for name, file in files.items()},
        }


def certificate(folder: Path, name: str, subject: str) -> None:
    """Make a self-signed certificate with its key."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", f"/CN={subject}", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt")]
    subprocess.run(command, check=True, capture_output=True)
    (folder / f"{name}.key").chmod(0o600)


@contextmanager
def guarded_server(folder: Path) -> Iterator[Guarded]:
    """Start one, with the least of locks; its certificates are put into the folder."""
    if not BINARIES.is_dir() or shutil.which("openssl") is None:
        pytest.skip(f"no PostgreSQL 15 in {BINARIES}, or no openssl")
    certificate(folder, "server", "127.0.0.1")
    certificate(folder, "client", "playback")
    port = free_port()
    few = {"max_locks_per_transaction": "10", "max_connections": "12", "max_wal_senders": "0"}
    with installed_server(BINARIES, listen_addresses="127.0.0.1", port=str(port), **few) as server:
        for name in ("server.key", "server.crt", "client.crt"):
            copied = Path(shutil.copy(folder / name, server.directory))
            copied.chmod(0o600)
            shutil.chown(copied, server.directory.owner(), server.directory.group())
        rules = "local all postgres trust\nhostssl all all 127.0.0.1/32 cert\n"
        (server.directory / "pg_hba.conf").write_text(rules, encoding="ascii")
        execute(
            server.superuser,
            "ALTER SYSTEM SET ssl = on",
            "ALTER SYSTEM SET ssl_ca_file = 'client.crt'",
            *(f"ALTER ROLE playback SET {name} = '{value}'" for name, value in HASTY.items()),
            "SELECT pg_reload_conf()",
        )
        yield Guarded(port=port, superuser=server.superuser, folder=folder)
