"""Two users on one machine: the second gets nothing of what the first one has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.app.invoking import ROOT, invoke
from tests.sweeps import EVERYTHING
from toolkit.errors import DatabaseError
from toolkit.postgres.servers import embedded

if sys.platform == "win32":
    pytest.skip("Windows has no users to change to without a password", allow_module_level=True)

import pwd

from toolkit.shipped import DEMO_INVENTORY

Secrets = dict[str, list[str]]

RESULTS = ("saved.jsonl", "report.json", "events.jsonl", "dump.sql", "exported", "carried.playback")
"""What a run leaves in the control directory."""


@pytest.fixture(scope="module")
def other() -> Iterator[int]:
    """The number of another user, made for the test."""
    if os.geteuid() != 0 or shutil.which("useradd") is None:
        pytest.skip("only root can make another user")
    name = f"playback{uuid.uuid4().hex[:8]}"
    subprocess.run(["useradd", "--no-create-home", "--shell", "/bin/sh", name], check=True, capture_output=True)
    yield pwd.getpwnam(name).pw_uid
    subprocess.run(["userdel", name], check=True, capture_output=True)


@pytest.fixture
def control(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A control directory that everybody may enter, with a path that is too long for a socket or not; it is in use."""
    # as open as can be: what is private is so by itself
    top = Path(tempfile.mkdtemp(prefix="shared-"))
    directory = top / ("c" if request.param == "short" else "long" * 25)
    directory.mkdir()
    for folder in (top, directory):
        folder.chmod(0o755)
    shutil.copytree(DEMO_INVENTORY / "catalogs", directory / "inventory" / "catalogs")
    yield directory
    embedded.stop(directory / ".playback" / "shop")
    shutil.rmtree(top)


