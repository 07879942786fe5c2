"""What people run into: one clear message each, the documented exit code, and nothing changed."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.app.invoking import Place, invoke, playbook
from tests.conftest import Servers
from tests.installed import PROGRAMS
from toolkit.postgres.servers.embedded import EmbeddedServer

BACKUP = "{name: Back up, backup: {scope: business}}"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty place."""
    return Place(tmp_path)


@pytest.mark.skipif(bool(PROGRAMS), reason="an installed server asks for no password in tests")
def test_a_wrong_password(place: Place, pg18: EmbeddedServer) -> None:
    """A wrong password is refused by the server: exit 1, who and where are named, the password is not."""
    with psycopg.connect(pg18.superuser, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS locked")
        connection.execute("CREATE ROLE locked LOGIN PASSWORD 'right-password'")
    parts = conninfo_to_dict(pg18.conninfo("postgres", user="locked"))
    database = {"host": parts["host"], "dbname": "postgres", "user": "locked", "password": {"env": "SHOP_PASSWORD"}}
    ran = place.run(database, BACKUP, env={"SHOP_PASSWORD": "wrong-password"})
    assert ran.code == 1
    assert ran.out.count("UNREACHABLE!") == 1
    assert "cannot connect to database postgres" in ran.out
    assert 'password authentication failed for user "locked"' in ran.out
    assert "HINT: " in ran.out
    assert "wrong-password" not in ran.text
    assert not place.repository.exists()


def test_a_missing_password(place: Place) -> None:
    """A secret whose source is not there is named by its place: exit 2."""
    database = {"host": "127.0.0.1", "dbname": "shop", "user": "app", "password": {"env": "SHOP_PASSWORD_NOT_SET"}}
    ran = place.run(database, BACKUP)
    assert ran.code == 2
    assert "SHOP_PASSWORD_NOT_SET" in ran.text
    assert not place.repository.exists()


def test_a_stopped_server(place: Place) -> None:
    """A server that is not running: exit 1, and the message says where nobody answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        ran = place.run(f"host=127.0.0.1 port={port} dbname=shop user=app", BACKUP)
    assert ran.code == 1
    assert ran.out.count("UNREACHABLE!") == 1
    assert f"cannot connect to database shop on 127.0.0.1:{port} as app" in ran.out
    assert "HINT: nothing listens at that address: is the server running" in ran.out
    assert not place.repository.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no read-only directories")
def test_a_read_only_repository(place: Place, servers: Servers, demo_template: Callable[[int], str]) -> None:
    """A repository directory that cannot be written: exit 1, with the directory and what to do."""
    if os.geteuid() == 0:
        # root may write everywhere but in the kernel's own file systems
        place.repository = Path("/sys/playback-repository")
        if not Path("/sys/kernel").is_dir():
            pytest.skip("no directory that root cannot write")
    else:
        place.repository.mkdir()
        place.repository.chmod(0o500)
    ran = place.run(servers.database(18, template=demo_template(18)), BACKUP)
    assert ran.code == 1
    assert ran.out.count("FAILED!") == 1
    assert str(place.repository) in ran.out
    assert "HINT: " in ran.out
    assert not list(place.repository.glob("**/manifest.json"))


@pytest.mark.parametrize(
    ("task", "place_and_message"),
    [
        ("{name: Back up, backup: {scope: business, demos: exclude}}", r"3: [0].tasks[0].backup.demos: "),
        ("{name: Back up, backup: {scope: business}, regster: x}", r"3: [0].tasks[0].regster: "),
        ("{name: Back up, backup: {scope: buisness}}", r"3: [0].tasks[0].backup.scope: "),
        ("{name: Back up, backup: {scope: business}", r"playbook.yml:"),
        ("{name: Back up, bakcup: {scope: business}}", r"3: [0].tasks[0]"),
    ],
    ids=["unknown key", "unknown keyword", "wrong value", "yaml syntax", "unknown action"],
)
def test_a_mistake_in_a_playbook(task: str, place_and_message: str, place: Place) -> None:
    """A mistake in a playbook is found before anything runs: exit 2, one message with file, line and path."""
    ran = place.run("host=127.0.0.1 port=1", task)
    assert ran.code == 2
    assert place_and_message in ran.err
    assert len(ran.err.splitlines()) == 1
    assert ran.out == ""


def test_an_undefined_variable(place: Place) -> None:
    """An undefined variable fails its task before the action runs: exit 2, with the nearest name."""
    ran = place.run("host=127.0.0.1 port=1", "backup: {businesses: '{{ busineses }}'}\n      vars: {businesses: [a]}")
    assert ran.code == 2
    assert "playbook.yml:3: [0].tasks[0].backup.businesses: the variable busineses is undefined" in ran.out
    assert "did you mean businesses?" in ran.out


def test_an_unknown_host(place: Place) -> None:
    """An unknown host is refused wherever it is named: exit 2, with the nearest name."""
    place.run("embedded:none", "debug: {msg: hello}")
    path = playbook(place.directory, "debug: {msg: never}", hosts="shpo")
    for words in (("run", str(path)), ("run", str(path), "--limit", "shpo"), ("verify", "label", "--host", "shpo")):
        refused = invoke(*words, "--inventory", str(place.inventory))
        assert refused.code == 2
        assert "shpo" in refused.err
        assert "shop" in refused.err
        assert refused.out == ""


def test_a_missing_inventory(tmp_path: Path) -> None:
    """An inventory directory that is not there is named: exit 2."""
    path = playbook(tmp_path, "debug: {msg: never}")
    refused = invoke("run", str(path), "--inventory", str(tmp_path / "nowhere"))
    assert refused.code == 2
    assert "nowhere" in refused.err
