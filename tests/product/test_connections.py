"""Connections as libpq knows them, to a server that takes nothing but TLS, with settings that end sessions early."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from tests.control import Control, execute
from tests.product.guarded import Guarded
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


@pytest.fixture(scope="module", autouse=True)
def shop(guarded: Guarded) -> None:
    """Its database."""
    execute(guarded.superuser, "CREATE DATABASE shop OWNER playback")
    execute(make_conninfo(guarded.superuser, dbname="shop"), f"SET ROLE playback; {SCHEMA}")


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
