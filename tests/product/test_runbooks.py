"""The runbooks: between machines with different node ids, and with a failure injected at each task."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import Servers
from tests.control import Control, execute, rows
from tests.product.machines import CATALOG, Endpoint, Machines, content, fill, listening, syncing
from tests.sweeps import sampled, slow_only
from toolkit.config import document as documents
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.write.recovery import ATTEMPTS

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
MIGRATE, RECOVER = PLAYBOOKS / "migrate-machine.yml", PLAYBOOKS / "disaster-recovery.yml"


def steps(playbook: Path) -> list[str]:
    """The names of the tasks between the first and the last in the block that works in earnest."""
    return [task["name"] for task in _block(_read(playbook))]


def _read(playbook: Path) -> Any:
    return documents.read(playbook).value


def _block(plays: Any) -> Any:
    return plays[0]["tasks"][-1]["block"]


@pytest.fixture
def machines(tmp_path: Path, servers: Servers) -> Machines:
    """An old machine and a new one, each with a node id, data and queues of its own; both sync."""
    control = Control(tmp_path, catalog=json.dumps(CATALOG))
    old, new = servers.database(), servers.database()
    fill(old, "node-old", items=6)
    fill(new, "node-new", items=3)
    control.add_host("old", old, device={"id": "old", "name": "Old till"})
    control.add_host("new", new, device={"id": "new", "name": "New till"})
    return Machines(control, old, new)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """What devices listen to."""
    with listening() as found:
        yield found


def test_migration(machines: Machines, endpoint: Endpoint) -> None:
    """The new machine has the old one's data under its own id, empty queues, and sync that goes on, with a report."""
    manifest = machines.control.backup("old", job="nightly")
    ran = machines.run(MIGRATE, "old=old", f"devices_url={endpoint.url}")
    assert ran.code == 0, ran.text
    assert rows(machines.new, "SELECT count(*), min(name) FROM items") == [(6, "node-old 1")]
    assert rows(machines.new, 'SELECT id, "nodeId" FROM printers ORDER BY id') == [
        ("node-old-q", "node-new"),
        ("p", "node-new"),
    ]
    assert syncing(machines.new) == ["node-new"]
    assert rows(machines.new, "SELECT count(*) FROM sync_events") == [(0,)]
    assert rows(machines.new, "SELECT count(*) FROM offline_queue") == [(0,)]
    assert ran.archive == [{"eventId": "node-new-1", "lamportClock": 1}, {"eventId": "node-new-2", "lamportClock": 2}]
    assert endpoint.calls == [
        ("/disconnect", {"reason": "migration from old"}),
        ("/reconnect", {"node": "node-new"}),
    ]
    assert (ran.report["outcome"], ran.report["backup"]) == ("done", manifest.metadata.label)
    assert (ran.report["identity"]["node"], ran.report["identity"]["node_id"]) == ("kept", "node-new")
    assert 0 <= ran.report["seconds_to_recover"] <= ran.report["seconds_of_data_lost"] < 300
    assert ran.report["kept_backup"] in ran.text
    before = content(machines.new)
    assert machines.run(MIGRATE, "old=old").code == 0
    assert content(machines.new) == before


def test_migration_to_a_machine_without_a_node(machines: Machines) -> None:
    """A machine that was never initialised gets an id of its own, and sync under it."""
    machines.control.backup("old", job="nightly")
    execute(machines.new, "DELETE FROM printers; DELETE FROM sync_configurations; DELETE FROM sync_nodes")
    ran = machines.run(MIGRATE, "old=old")
    assert ran.code == 0, ran.text
    made = ran.report["identity"]["node_id"]
    assert made.startswith("new-20")
    assert ran.report["identity"]["node"] == "generated"
    assert syncing(machines.new) == [made]
    assert rows(machines.new, 'SELECT DISTINCT "nodeId" FROM printers') == [(made,)]


