"""What `invoke doctor` finds: each thing that can go wrong is made to go wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from msgspec.structs import replace
from psycopg.conninfo import make_conninfo

from tests.acting import act, context_of
from tests.control import Control, execute, new_role
from toolkit.app.beginning.texts import VARIABLES
from toolkit.app.commands.doctor import COMMAND, Options
from toolkit.app.control import Control as CommandControl
from toolkit.app.doctoring.asking import Asking
from toolkit.app.doctoring.examining import Examination, totals
from toolkit.app.performing import perform
from toolkit.app.scheduling.record import FOLDER, Record, Run, write
from toolkit.config import inventory
from toolkit.errors import InputError
from toolkit.model.check import CheckRecord
from toolkit.model.finding import Examined, Finding, Level
from toolkit.model.manifest import Manifest
from toolkit.model.proof import Trial
from toolkit.output.streams import Output
from toolkit.planning.clock import stamp
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.storage.checks import record_check
from toolkit.storage.lock_files import LockContent, LockKind, lock_name, new_lock_id
from toolkit.storage.processes import Process, this_process
from toolkit.storage.proofs import proof_of, record_proof
from toolkit.storage.repository import Repository

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
CATALOG: dict[str, Any] = {
    "catalog": "application",
    "tenant": {"table": "tenants", "key": "id"},
    "business": {"all": {"tenants": "tenant", "items": {"owned_by": ["tenant"]}}},
}
TABLES = (
    "CREATE TABLE tenants (id text PRIMARY KEY)",
    "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text)",
    "INSERT INTO tenants VALUES ('a')",
    "INSERT INTO items VALUES (1, 'a', 'one')",
)


@pytest.fixture(scope="module")
def database(pg18: EmbeddedServer) -> Iterator[str]:
    """A small application."""
    name = f"doctor_{os.getpid()}"
    pg18.drop_database(name)
    made = pg18.create_database(name)
    execute(made, *TABLES)
    yield made
    pg18.drop_database(name)


@pytest.fixture
def control(tmp_path: Path) -> Control:
    """A control directory without hosts."""
    (tmp_path / "playbooks").mkdir()
    return Control(tmp_path, catalog=json.dumps(CATALOG))


def examine(control: Control, *, now: datetime | None = None, only: str = "", seconds: float = 60) -> Examined:
    """Examine a control directory."""
    loaded = inventory.load(control.directory / "inventory")
    now = now or datetime.now(UTC)
    return totals(list(Examination(inventory=loaded, now=now, seconds=seconds, only=only).run()), now)


def alarms(found: Examined) -> dict[tuple[str, str], Finding]:
    """What is not fine, by what it is about and what was asked; each says what to do."""
    grave = {(each.about, each.check): each for each in found.findings if each.level is not Level.OK}
    assert all(each.hint for each in grave.values())
    return grave


def back_up(control: Control, host: str, age: timedelta, job: str = "nightly") -> Manifest:
    """Back up, by a clock that shows another time."""
    context = context_of(inventory.load(control.directory / "inventory"), host, now=datetime.now(UTC) - age)
    outcome = act("backup", {"job": job, "demo": "include"}, context)
    return control.repository.manifest(str(outcome.facts["label"]))


def test_all_is_well(control: Control, database: str) -> None:
    """A host that can be backed up and restored, a repository with a fresh and proven backup: no alarm."""
    control.add_host("shop", database, expect={"newest": "26h", "proven": "8d"})
    manifest = back_up(control, "shop", timedelta(hours=3))
    now = datetime.now(UTC)
    trial = Trial(place="embedded:drill", seconds=4.5)
    record_proof(control.repository, proof_of(control.repository, manifest, trial, now=now - timedelta(days=4)))
    found = examine(control, now=now)
    assert alarms(found) == {}
    said = [each.message for each in found.findings]
    assert "newest backup of nightly in local is 3 h old" in said
    assert f"job nightly in local was last proven 4 d ago: {manifest.metadata.label}" in said
    assert any(each.startswith("scratch databases can be like it, by pg_dump") for each in said)
    numbers = {each.name: each.value for each in found.measures}
    assert (numbers["backup_proven_restore_seconds"], numbers["backup_newest_allowed_seconds"]) == (4.5, 26 * 3600)


def test_what_is_expected_and_cannot_be_looked_at(control: Control, database: str) -> None:
    """Where backups are expected and no repository or no catalog is named, nothing is fine."""
    control.add_host("shop", database, expect={"newest": "26h", "proven": "8d"})
    control.add_host("bare", database, expect={"newest": "26h", "repository": "local"})
    for name in ("shop", "bare"):
        del control.hosts[name]["repository"]
    del control.hosts["bare"]["catalog"]
    control.add_host("more", database)
    found = alarms(examine(control))
    assert found["host shop", "newest"].level is Level.CRITICAL
    assert "no repository is named" in found["host shop", "newest"].message
    assert found["host bare", "catalog"].level is Level.CRITICAL
    assert "no repository is named" not in found["host bare", "newest"].message


def test_a_host_whose_own_repository_is_a_file_to_carry(control: Control, database: str) -> None:
    """A file that is named in place of a repository is looked at as one."""
    control.add_host("shop", database, repository="bundle:stick.playback", expect={"newest": "26h"})
    assert set(alarms(examine(control))) == {
        ("repository bundle:stick.playback", "repository"),
        ("host shop", "newest"),
    }
    back_up_into = context_of(inventory.load(control.directory / "inventory"), "shop", now=datetime.now(UTC))
    act("backup", {"job": "nightly", "demo": "include"}, back_up_into)
    assert alarms(examine(control)) == {}


def test_databases_that_let_nobody_in(control: Control, database: str) -> None:
    """A stopped server, a wrong password, a database that is not there: each host by itself, with its remedy."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        stopped = f"host=127.0.0.1 port={nobody.getsockname()[1]} dbname=shop user=me"
        control.add_host("stopped", stopped)
        control.add_host("lost", make_conninfo(database, dbname="nowhere"))
        control.add_host("right", database)
        wrong = make_conninfo(database, passfile="", password="wrong-and-secret")
        (control.directory / "wrong").write_text(wrong, encoding="utf-8")
        (control.directory / "wrong").chmod(0o644)
        control.add_host("wrong", {"file": "wrong"})  # type: ignore[arg-type]
        found = alarms(examine(control))
    readable = {("host wrong", "secret")} if os.name == "posix" else set()
    assert set(found) == readable | {(f"host {name}", "database") for name in ("stopped", "lost", "wrong")}
    assert "refused" in found["host stopped", "database"].message
    assert "password authentication failed" in found["host wrong", "database"].message


