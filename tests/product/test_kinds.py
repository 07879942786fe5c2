"""Schemas of the kinds that frameworks make, and databases of every kind: the whole story on each."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.app.invoking import ROOT
from tests.conftest import Servers
from tests.control import Control, execute, rows
from tests.pooler import pooler
from tests.product.guarded import Guarded
from tests.product.test_pooled import in_the_pool
from toolkit.app import control
from toolkit.app.commands import run
from toolkit.app.performing import perform
from toolkit.output.streams import Output

KINDS = Path(__file__).parent / "kinds"
pytestmark = [pytest.mark.server, pytest.mark.slow]

STATES = """
SELECT t.tgrelid::regclass::text, t.tgname, t.tgenabled FROM pg_trigger t
WHERE NOT t.tgisinternal OR t.tgparentid <> 0 AND t.tgconstraint = 0 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Way:
    """How a database is reached.

    Attributes:
        ours: conninfo by which the test looks at it.
        theirs: what the inventory has for it.
        as_superuser: conninfo of a superuser.
    """

    ours: str
    theirs: str
    as_superuser: str
    variables: Mapping[str, Any] = field(default_factory=dict)


Ways = Callable[[], Way]


@contextmanager
def plainly(request: pytest.FixtureRequest, **variables: Any) -> Iterator[Ways]:
    """By the owner of the tables, or, for a scratch database beside the original, by a superuser."""
    servers: Servers = request.getfixturevalue("servers")

    def made() -> Way:
        owner = servers.database()
        superuser = servers.by_version[18].conninfo(str(conninfo_to_dict(owner)["dbname"]), user="postgres")
        return Way(owner, superuser if variables else owner, superuser, variables)

    yield made


@contextmanager
def by_tls(request: pytest.FixtureRequest) -> Iterator[Ways]:
    """By TLS and a client certificate alone, as a role whose settings would end a session early."""
    guarded: Guarded = request.getfixturevalue("guarded")
    names: list[str] = []

    def made() -> Way:
        names.append(f"kind_{len(names)}")
        execute(guarded.superuser, f"CREATE DATABASE {names[-1]} OWNER playback")
        superuser = make_conninfo(guarded.superuser, dbname=names[-1])
        theirs = make_conninfo("", **{**guarded.address, "dbname": names[-1]})
        return Way(make_conninfo(superuser, options="-c role=playback"), theirs, superuser)

    yield made
    for name in names:
        execute(guarded.superuser, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def pooled(request: pytest.FixtureRequest) -> Iterator[Ways]:
    """Through PgBouncer, whose sessions are afterwards what they were; pg_dump goes beside it."""
    servers: Servers = request.getfixturevalue("servers")
    first = servers.database()
    with pooler(servers.by_version[18], first) as through:
        databases = [first]

        def made() -> Way:
            direct = databases.pop() if databases else servers.database()
            theirs = make_conninfo(through, dbname=str(conninfo_to_dict(direct)["dbname"]))
            return Way(direct, theirs, direct, {"direct": direct})

        before = in_the_pool(through)
        yield made
        assert in_the_pool(through) == before


STORIES: dict[str, Callable[[pytest.FixtureRequest], Any]] = {
    "rails": lambda request: plainly(request, scratch_on="host"),
    "django": plainly,
    "prisma": plainly,
    "schemas": plainly,
    "partitions": plainly,
    "extensions": plainly,
    "shop by TLS": by_tls,
    "shop through a pooler": pooled,
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One control directory for all, so that their scratch databases share a server."""
    return tmp_path_factory.mktemp("control")


def held(database: str) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table that has some, but for what no backup holds."""
    tables = rows(
        database,
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname !~ 'session|outbox'"
        " AND n.nspname !~ '^(pg_|information_schema|reporting|side)'",
    )
    return {str(name): rows(database, f"SELECT t::text FROM {name} t ORDER BY 1") for (name,) in tables}


def nightly(directory: Path) -> tuple[int, str]:
    """Run the shipped playbook; gives the exit code and what was printed."""
    stores = {name: {"type": "local", "path": str(directory / name)} for name in ("repository", "offsite-copy")}
    stores["local"] = stores.pop("repository")
    (directory / "inventory" / "repositories.yml").write_text(json.dumps(stores), encoding="utf-8")
    options = run.Options(playbook=(str(ROOT / "playbooks" / "nightly.yml"),), limit="source")
    out = io.StringIO()
    code = perform(run.COMMAND, options, control.Control(directory=directory), output=Output(out, out))
    return code, out.getvalue()


@pytest.mark.parametrize("story", STORIES)
def test_nightly_one_business_and_a_second_database(
    directory: Path, request: pytest.FixtureRequest, story: str
) -> None:
    """A proven nightly, one business out of it, merge and mirror elsewhere, with nothing but inventory and catalog."""
    kind = story.partition(" ")[0]
    ddl, _, rest = (KINDS / f"{kind}.sql").read_text(encoding="utf-8").partition("-- ROWS\n")
    filling, _, damage = rest.partition("-- DAMAGE\n")
    before, _, ddl = ddl.rpartition("-- DDL\n")
    for name in ("repository", "offsite-copy"):
        shutil.rmtree(directory / name, ignore_errors=True)
    (directory / ".playback" / "repositories.jsonl").unlink(missing_ok=True)
    made = Control(directory, (KINDS / f"{kind}.yml").read_text(encoding="utf-8"))
    with STORIES[story](request) as ways:
        source, second = ways(), ways()
        for host, way in {"source": source, "second": second}.items():
            if before:
                if not rows(way.as_superuser, "SELECT FROM pg_available_extensions WHERE name = 'citext'"):
                    pytest.skip("the contributed extensions are not installed")
                execute(way.as_superuser, *before.partition("-- SUPERUSER\n")[2].splitlines())
            execute(way.ours, ddl)
            made.add_host(host, way.theirs, **way.variables)
        execute(source.ours, filling)
        rows_before, states = held(source.ours), rows(source.ours, STATES)

        code, text = nightly(directory)
        assert code == 0, text

        manifest = made.backup("source", demo="include")
        one = sorted(manifest.selection.tenants)[0]
        alone = made.backup("source", demo="include", businesses=[one])
        execute(source.ours, damage)
        assert held(source.ours) != rows_before
        foreseen = made.restore("source", manifest, "mirror", businesses=[one], check=True)
        done = made.restore("source", manifest, "mirror", businesses=[one])
        assert done.changed
        assert foreseen.facts["tables"] == done.facts["tables"]
        assert not made.restore("source", alone, "mirror").changed
        assert made.restore("source", manifest, "mirror").changed
        assert held(source.ours) == rows_before

        assert made.restore("second", manifest, "merge").changed
        execute(second.ours, damage)
        made.restore("second", manifest, "mirror")
        assert not made.restore("second", manifest, "mirror").changed
        assert made.verify("second", manifest).exit_code == 0
        assert held(second.ours) == rows_before
        assert rows(source.ours, STATES) == rows(second.ours, STATES) == states
        if kind == "partitions":
            assert rows(second.ours, "SELECT count(*) FROM outbox") == [(0,)]