def test_recovery_of_the_same_machine(machines: Machines) -> None:
    """A machine whose node row is gone is known by its device id, and gets its data and its identity back."""
    machines.control.backup("old", job="nightly", scope="full-device")
    was = content(machines.old)
    execute(machines.old, "TRUNCATE tenants, items, printers, sync_nodes, sync_configurations, audit_logs")
    execute(machines.old, "INSERT INTO audit_logs VALUES (9, NULL, '2026-02-02')")
    ran = machines.run(RECOVER, limit="old")
    assert ran.code == 0, ran.text
    now = content(machines.old)
    for table in ("tenants", "items", "printers", "sync_nodes", "sync_configurations"):
        assert now[table] == was[table]
    assert (now["sync_events"], now["offline_queue"]) == ([], [])
    assert now["audit_logs"] == ['(9,,"2026-02-02 00:00:00+00")']
    assert ran.report["identity"]["same_device"]
    assert ran.report["identity"]["node_id"] == "node-old"
    assert syncing(machines.old) == ["node-old"]


@pytest.mark.parametrize("scope", ["business", "full-device"])
def test_recovery_on_replacement_hardware(machines: Machines, scope: str) -> None:
    """New hardware takes the identity of the lost machine over, whichever node it was before."""
    machines.control.backup("old", job="nightly", scope=scope)
    ran = machines.run(RECOVER, "lost=old", "hardware=replacement")
    assert ran.code == 0, ran.text
    assert rows(machines.new, 'SELECT "nodeId" FROM sync_nodes WHERE "isLocal"') == [("node-old",)]
    assert rows(machines.new, "SELECT \"nodeId\" FROM printers WHERE id = 'p'") == [("node-old",)]
    assert syncing(machines.new) == ["node-old"]
    assert ran.report["identity"]["node"] == "source"


@pytest.mark.parametrize(
    ("playbook", "step"),
    sampled([(each, step) for each in (MIGRATE, RECOVER) for step in [*steps(each), "the end"]], 6),
)
def test_a_failure_at_each_task(machines: Machines, tmp_path: Path, playbook: Path, step: str) -> None:
    """Whichever task fails: the database is as before in every table, sync is on again, the report names the task."""
    machines.control.backup("old", job="nightly", scope="full-device")
    plays = _read(playbook)
    block = _block(plays)
    names = [*steps(playbook), "the end"]
    block.insert(names.index(step), {"name": "Fail here", "assert": {"that": False}})
    if step == "the end":
        # what says that all is done must not have been said
        block[-2], block[-1] = block[-1], block[-2]
    broken = tmp_path / "broken.yml"
    with broken.open("w", encoding="utf-8") as file:
        json.dump(plays, file)
    before = content(machines.new)
    source = "old" if playbook is MIGRATE else "lost"
    ran = machines.run(broken, f"{source}=old", *(["hardware=replacement"] if playbook is RECOVER else []))
    assert ran.code == 1, ran.text
    assert content(machines.new) == before
    assert syncing(machines.new) == ["node-new"]
    assert (ran.report["outcome"], ran.report["failed_task"]) == ("failed", "Fail here")


@pytest.mark.parametrize("path", ["/disconnect", "/reconnect"])
def test_devices_that_do_not_answer(machines: Machines, endpoint: Endpoint, path: str) -> None:
    """An endpoint that fails ends the migration with everything as before, and the devices are called back."""
    machines.control.backup("old", job="nightly")
    endpoint.failing.add(path)
    before = content(machines.new)
    ran = machines.run(MIGRATE, "old=old", f"devices_url={endpoint.url}")
    assert ran.code == 1, ran.text
    assert content(machines.new) == before
    assert endpoint.paths[0] == "/disconnect"
    assert endpoint.paths[-1] == "/reconnect"
    assert "devices" in ran.report["failed_task"]