def as_other(user: int, attempt: Callable[[], Secrets]) -> Secrets:
    """What an attempt gives when another user makes it, in a process of its own."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # later versions warn of threads, which the child has not
        child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            os.write(writing, json.dumps(attempt()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        found = answer.read()
    os.waitpid(child, 0)
    return json.loads(found)  # type: ignore[no-any-return]


def opened(conninfo: str) -> str:
    """Who one is in a database; empty where one does not get in."""
    try:
        with psycopg.connect(conninfo, connect_timeout=5) as connection:
            return str(connection.execute("SELECT current_user").fetchone())
    except psycopg.OperationalError:
        return ""


def looked_at(top: Path) -> list[str]:
    """The files below a directory that can be read."""
    found = []
    for folder, _, names in os.walk(top):
        for name in names:
            try:
                Path(folder, name).read_bytes()
            except OSError:
                continue
            found.append(name)
    return found


def stopped(home: Path) -> Callable[[], Secrets]:
    """Stops a server."""

    def stop() -> Secrets:
        embedded.stop(home)
        return {}

    return stop


def fill(control: Path) -> str:
    """An embedded database, backed up by the real command line with a saved result and a report; gives its conninfo."""
    host = {"database": "embedded:shop", "catalog": "shop", "repository": "here"}
    (control / "inventory" / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"shop": host}}}), "utf-8")
    store = {"here": {"type": "local", "path": str(control / ".playback" / "repository")}}
    (control / "inventory" / "repositories.yml").write_text(json.dumps(store), "utf-8")
    catalog = {"catalog": "shop", "tenant": {"table": "shops", "key": "id"}, "business": {"all": {"shops": "tenant"}}}
    (control / "inventory" / "catalogs" / "shop.yml").write_text(json.dumps(catalog), "utf-8")
    conninfo = embedded.start(control / ".playback" / "shop").conninfo("shop")
    server = embedded.start(control / ".playback" / "shop")
    server.create_database("shop")
    with psycopg.connect(conninfo) as connection:
        connection.execute("CREATE TABLE shops (id text PRIMARY KEY)")
        connection.execute("INSERT INTO shops VALUES ('a'), ('b')")
    tasks: tuple[dict[str, object], ...] = (
        {"backup": {"scope": "business"}},
        {"sql": {"query": "SELECT * FROM shops", "save": str(control / "saved.jsonl")}},
        {"restore": {"from": "latest", "mode": "merge", "atomic": False}},
        {"export": {"format": "csv", "directory": str(control / "exported")}},
        {"copy": {"from": "here", "to": {"bundle": str(control / "carried.playback")}}},
        {"command": {"argv": ["cp", str(control / "saved.jsonl"), str(control / "dump.sql")]}},
    )
    named = [{"name": f"task {number}", **each} for number, each in enumerate(tasks)]
    (control / "all.yml").write_text(json.dumps([{"hosts": "shop", "tasks": named}]), "utf-8")
    shutil.copy(ROOT / "tasks.py", control)
    ran = invoke(
        "run",
        "all.yml",
        "--report",
        "report.json",
        "--events",
        "events.jsonl",
        cwd=control,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert ran.code == 0, ran.text
    return conninfo


@pytest.mark.parametrize("control", ["short", "long"] if EVERYTHING else ["long"], indirect=True)
def test_the_second_user_of_a_machine_gets_nothing(control: Path, other: int) -> None:
    """No socket, no port, no file of backups, results and secrets, and no lock that keeps the second one waiting."""
    conninfo = fill(control)
    parts = conninfo_to_dict(conninfo)
    place = Path(str(parts["host"]))
    password = (control / ".playback" / "shop" / "password").read_text().strip().rpartition(":")[2]
    mine = Path(tempfile.mkdtemp(prefix="other-"))
    os.chown(mine, other, other)

    def attempt() -> Secrets:
        attempts = [make_conninfo(conninfo, user=user) for user in ("postgres", "playback")]
        attempts += [make_conninfo("", host=str(place), user="postgres", dbname="shop")]
        # who knew the password would not get there either, and who got there would not know it
        attempts += [make_conninfo(conninfo, passfile="", user=user, password=password) for user in ("postgres",)]
        attempts += [make_conninfo("", host="127.0.0.1", port=5432, user="postgres", dbname="shop", password=password)]
        return {
            "databases": [who for each in attempts if (who := opened(each))],
            "files": looked_at(control / ".playback") + looked_at(place),
            "results": [name for name in RESULTS if os.access(control / name, os.R_OK)],
            "entered": [str(each) for each in (place, control / ".playback") if os.access(each, os.X_OK)],
        }

    try:
        assert opened(conninfo) == "('playback',)"
        assert not opened(make_conninfo(conninfo, passfile="/dev/null"))
        assert as_other(other, attempt) == {"databases": [], "files": [], "results": [], "entered": []}
        # neither waits for what the first one holds
        assert as_other(other, lambda: {"own": [opened(embedded.start(mine / "shop").superuser)]}) == {
            "own": ["('postgres',)"]
        }
        assert as_other(other, stopped(mine / "shop")) == {}
    finally:
        shutil.rmtree(mine)


@pytest.mark.parametrize("control", ["short"], indirect=True)
def test_everything_a_run_makes_is_private(control: Path) -> None:
    """Whatever the umask, files have mode 0600 and directories 0700; no directory above is touched."""
    before = os.umask(0)
    modes = [folder.stat().st_mode for folder in (control, *control.parents)]
    try:
        fill(control)
    finally:
        os.umask(before)
    made = [
        *(control / ".playback").rglob("*"),
        *(control / "exported").iterdir(),
        *(control / name for name in RESULTS),
    ]
    assert [str(each) for each in made if each.lstat().st_mode & 0o077] == []
    assert len(made) > 1000
    assert [folder.stat().st_mode for folder in (control, *control.parents)] == modes


def test_another_users_server_is_refused(tmp_path: Path, other: int) -> None:
    """A directory of another user's server is not used: what it holds could be anything."""
    home = tmp_path / ".playback" / "shop"
    home.mkdir(parents=True)
    os.chown(home, other, other)
    with pytest.raises(DatabaseError, match="belongs to another user"):
        embedded.start(home)


@pytest.mark.parametrize("control", ["long"], indirect=True)
def test_a_directory_for_a_socket_that_others_can_change_is_not_used(control: Path) -> None:
    """Where somebody has opened it, or put a link in its place, the server is not talked to."""
    home = control / ".playback" / "shop"
    server = embedded.start(home)
    place = Path(str(conninfo_to_dict(server.superuser)["host"]))
    moved = Path(f"{place}-moved")
    place.chmod(0o777)
    with pytest.raises(DatabaseError, match="is not safe: others can change"):
        embedded.start(home)
    place.chmod(0o700)
    place.rename(moved)
    place.symlink_to(moved)
    with pytest.raises(DatabaseError, match="is not safe: others can change"):
        embedded.start(home)
    place.unlink()
    moved.rename(place)
    assert embedded.start(home) == server


def test_a_server_listens_on_no_port(tmp_path: Path) -> None:
    """No TCP port is opened, and a server that was killed starts again with its data."""
    home = tmp_path / "server"
    server = embedded.start(home)
    with psycopg.connect(server.superuser) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW password_encryption").fetchone() == ("scram-sha-256",)
    server.create_database("kept")
    embedded.stop(home)
    with pytest.raises(psycopg.OperationalError), psycopg.connect(server.superuser):
        pass
    assert embedded.start(home).has_database("kept")
    embedded.stop(home)
