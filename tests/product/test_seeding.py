"""The seeds' story: a catalogue seeded on one machine, refined, backed up, restored on another and seeded there."""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.actions.running import act
from tests.control import ROOT, Control, execute, new_role, rows
from toolkit.app.commands import run
from toolkit.app.control import Control as Directory
from toolkit.app.performing import perform
from toolkit.demo import catalogues
from toolkit.errors import RefusedError
from toolkit.output.streams import Output
from toolkit.postgres.servers.cluster import SUPERUSER

BUSINESS = "biz-city-style"


def test_the_catalogues_are_those_of_the_generator() -> None:
    """What is shipped is what the generator makes, 1,067 products of a clothing shop among it."""
    for name, text in catalogues.files().items():
        assert (ROOT / "playbooks" / "seeds" / name).read_text(encoding="utf-8") == text
    assert catalogues.files()["clothing.csv"].count("\n") == 1068


def seed(control: Control, host: str) -> str:
    """Run the shipped playbook on a host; gives what it printed, all of it after no failure."""
    out = io.StringIO()
    options = run.Options(playbook=("playbooks/seed.yml",), limit=host, extra_vars=(f"business={BUSINESS}",))
    code = perform(run.COMMAND, options, Directory(directory=control.directory), output=Output(out, out))
    assert code == 0, out.getvalue()
    return out.getvalue()


def test_the_seeds_story(control: Control, demo_host: Callable[..., str]) -> None:
    """After seed, refine, back up, restore elsewhere and seed again, nothing is double and no refined price is lost."""
    a, b = demo_host("a"), demo_host("b")
    assert "business_products: 1,067 of 1,067 are there: 1,067 inserted, 0 updated, 0 kept as refined" in seed(
        control, "a"
    )
    execute(a, """UPDATE business_products SET "basePrice" = 1.23 WHERE sku IN ('TSH-0001', 'COA-0002', 'ACC-0003')""")
    manifest = control.backup("a", businesses=[BUSINESS])
    control.restore("b", manifest, "merge", businesses=[BUSINESS])
    printed = seed(control, "b")
    assert "business_products: 1,067 of 1,067 are there: 0 inserted, 0 updated, 3 kept as refined" in printed
    assert "changed=0" in printed
    query = """SELECT sku, id, "basePrice" FROM business_products WHERE "businessId" = 'biz-city-style' ORDER BY 1, 2"""
    assert rows(a, query) == rows(b, query)
    assert rows(b, """SELECT count(*) FROM business_products WHERE "basePrice" = 1.23""") == [(3,)]


def test_machines_seeded_apart_have_the_same_rows(new_database: Callable[[], str], tmp_path: Path) -> None:
    """Two machines that were seeded on their own have the same ids, whichever way keys are spelled."""
    found = []
    for _ in range(2):
        database = new_database()
        execute(database, "CREATE TABLE t (id uuid PRIMARY KEY, code numeric, name text)")
        act(
            "seed",
            {"table": "t", "key": ["code"], "rows": [{"code": "1.50", "name": "ä"}]},
            tmp_path,
            database=database,
        )
        found.append(rows(database, "SELECT id FROM t"))
        # the same number in another spelling is the same row
        execute(database, "DELETE FROM t")
        act(
            "seed", {"table": "t", "key": ["code"], "rows": [{"code": "1.5", "name": "b"}]}, tmp_path, database=database
        )
        found.append(rows(database, "SELECT id FROM t"))
    assert all(each == found[0] for each in found)


def test_two_at_the_same_time(new_database: Callable[[], str], tmp_path: Path) -> None:
    """Where no unique key stands in the way, two who seed the same rows at the same time still insert each once."""
    database = new_database()
    execute(database, "CREATE TABLE t (id text PRIMARY KEY DEFAULT gen_random_uuid(), code text)")
    arguments = {"table": "t", "key": ["code"], "ids": "database", "rows": [{"code": str(n)} for n in range(50)]}
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE t IN ROW EXCLUSIVE MODE")
        work = [
            threading.Thread(target=act, args=("seed", arguments, folder), kwargs={"database": database})
            for folder in folders
        ]
        for each in work:
            each.start()
        # both have looked, and wait for the table
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass"
        while other.execute(waiting).fetchone() != (2,):
            pass
    for each in work:
        each.join()
    assert rows(database, "SELECT count(*), count(DISTINCT code) FROM t") == [(50, 50)]


def test_a_role_that_may_only_insert(new_database: Callable[[], str], tmp_path: Path) -> None:
    """A role that may not lock the table seeds it where a unique key keeps rows apart, and is refused elsewhere."""
    database = new_database()
    role = f"inserter_{uuid.uuid4().hex[:8]}"
    superuser = psycopg.conninfo.make_conninfo(database, user=SUPERUSER)
    new_role(superuser, role)
    execute(
        database,
        "CREATE TABLE t (id text PRIMARY KEY, code text)",
        f"GRANT SELECT, INSERT ON t TO {role}; GRANT USAGE ON SCHEMA public TO {role}",
    )
    execute(superuser, f"GRANT TEMPORARY ON DATABASE {psycopg.conninfo.conninfo_to_dict(database)['dbname']} TO {role}")
    theirs = psycopg.conninfo.make_conninfo(database, user=role)
    arguments = {"table": "t", "key": ["code"], "rows": [{"code": "a"}]}
    with pytest.raises(RefusedError, match=r"may not lock t, and no unique key of it has code"):
        act("seed", arguments, tmp_path, database=theirs)
    execute(database, "ALTER TABLE t ADD UNIQUE (code)")
    assert act("seed", arguments, tmp_path, database=theirs).changed
    assert not act("seed", arguments, tmp_path, database=theirs).changed
    execute(superuser, f"DROP OWNED BY {role}", f"DROP ROLE {role}")