def test_an_interrupted_migration(machines: Machines, endpoint: Endpoint) -> None:
    """Ctrl-C after the restore has committed puts everything back as well."""
    machines.control.backup("old", job="nightly")
    endpoint.interrupting = "/reconnect"
    before = content(machines.new)
    ran = machines.run(MIGRATE, "old=old", f"devices_url={endpoint.url}")
    assert ran.code == 130, ran.text
    assert content(machines.new) == before
    assert ran.report["outcome"] == "failed"


@pytest.mark.parametrize(
    ("table", "when", "task"),
    [
        ("sync_configurations", "UPDATE", "Pause sync by a statement"),
        ("offline_queue", "DELETE", "Clear the queues"),
    ],
)
def test_statements_that_fail(machines: Machines, table: str, when: str, task: str) -> None:
    """A statement that the database refuses ends the migration with everything as before."""
    # a full-device backup taken over has a queue to clear after the restore
    machines.control.backup("old", job="nightly", scope="full-device")
    execute(
        machines.new,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$",
        f"CREATE TRIGGER refuse BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    before = content(machines.new)
    ran = machines.run(MIGRATE, "old=old", "identity=source")
    assert ran.code == 1, ran.text
    assert ran.report["failed_task"] == task
    assert content(machines.new) == before


@contextmanager
def killing(server: EmbeddedServer, conninfo: str, sessions: int) -> Iterator[set[int]]:
    """Ends so many sessions that restore into a database, each while it waits for a table; gives their process ids."""
    ended: set[int] = set()
    done = threading.Event()
    database = psycopg.conninfo.conninfo_to_dict(conninfo)["dbname"]

    def work() -> None:
        # this session holds the table, so that a restore is in the middle when it is killed
        with psycopg.connect(conninfo) as blocker, psycopg.connect(server.superuser, autocommit=True) as killer:
            blocker.execute("LOCK TABLE items IN SHARE MODE")
            holding.set()
            while len(ended) < sessions and not done.wait(0.02):
                found = killer.execute(
                    "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
                    " AND application_name = 'playback restore' AND wait_event_type = 'Lock'",
                    [database],
                ).fetchall()
                ended.update(pid for pid, _ in found)

    holding = threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert holding.wait(120)
        yield ended
    finally:
        done.set()
        thread.join()


def test_a_restore_killed_once(machines: Machines, pg18: EmbeddedServer) -> None:
    """A restore whose session is ended begins again, and the migration comes to its end."""
    machines.control.backup("old", job="nightly")
    with killing(pg18, machines.new, 1) as ended:
        ran = machines.run(MIGRATE, "old=old")
    assert len(ended) == 1
    assert ran.code == 0, ran.text
    assert rows(machines.new, "SELECT count(*) FROM items") == [(6,)]
    assert syncing(machines.new) == ["node-new"]


@slow_only
def test_a_killed_restore(machines: Machines, pg18: EmbeddedServer) -> None:
    """A restore whose sessions are ended as often as it tries leaves everything as before."""
    machines.control.backup("old", job="nightly")
    before = content(machines.new)
    with killing(pg18, machines.new, ATTEMPTS) as ended:
        ran = machines.run(MIGRATE, "old=old")
    assert len(ended) == ATTEMPTS
    assert ran.code != 0, ran.text
    assert ran.report["failed_task"] == "Restore, and renew the identity"
    assert content(machines.new) == before
    assert syncing(machines.new) == ["node-new"]


@pytest.mark.parametrize("playbook", [MIGRATE, RECOVER])
def test_check_mode(machines: Machines, playbook: Path) -> None:
    """In check mode the plan is shown, with the device decision, and nothing is changed, sync neither."""
    machines.control.backup("old", job="nightly")
    before = content(machines.new)
    ran = machines.run(playbook, "old=old" if playbook is MIGRATE else "lost=old", check=True)
    assert ran.code == 0, ran.text
    assert "would change" in ran.text
    assert "another device than the backup's: its node id is node-new, the backup's is node-old" in ran.text
    assert content(machines.new) == before


@pytest.mark.parametrize(
    ("playbook", "variables"),
    [
        (MIGRATE, ("into=host", "old=old")),
        (RECOVER, ("into=host", "lost=old")),
        (PLAYBOOKS / "restore.yml", ("into=host",)),
        (PLAYBOOKS / "restore-business.yml", ("business=a",)),
        (PLAYBOOKS / "restore-tables.yml", ("tables=items",)),
    ],
)
def test_one_machine_at_a_time(machines: Machines, playbook: Path, variables: tuple[str, ...]) -> None:
    """Forgetting to name the machine touches none."""
    for host in ("old", "new"):
        machines.control.backup(host, job="nightly", demo="include")
    for database in (machines.old, machines.new):
        execute(database, "DELETE FROM items")
    before = content(machines.old), content(machines.new)
    ran = machines.run(playbook, *variables, limit="all", sync=None)
    assert ran.code == 2
    assert "--limit" in ran.text
    assert (content(machines.old), content(machines.new)) == before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("one-business", "`invoke businesses --host old` lists them"),
        ("restore-business", "`invoke businesses --host old` lists those that are there"),
        ("restore-tables", "`invoke backups` lists the backups"),
    ],
)
def test_what_is_not_named(machines: Machines, name: str, said: str) -> None:
    """Who does not say which business or table is told the command that lists them, before there is any backup."""
    ran = machines.run(PLAYBOOKS / f"{name}.yml", limit="old", sync=None)
    assert ran.code == 2
    assert said in ran.text
    assert not machines.control.repository_exists


