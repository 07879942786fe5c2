"""Embedded servers."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Servers
from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.cluster import Cluster
from toolkit.postgres.servers.programs import fitting
from toolkit.postgres.session.connection import connect


@pytest.mark.parametrize("version", [16, 18])
def test_databases_belong_to_a_role_that_is_no_superuser(servers: Servers, version: int) -> None:
    """A test database is of the asked-for version and its owner has no superuser rights."""
    with psycopg.connect(servers.database(version)) as connection:
        assert connection.info.server_version // 10000 == version
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == (False,)


GARBAGE = {
    "PGPASSWORD": "k",
    "PGSSLMODE": "require",
    "PGSSLROOTCERT": "system",
    "PGSSLCERTMODE": "require",
    "PGOPTIONS": "-c statement_timeout=1 -c search_path=nowhere",
    "PGHOST": "nowhere.example",
    "PGHOSTADDR": "192.0.2.1",
    "PGPORT": "1",
    "PGUSER": "nobody",
    "PGDATABASE": "nothing",
    "PGPASSFILE": "/nowhere",
    "PGCONNECT_TIMEOUT": "soon",
    "PGCLIENTENCODING": "LATIN1",
    "PGTARGETSESSIONATTRS": "standby",
    "PGREQUIREAUTH": "none",
    "PGREQUIREPEER": "nobody",
    "PGCHANNELBINDING": "require",
    "PGGSSENCMODE": "require",
    "PGLOADBALANCEHOSTS": "maybe",
    "PGMINPROTOCOLVERSION": "9",
    "PGMAXPROTOCOLVERSION": "1",
    "PGSSLMAXPROTOCOLVERSION": "TLSv1.1",
    "PGDATA": "/nowhere",
}


@pytest.mark.parametrize("by_service", [False, True])
def test_what_the_environment_says_of_own_databases_is_not_meant_for_private_ones(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_service: bool
) -> None:
    """Neither connections to an embedded server nor programs for it take anything from libpq's variables."""
    if by_service:
        services = tmp_path / "services"
        services.write_text("[till]\nsslmode=verify-full\nsslrootcert=/no\nrequire_auth=none\npassword=k\n")
        monkeypatch.setenv("PGSERVICE", "till")
        monkeypatch.setenv("PGSERVICEFILE", str(services))
    else:
        for name, value in GARBAGE.items():
            monkeypatch.setenv(name, value)
    server = embedded.start(servers.by_version[18].directory.parent)
    assert server.has_database("postgres")
    programs = next(fitting("", source=18, target=18))
    database = server.conninfo("postgres")
    assert "CREATE SCHEMA public" in programs.run("pg_dump", ["--schema-only", "--schema=public"], database=database)
    asked = ["--no-psqlrc", "--tuples-only", "--command", "SELECT current_user || current_setting('search_path')"]
    assert programs.run("psql", asked, database=database).strip() == 'playback"$user", public'


def test_a_locale_that_is_not_installed_makes_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private server is made and starts where the environment names a locale that the system lacks."""
    monkeypatch.setenv("LC_ALL", "tlh_QO.UTF-8")
    cluster = Cluster(tmp_path)
    cluster.make(18, hasty=True)
    cluster.start()
    cluster.stop()


def test_a_limit_of_time_in_the_environment_ends_nothing(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that PGOPTIONS sets, however short, are off in every session; its other settings stay."""
    database = servers.database()
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=1 -c idle-session-timeout=1 -c search_path=here")
    with connect(database) as connection:
        time.sleep(0.01)
        asked = "SELECT current_setting('search_path'), pg_sleep(0.01) IS NULL"
        assert connection.execute(asked).fetchone() == ("here", False)
