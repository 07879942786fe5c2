"""Connections as libpq knows them, to a server that takes nothing but TLS, with settings that end sessions early."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from tests.control import Control, execute
from tests.installed import BINARIES, installed_server
from tests.product.test_hosts_of_a_nightly import nightly
from tests.product.test_pooled import CATALOG
from toolkit.errors import DatabaseError, UnreachableError
from toolkit.postgres.session.connection import connect

pytestmark = pytest.mark.server

SCHEMA = """
CREATE TABLE shops (id text PRIMARY KEY, name text, demo boolean);
CREATE TABLE orders (id integer PRIMARY KEY, shop text REFERENCES shops);
CREATE TABLE items (id integer PRIMARY KEY, "order" integer REFERENCES orders);
INSERT INTO shops VALUES ('a', 'A', false), ('b', 'B', false);
INSERT INTO orders VALUES (1, 'a'), (2, 'b');
"""

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
    """A server that takes the owner of database `shop` by TLS and a certificate alone.

    Attributes:
        folder: with the files client.crt, client.key and server.crt.
    """

    port: int
    folder: Path

    @property
    def address(self) -> dict[str, str]:
        """What leads to it."""
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


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The server, with the least of locks."""
    if not BINARIES.is_dir() or shutil.which("openssl") is None:
        pytest.skip(f"no PostgreSQL 15 in {BINARIES}, or no openssl")
    folder = tmp_path_factory.mktemp("certificates")
    certificate(folder, "server", "127.0.0.1")
    certificate(folder, "client", "playback")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
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
            "CREATE DATABASE shop OWNER playback",
            "ALTER SYSTEM SET ssl = on",
            "ALTER SYSTEM SET ssl_ca_file = 'client.crt'",
            *(f"ALTER ROLE playback SET {name} = '{value}'" for name, value in HASTY.items()),
            "SELECT pg_reload_conf()",
        )
        made = Guarded(port=port, folder=folder)
        execute(make_conninfo(server.superuser, dbname="shop"), f"SET ROLE playback; {SCHEMA}")
        yield made


def test_each_way_to_a_server_behind_tls(
    guarded: Guarded, control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keywords, a URI with several hosts, a service with its password file and variables lead to the same backup."""
    control.catalog = CATALOG
    address = guarded.address
    uri = f"postgresql://playback@127.0.0.1:9,127.0.0.1:{guarded.port}/shop?target_session_attrs=primary&" + "&".join(
        f"{name}={value}" for name, value in address.items() if name.startswith("ssl")
    )
    lines = [f"{name}={value}\n" for name, value in address.items()]
    (tmp_path / "services").write_text(f"[shop]\n{''.join(lines)}", encoding="utf-8")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    (tmp_path / "passwords").write_text("*:*:*:*:unused\n", encoding="utf-8")
    (tmp_path / "passwords").chmod(0o600)
    control.add_host("keywords", make_conninfo("", **address, passfile=str(tmp_path / "passwords")))
    control.add_host("uri", uri)
    control.add_host("service", "service=shop")
    manifests = [control.backup(host) for host in control.hosts]
    for variable, name in {"PGHOST": "host", "PGSSLMODE": "sslmode", "PGSSLROOTCERT": "sslrootcert"}.items():
        monkeypatch.setenv(variable, address.pop(name))
    control.add_host("variables", make_conninfo("", **address))
    manifests.append(control.backup("variables"))
    assert len({str(manifest.tables) for manifest in manifests}) == 1
    assert manifests[0].metadata.stats.total_records == 4
    restored = control.restore("service", manifests[0], "mirror")
    assert not restored.changed


@pytest.mark.parametrize(
    ("without", "instead", "hint"),
    [
        ("sslmode", "disable", "sslmode=require"),
        ("sslcert", "/nowhere", "sslcert=FILE sslkey=FILE"),
        ("sslrootcert", "/nowhere", "sslrootcert=FILE"),
        ("service", "nowhere", "PGSERVICEFILE"),
    ],
)
def test_what_is_wrong_with_a_connection_is_told(guarded: Guarded, without: str, instead: str, hint: str) -> None:
    """A connection without TLS, certificate, authority or service fails with the word that mends it."""
    with pytest.raises(UnreachableError) as caught, connect(make_conninfo("", **{**guarded.address, without: instead})):
        pass
    assert hint in caught.value.hint


def test_what_a_role_is_set_to_ends_nothing(guarded: Guarded) -> None:
    """Whatever the role's settings would end, a connection lives; what only a superuser may change is told."""
    with connect(make_conninfo("", **guarded.address)) as connection:
        for name in ("statement_timeout", "idle_session_timeout", "idle_in_transaction_session_timeout"):
            assert connection.execute(f"SHOW {name}".encode()).fetchone() == ("0",)
        assert connection.execute("SHOW transaction_read_only").fetchone() == ("off",)
    with pytest.raises(DatabaseError) as limited, connect(make_conninfo("", **guarded.address)) as connection:
        connection.execute("SELECT count(*) FROM (SELECT n FROM generate_series(1, 1500000) n ORDER BY -n) q")
    assert "temp_file_limit" in limited.value.hint
    with pytest.raises(DatabaseError) as locked, connect(make_conninfo("", **guarded.address)) as connection:
        connection.execute(
            "DO $$ BEGIN FOR n IN 1..20000 LOOP EXECUTE 'CREATE TEMPORARY TABLE t' || n || ' ()'; END LOOP; END $$"
        )
    assert "raise max_locks_per_transaction" in locked.value.hint


def test_a_nightly_of_a_server_behind_tls(guarded: Guarded, control: Control) -> None:
    """The nightly playbook needs nothing but the address: pg_dump reaches the server by the same certificates."""
    control.catalog = CATALOG
    control.add_host("shop", make_conninfo("", **guarded.address))
    stores = {name: {"type": "local", "path": name} for name in ("local", "offsite-copy")}
    (control.directory / "inventory" / "repositories.yml").write_text(json.dumps(stores), encoding="utf-8")
    code, text, _ = nightly(control.directory)
    assert code == 0, text
    assert "4 rows of 3 tables are safe, in two places" in text