@pytest.mark.parametrize(
    ("name", "business", "said"),
    [
        ("one-business", "aa", "did you mean a in place of aa?: name businesses by tenants.id; there are a, b"),
        ("restore-business", "bb", "did you mean b in place of bb?: it has a, b"),
        ("restore-business", "Shop A", "it has a, b"),
    ],
)
def test_a_business_that_there_is_not(machines: Machines, name: str, business: str, said: str) -> None:
    """Who names a business that nobody has is told which one may be meant, and which there are; nothing happens."""
    machines.control.backup("old", job="nightly", demo="include")
    before = content(machines.old)
    ran = machines.run(PLAYBOOKS / f"{name}.yml", f"business={business}", limit="old", sync=None)
    assert (ran.code, content(machines.old)) == (2, before)
    assert said in ran.text


def test_a_file_that_has_no_directory(machines: Machines) -> None:
    """Nothing is backed up to be carried in a file that cannot be written."""
    ran = machines.run(PLAYBOOKS / "carry.yml", "file=stick/shop.playback", limit="old", sync=None)
    assert ran.code == 1
    assert "stick" in ran.text
    assert not machines.control.repository_exists


def test_nothing_is_paused_unless_a_site_says_how(machines: Machines) -> None:
    """Without `pause` and `resume` sync is left alone, and the report says so."""
    machines.control.backup("old", job="nightly")
    ran = machines.run(MIGRATE, "old=old", sync={})
    assert ran.code == 0, ran.text
    assert ran.report["sync_paused_by"] == "nothing"
    assert "sync paused by nothing" in ran.text


def test_sync_is_paused_by_a_command_and_resumed_by_a_call(
    machines: Machines, endpoint: Endpoint, tmp_path: Path
) -> None:
    """A site pauses and resumes as it does; where the migration fails, what was paused is resumed."""
    machines.control.backup("old", job="nightly")
    mark = tmp_path / "paused"
    touch = "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()"
    sync = {
        "pause": {"command": [sys.executable, "-c", touch, str(mark)]},
        "resume": {"url": f"{endpoint.url}/resume"},
    }
    ran = machines.run(MIGRATE, "old=old", sync=sync)
    assert (ran.code, mark.exists(), endpoint.paths) == (0, True, ["/resume"]), ran.text
    assert ran.report["sync_paused_by"] == "command"
    endpoint.failing.add("/disconnect")
    ran = machines.run(MIGRATE, "old=old", f"devices_url={endpoint.url}", sync=sync)
    assert (ran.code, endpoint.paths[1:]) == (1, ["/disconnect", "/reconnect", "/resume"]), ran.text
    assert (ran.report["outcome"], ran.report["seconds_of_data_lost"]) == ("failed", None)


