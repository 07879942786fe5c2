"""Schemas of the kinds that frameworks make, and of several schemas and partitions: the whole story on each."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.app.invoking import ROOT, invoke
from tests.conftest import Servers
from tests.control import Control, execute, rows

KINDS = Path(__file__).parent / "kinds"
STATES = """
SELECT t.tgrelid::regclass::text, t.tgname, t.tgenabled FROM pg_trigger t
WHERE NOT t.tgisinternal OR t.tgparentid <> 0 AND t.tgconstraint = 0 ORDER BY 1, 2
"""


def url(made: Control, host: str) -> str:
    """The conninfo of a host."""
    return str(made.hosts[host]["database"])


def held(database: str) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table that has some, but for what no backup holds."""
    tables = rows(
        database,
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^(pg_|information_schema|reporting)'"
        " AND c.relname !~ 'session|outbox'",
    )
    return {str(name): rows(database, f"SELECT t::text FROM {name} t ORDER BY 1") for (name,) in tables}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rails", "django", "prisma", "schemas", "partitions"])
def test_nightly_one_business_and_a_second_database(tmp_path: Path, servers: Servers, kind: str) -> None:
    """A proven nightly, one business out of it, merge and mirror elsewhere, with nothing but inventory and catalog."""
    text = (KINDS / f"{kind}.sql").read_text(encoding="utf-8")
    ddl, _, rest = text.partition("-- ROWS\n")
    filling, _, damage = rest.partition("-- DAMAGE\n")
    made = Control(tmp_path, (KINDS / f"{kind}.yml").read_text(encoding="utf-8"))
    for host in ("source", "second"):
        database = servers.database()
        execute(database, ddl)
        made.add_host(host, database)
    if kind == "rails":  # its scratch database is made beside it, which takes a role that may
        name = str(psycopg.conninfo.conninfo_to_dict(url(made, "source"))["dbname"])
        made.add_host("source", servers.by_version[18].conninfo(name, user="postgres"), scratch_on="host")
    execute(url(made, "source"), filling)
    source, states = held(url(made, "source")), rows(url(made, "source"), STATES)

    shutil.copy(ROOT / "tasks.py", tmp_path)
    stores = {name: {"type": "local", "path": str(tmp_path / name)} for name in ("repository", "offsite-copy")}
    stores["local"] = stores.pop("repository")
    (tmp_path / "inventory" / "repositories.yml").write_text(json.dumps(stores), encoding="utf-8")
    words = ("run", str(ROOT / "playbooks" / "nightly.yml"), "--limit", "source")
    nightly = invoke(*words, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert nightly.code == 0, nightly.text

    manifest = made.backup("source", demo="include")
    one = sorted(manifest.selection.tenants)[0]
    alone = made.backup("source", demo="include", businesses=[one])
    execute(url(made, "source"), damage)
    assert held(url(made, "source")) != source
    foreseen = made.restore("source", manifest, "mirror", businesses=[one], check=True)
    done = made.restore("source", manifest, "mirror", businesses=[one])
    assert done.changed
    assert foreseen.facts["tables"] == done.facts["tables"]
    assert not made.restore("source", alone, "mirror").changed
    assert made.restore("source", manifest, "mirror").changed
    assert held(url(made, "source")) == source

    assert made.restore("second", manifest, "merge").changed
    execute(url(made, "second"), damage)
    made.restore("second", manifest, "mirror")
    assert not made.restore("second", manifest, "mirror").changed
    assert made.verify("second", manifest).exit_code == 0
    assert held(url(made, "second")) == source
    for host in ("source", "second"):
        assert rows(url(made, host), STATES) == states
    if kind == "partitions":
        assert rows(url(made, "second"), "SELECT count(*) FROM outbox") == [(0,)]