def test_roles_that_may_not(control: Control, database: str, pg18: EmbeddedServer) -> None:
    """What the role lacks for a backup, and for a restore where one is to be possible."""
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    superuser = pg18.conninfo(str(name), user="postgres")
    role = f"{name}_reader"
    execute(superuser, f"DROP ROLE IF EXISTS {role}")
    new_role(superuser, role)
    reader = make_conninfo(database, user=role)
    control.add_host("shop", reader)
    found = alarms(examine(control))
    assert "no SELECT on table public.items" in found["host shop", "backup"].message
    assert found["host shop", "backup"].level is Level.CRITICAL
    execute(superuser, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    found = alarms(examine(control))
    assert set(found) == {("host shop", "restore")}
    assert "no INSERT on table public.items" in found["host shop", "restore"].message
    control.add_host("shop", reader, expect={"restore": False})
    assert alarms(examine(control)) == {}
    execute(superuser, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_catalog_file_that_has_drifted(control: Control, new_database: Callable[[], str]) -> None:
    """Tables that are new, tables that are gone, and a rule that names an absent column."""
    made = new_database()
    execute(made, *TABLES, "CREATE TABLE surprise (id integer)", "CREATE SCHEMA more", "CREATE TABLE more.t ()")
    control.catalog = json.dumps({**CATALOG, "transient": {"all": {"gone": {}}}})
    control.add_host("shop", made)
    found = alarms(examine(control))
    assert set(found) == {("host shop", "unclassified"), ("host shop", "vanished")}
    assert "surprise, schema more" in found["host shop", "unclassified"].message
    assert "gone" in found["host shop", "vanished"].message
    execute(made, "ALTER TABLE items RENAME tenant TO owner")
    (control.directory / "inventory" / "catalogs" / "application.yml").write_text("catalog: [", encoding="utf-8")
    assert set(alarms(examine(control))) == {("host shop", "catalog")}
    control.add_host("shop", made)
    assert "no column 'tenant'" in alarms(examine(control))["host shop", "catalog"].message
    ahead = alarms(examine(control, now=datetime.now(UTC) + timedelta(hours=2)))["host shop", "clock"]
    assert ahead.message == "the server's clock is 2 h behind this machine's"


def test_backups_that_are_late_or_not_proven(control: Control, database: str) -> None:
    """An old backup, one that there never was, proofs that are missing, failed or old; and green again after."""
    control.add_host("shop", database, expect={"jobs": {"nightly": {"newest": "26h", "proven": "8d"}}})
    assert alarms(examine(control))["host shop", "newest"].message.startswith("there is no backup of nightly")
    back_up(control, "shop", timedelta(hours=30))
    back_up(control, "shop", timedelta(days=90), job="once")
    found = alarms(examine(control))
    assert found["host shop", "newest"].message == (
        "newest backup of nightly in local is 30 h old, and 26h are allowed"
    )
    assert found["host shop", "proven"].message.startswith("no backup of job nightly in local was ever proven")
    manifest, now = back_up(control, "shop", timedelta(hours=1)), datetime.now(UTC)
    tried: tuple[tuple[Trial, dict[str, str]], ...] = (
        (Trial(failure="items: differs"), {"proven": "the last attempt to prove", "failed": "cannot be relied upon"}),
        (Trial(failure="no room", conclusive=False), {"proven": "the last attempt", "failed": "items: differs"}),
        (Trial(), {}),
        (Trial(failure="no room", conclusive=False), {"hindered": "did not come to its end: no room"}),
    )
    for seconds, (trial, said) in enumerate(tried):
        at = now + timedelta(seconds=seconds)
        record_proof(control.repository, proof_of(control.repository, manifest, trial, now=at))
        found = alarms(examine(control, now=at))
        # that the repository was never checked is said, too
        about = {what: each.message for (about, what), each in found.items() if about == "host shop"}
        assert about.keys() == said.keys()
        assert all(text in about[what] for what, text in said.items())
    torn = max(each.name for each in control.repository.store.list("proofs/"))
    whole = control.repository.store.get(torn)
    control.repository.store.put(torn, whole[:-9])
    assert alarms(examine(control))["repository local", "proofs"].message.startswith("1 record of what was proven")
    control.repository.store.put(torn, whole)
    later = alarms(examine(control, now=now + timedelta(days=9)))
    assert {name for _, name in later} >= {"newest", "proven", "clock"}
    early = alarms(examine(control, now=now - timedelta(hours=5)))
    assert early["host shop", "newest"].message.endswith("in the future")
    assert early["host shop", "proven"].hint.endswith("when a clock was wrong, and proves nothing")


def test_what_is_made_once_is_never_late(control: Control, database: str) -> None:
    """By what `init` writes, a nightly is due; a backup of another job is not, but that its trial failed is said."""
    control.add_host("shop", database, **yaml.safe_load(VARIABLES))
    once = back_up(control, "shop", timedelta(days=90), job="carry")
    assert alarms(examine(control))["host shop", "newest"].message.startswith("there is no backup of nightly")
    check_was(control.repository, datetime.now(UTC))
    nightly, now = back_up(control, "shop", timedelta(hours=1)), datetime.now(UTC)
    record_proof(control.repository, proof_of(control.repository, nightly, Trial(), now=now))
    assert alarms(examine(control)) == {}
    trial = Trial(failure="items: differs")
    record_proof(control.repository, proof_of(control.repository, once, trial, now=now))
    found = alarms(examine(control))
    assert {where: each.level for where, each in found.items()} == {("host shop", "failed"): Level.WARNING}
    assert once.metadata.label in found["host shop", "failed"].message


def check_was(repository: Repository, time: datetime, **found: Any) -> None:
    """Let a repository have been checked."""
    record_check(repository, CheckRecord(time=stamp(time), **{"damaged": False, **found}))


def test_repositories_that_are_not_as_they_should_be(
    control: Control, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dead locks, full disks, damage, checks that were forgotten, no way to write, another format, no place."""
    control.add_host("shop", database, expect={"newest": "26h"})
    manifest = back_up(control, "shop", timedelta(hours=1))
    repository, folder = control.repository, control.directory / "repository"
    assert alarms(examine(control)) == {}
    now = datetime.now(UTC)
    check_was(repository, now - timedelta(days=40))
    said = alarms(examine(control))["repository local", "check"].message
    assert said == "it was last checked 40 d ago, and 1 backup made since was never checked"
    check_was(repository, now - timedelta(days=39), damaged=True, repaired=True)
    assert alarms(examine(control))["repository local", "check"].level is Level.WARNING
    check_was(repository, now - timedelta(days=38), damaged=True)
    check_was(repository, now + timedelta(days=1))
    assert alarms(examine(control))["repository local", "check"].level is Level.CRITICAL
    check_was(repository, now, subset="100 chunks")
    [found] = [each for each in examine(control).findings if each.check == "check"]
    assert re.fullmatch("checked 0 min ago in part, as a whole 38 d ago, no damage", found.message)
    shutil.rmtree(folder / "checks")
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    dead = Process(host=this_process().host, user="me", process=ended.pid, space=this_process().space)
    content = LockContent(holder=dead, purpose="backup", since="2026-11-28T02:00:00Z", refreshed="2026-11-28T02:00:00Z")
    name = lock_name(LockKind.SHARED, new_lock_id())
    repository.store.put(name, json.dumps(_plain(content)).encode())
    assert "its process has ended" in alarms(examine(control))["repository local", "locks"].message
    repository.store.delete(name)
    usage = namedtuple("usage", "total used free")
    size = manifest.metadata.stats.compressed_size
    for free, level in ((size - 1, Level.CRITICAL), (size + 1, Level.WARNING)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(10**9, 0, free))
        assert alarms(examine(control))["repository local", "disk"].level is level
    monkeypatch.undo()
    shutil.rmtree(folder / "locks", ignore_errors=True)
    (folder / "locks").write_bytes(b"")  # as good as a directory that may not be written to, also for root
    assert alarms(examine(control))["repository local", "writable"].level is Level.CRITICAL
    (folder / "locks").unlink()
    file = folder / "backups" / manifest.metadata.label / "manifest.json"
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])
    assert manifest.metadata.label in alarms(examine(control))["repository local", "backups"].message
    file.write_bytes(whole)
    marker = (folder / "playback.json").read_text("utf-8")
    (folder / "playback.json").write_text(marker.replace('"format":1', '"format":99'), encoding="utf-8")
    assert "99" in alarms(examine(control))["repository local", "repository"].message
    shutil.rmtree(folder)
    assert "there is none now" in alarms(examine(control))["repository local", "repository"].message


def _plain(content: LockContent) -> dict[str, Any]:
    holder = {name: getattr(content.holder, name) for name in ("host", "user", "process", "space")}
    return {"holder": holder, "purpose": content.purpose, "since": content.since, "refreshed": content.refreshed}


def test_scheduled_runs(control: Control, database: str) -> None:
    """A run that failed, one that was missed, and a timer that is gone; with --host nobody asks for them."""
    control.add_host("shop", database)
    nobody = Process(host="elsewhere", user="me", process=1)
    failed = Run(started=NOW - timedelta(hours=10), process=nobody, finished=NOW, exit_code=4)
    well = Run(started=NOW - timedelta(days=3), process=nobody, finished=NOW, exit_code=0)
    records: tuple[Record, ...] = (
        Record(name="nightly", playbook="playbooks/nightly.yml", since=NOW, last=failed),
        Record(name="weekly", playbook="playbooks/drill.yml", since=NOW - timedelta(days=9), at="02:00", last=well),
        Record(name="gone", playbook="playbooks/nightly.yml", since=NOW, kind="cron", last=well),
    )
    days, own = timedelta(days=1), this_process()
    daily = Record(name="", playbook="n.yml", since=NOW - 9 * days, at="02:00", skipped=NOW)
    ended, hanging, long = (
        replace(well, finished=NOW - days),
        *(Run(started=NOW - n * days, process=own) for n in (3, 1)),
    )
    # of tills, another schedule's run of the same playbook went on each night
    for name, last in (("tills", ended), ("hangs", hanging), ("long", long)):
        records += (replace(daily, name=name, last=last),)
    for record in records:
        write(control.directory, record)
    (control.directory / FOLDER / "torn.json").write_text('{"name": "to', encoding="utf-8")
    found = alarms(examine(control, now=NOW))
    about = {name for name in found if name[0].startswith("schedule")}
    assert about == {
        ("schedule nightly", "run"),
        ("schedule weekly", "missed"),
        ("schedule gone", "timer"),
        ("schedule tills", "skipped"),
        ("schedule hangs", "run"),
        ("schedule torn", "record"),
    }
    assert "10 h ago, ended with exit code 4" in found["schedule nightly", "run"].message
    assert not any(name[0].startswith("schedule") for name in alarms(examine(control, now=NOW, only="shop")))


def doctor(control: Control, *, host: str = "", as_json: bool = False, **options: Any) -> tuple[int, str, str]:
    """Run the command; gives its exit code and what it prints."""
    out, err = StringIO(), StringIO()
    code = perform(
        COMMAND,
        Options(**options),
        CommandControl(directory=control.directory),
        host=host,
        json=as_json,
        output=Output(out, err),
    )
    return code, out.getvalue(), err.getvalue()


SAMPLE = re.compile(r'(playback_[a-z_]+)(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,|(?=\})))+\})? -?[0-9.e+-]+')
PERFDATA = re.compile(r"(?:'[^'=]+'|[a-z]+)=-?[0-9]+(?:s|B)?;;[0-9]*;0")


def test_what_monitoring_is_told(control: Control, database: str, tmp_path: Path) -> None:
    """Exit codes, a document, a file for Prometheus that is there whole and readable, a line for Nagios."""
    control.add_host("shop", database, expect={"newest": "26h", "restore": False})
    back_up(control, "shop", timedelta(hours=3))
    file = tmp_path / "playback.prom"
    assert doctor(control, prometheus=str(file))[0] == 0
    text = file.read_text("utf-8")
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in samples), samples
    named = {line.split("{")[0].split(" ")[0] for line in samples}
    for kind in ("HELP", "TYPE"):
        assert [line.split()[2] for line in text.splitlines() if line.startswith(f"# {kind}")].sort() == [*named].sort()
    assert 'playback_backup_newest_timestamp_seconds{host="shop",job="nightly",repository="local"} 1' in text
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir() if "prom" in each.name] == ["playback.prom"]
    code, out, _ = doctor(control, nagios=True)
    line, _, perfdata = out.strip().partition(" | ")
    assert (code, re.sub("[0-9]+", "N", line)) == (0, "PLAYBACK OK - N checks are fine")
    assert all(PERFDATA.fullmatch(each) for each in perfdata.split()), perfdata
    assert re.search(r"'shop_nightly_local_newest'=108[0-9]{2}s;;93600;0", perfdata)
    check_was(control.repository, datetime.now(UTC) - timedelta(days=50))
    code, out, _ = doctor(control)
    assert code == 3
    warned = "it was last checked 50 d ago, and 1 backup made since was never checked"
    assert f"  warning   {warned}\n            HINT: `invoke check" in out
    assert doctor(control, nagios=True)[0] == 1
    control.add_host("shop", database, expect={"jobs": {"hourly": {"newest": "2h"}}})
    code, out, _ = doctor(control, nagios=True)
    assert code == 2
    assert out.startswith("PLAYBACK CRITICAL - 1 critical, 1 warning: host shop: there is no backup of hourly")
    code, out, _ = doctor(control, as_json=True)
    assert (code, json.loads(out)["status"]) == (1, "critical")
    assert doctor(control, host="nowhere")[0] == 2
    assert doctor(control, timeout="soon")[0] == 2
    assert doctor(control, prometheus=str(tmp_path / "no" / "such.prom"))[2].startswith("ERROR:")
    control.add_host("shop", database, expect={"newst": "26h"})
    code, out, _ = doctor(control, nagios=True)
    assert (code, "newst" in out) == (3, True)
    code, _, err = doctor(control)
    assert (code, "did you mean newest?" in err) == (2, True)


def test_a_secret_is_not_shown(control: Control, database: str) -> None:
    """A password that a server or driver repeats prints as ***, in every form."""
    file = control.directory / "password"
    file.write_text(make_conninfo(database, passfile="", password="hunter-22", dbname="hunter-22"), encoding="utf-8")
    control.add_host("shop", {"file": "password"})  # type: ignore[arg-type]
    for given in ({}, {"nagios": True}, {"as_json": True}):
        _, out, err = doctor(control, **given)  # type: ignore[arg-type]
        assert "***" in out
        assert "hunter-22" not in out + err


def test_nobody_is_waited_for_without_end(control: Control) -> None:
    """What never answers is told, and keeps nothing else from being asked."""
    began = time.monotonic()
    asking = Asking({"quick": lambda: 1, "never": lambda: time.sleep(20) or 2}, seconds=1)  # type: ignore[func-returns-value]
    assert not asking.wait(0.05)
    assert asking.wait()
    assert asking.answers == {"quick": 1}
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        control.add_host("silent", f"host=127.0.0.1 port={silent.getsockname()[1]} dbname=shop user=me")
        seen = alarms(examine(control, seconds=1))
    assert "timeout expired" in seen["host silent", "database"].message
    assert time.monotonic() - began < 18


def test_what_is_expected_is_checked(control: Control, database: str) -> None:
    """A repository that there is not, and a length of time that is none, are errors of the inventory."""
    control.add_host("shop", database, expect={"newest": "26h", "repository": "locl"})
    problems = inventory.load(control.directory / "inventory").problems()
    assert [each.message for each in problems] == ["unknown repository locl; did you mean local?"]
    for wrong in ("soon", "1d2d"):
        control.add_host("shop", database, expect={"newest": wrong})
        with pytest.raises(InputError):
            inventory.load(control.directory / "inventory").host("shop")