OTHER = (
    """UPDATE sync_nodes SET "lastSeen" = '2026-01-01', "nodeId" = 'node-new' WHERE "nodeId" = 'node-01'""",
    """UPDATE sync_configurations SET "nodeId" = 'node-new'""",
    """UPDATE network_printers SET "nodeId" = 'node-new'""",
    "DELETE FROM business_stock_movements",
)
"""What makes a copy of the demo another machine's, with data lost."""


@pytest.mark.parametrize(
    ("playbook", "scope", "extra", "node"),
    [
        (MIGRATE, "business", ["old=old"], "node-new"),
        pytest.param(MIGRATE, "full-device", ["old=old"], "node-new", marks=slow_only),
        (RECOVER, "full-device", ["lost=old", "hardware=replacement"], "node-01"),
    ],
)
def test_the_reference_application_on_another_machine(
    *,
    control: Control,
    demo_host: Callable[..., str],
    superuser: Callable[[str], psycopg.Connection[Any]],
    playbook: Path,
    scope: str,
    extra: list[str],
    node: str,
) -> None:
    """The demo moves to a machine with another node, or into new hardware's place, proven and with its report."""
    old, new = demo_host("old"), demo_host("new")
    with superuser(new) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in OTHER:
            connection.execute(statement.encode())
    control.backup("old", demo="include", job="nightly", scope=scope)
    ran = Machines(control, old, new).run(playbook, *extra, sync={})
    assert ran.code == 0, ran.text
    assert ran.report["identity"]["node_id"] == node
    assert rows(new, "SELECT count(*) FROM business_stock_movements") == rows(
        old, "SELECT count(*) FROM business_stock_movements"
    )
    assert rows(new, "SELECT count(*) FROM sync_events") == [(0,)]
    assert len(ran.archive) == 40
    if playbook is MIGRATE:
        assert {each["what"] for each in ran.report["identity"]["followed"]} == {"current_node", "null"}


def test_the_reference_application_on_the_same_machine(control: Control, demo_host: Callable[..., str]) -> None:
    """After a peer's heartbeat has become the newest, the machine is the same where the inventory names its node."""
    old = demo_host("old")
    control.add_host("old", old, device={"id": "old", "name": "old"})
    control.backup("old", demo="include", job="nightly", scope="full-device")
    was = content(old)
    execute(old, """UPDATE sync_nodes SET "lastSeen" = now(), "isActive" = true WHERE "nodeId" = 'node-02'""")
    execute(old, "DELETE FROM business_order_items", "DELETE FROM sync_configurations")
    machines = Machines(control, old, old)
    refused = machines.run(RECOVER, limit="old", sync={})
    assert refused.code == 4, refused.text
    assert "the node id found is node-02, and the backup's, node-01, is known here as well" in refused.text
    control.add_host("old", old, device={"id": "old", "name": "old", "node": "node-01"})
    ran = machines.run(RECOVER, limit="old", sync={})
    assert ran.code == 0, ran.text
    assert ran.report["identity"]["same_device"]
    now = content(old)
    assert {name for name in was if was[name] != now[name]} == {"sync_events", "offline_queue"}


@pytest.fixture
def superuser() -> Callable[[str], psycopg.Connection[Any]]:
    """Connects to a database as superuser."""
    return lambda conninfo: psycopg.connect(conninfo, user="postgres", autocommit=True)
