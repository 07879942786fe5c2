"""Two databases of one small application, for tests that say what they need in SQL."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.control import Control, execute, keeping, new_role, rows
from tests.restore.laboratory import SUPERUSER
from tests.restore.proxy import Proxy
from tests.restore.sweeping import Bench
from tests.sweeps import EVERYTHING
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Outcome
from toolkit.postgres.servers.embedded import EmbeddedServer

CLERK = "playback_test_clerk"
"""A role that owns nothing."""

TENANTS = "CREATE TABLE tenants (id text PRIMARY KEY, name text, demo boolean)"
SOME_TENANTS = "INSERT INTO tenants VALUES ('a', 'A', false), ('b', 'B', false)"

ROLES = ("target", "superuser")
"""What parameters called `host` name: the target as its owner and as superuser."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Try each case of a test as one role, which is drawn, and a test of several as both; in a sweep each as both."""
    if EVERYTHING:
        return
    tests: dict[str, dict[str, dict[str, pytest.Item]]] = {}
    for item in items:
        host = item.callspec.params.get("host") if hasattr(item, "callspec") else None
        if host in ROLES:
            cases = tests.setdefault(item.nodeid.partition("[")[0], {})
            cases.setdefault(item.name.replace(host, ""), {})[host] = item
    left = []
    for name, cases in tests.items():
        turns = [ROLES[number % 2] for number in range(max(len(cases), len(ROLES)))]
        Random(f"role of {name}").shuffle(turns)
        left += [case[role] for role, case in zip(turns, cases.values(), strict=False) if len(case) > 1]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


@dataclass
class Pair:
    """Hosts `source` and `target` with the same schema; `superuser` and `clerk` are the target under other roles."""

    control: Control
    source: str
    target: str

    def fill(self, *statements: str) -> None:
        """Run statements on both databases."""
        execute(self.source, *statements)
        execute(self.target, *statements)

    def backup(self, **arguments: Any) -> Manifest:
        """Back up the source, demo businesses included."""
        return self.control.backup("source", **{"demo": "include", **arguments})

    def restore(
        self,
        mode: str = "mirror",
        *,
        of: Manifest | None = None,
        host: str = "target",
        check: bool = False,
        **arguments: Any,
    ) -> Outcome:
        """Restore a backup over the target; a new one of the source unless one is given."""
        return self.control.restore(host, of or self.backup(), mode, check=check, **arguments)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the target."""
        return rows(self.target, query)

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the target with its place and its version."""
        tables = self.rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
        return {name: self.rows(f"SELECT ctid, xmin, t::text FROM {name} t ORDER BY ctid") for (name,) in tables}


MakePair = Callable[..., Pair]


@pytest.fixture(scope="session")
def databases(pg18: EmbeddedServer) -> Iterator[tuple[str, str]]:
    """Two databases that every test begins with an empty schema in."""
    names = [f"restore_{os.getpid()}_{role}" for role in ("source", "target")]
    for name in names:
        pg18.drop_database(name)
    made = pg18.create_database(names[0]), pg18.create_database(names[1])
    with keeping(made):
        yield made
    for name in names:
        pg18.drop_database(name)


@pytest.fixture
def make_pair(tmp_path: Path, databases: tuple[str, str], pg18: EmbeddedServer, clerk: str) -> MakePair:
    """Makes a pair: `make_pair(rules, *ddl)`, where rules are the catalog's business tables beside `tenants`.

    Keyword arguments are the tables of other categories: `device={...}`, `transient={...}`.
    """

    def make(rules: dict[str, Any], *ddl: str, **others: dict[str, Any]) -> Pair:
        catalog = {
            "catalog": "application",
            "tenant": {"table": "tenants", "key": "id", "label": "name", "demo": "demo"},
            "business": {"all": {"tenants": "tenant", **rules}},
            **{category: {"all": tables} for category, tables in others.items()},
        }
        control = Control(tmp_path, catalog=json.dumps(catalog))
        pair = Pair(control, *databases)
        anew = ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", f"GRANT USAGE ON SCHEMA public TO {clerk}")
        pair.fill(*anew, TENANTS, *ddl, SOME_TENANTS)
        control.add_host("source", pair.source)
        control.add_host("target", pair.target)
        for user in (SUPERUSER, clerk):
            name = "superuser" if user == SUPERUSER else "clerk"
            control.add_host(name, psycopg.conninfo.make_conninfo(pair.target, user=user))
        return pair

    return make


@pytest.fixture(scope="session")
def clerk(pg18: EmbeddedServer) -> str:
    """A role that owns nothing, made once."""
    made = (errors.DuplicateObject, errors.UniqueViolation)
    with suppress(*made):
        new_role(pg18.superuser, CLERK)
    return CLERK


@pytest.fixture(scope="module")
def bench(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The databases of a restore that is to meet faults, with a proxy before the target."""
    with Proxy(pg18.superuser) as proxy:
        made = Bench(pg18, proxy, tmp_path_factory.mktemp("control"))
        yield made
        made.close()
