"""Two databases of one made-up application, loaded with states and restored from one to the other, over and over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.acting import act, context_of
from tests.caseless import create_caseless
from tests.control import Control, execute
from tests.restore.spec import State, World, identifier
from tests.traps import set_traps
from toolkit.actions.quarantine import ACTION as RETRY
from toolkit.config import inventory
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Outcome
from toolkit.model.quarantine import QuarantinedRow
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.storage.quarantine import quarantines, read_rows, remove

SUPERUSER = "postgres"

Versions = dict[tuple[str | None, ...], set[tuple[str, str]]]
"""By table and values of a row: the places (ctid) and writers (xmin) of such rows."""

ANEW = (
    "DROP SCHEMA IF EXISTS public, other, outside CASCADE;"
    " CREATE SCHEMA public; CREATE SCHEMA other; CREATE SCHEMA outside"
)
"""Empties every schema that tables of worlds are in."""

GRANTS = sql.SQL(
    "GRANT USAGE ON SCHEMA public, other, outside TO {0};"
    " GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, other, outside TO {0};"
    " GRANT SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public, other, outside TO {0}"
)
"""What a restore needs where there are no user triggers."""


class Laboratory:
    """Hosts `source` and `target`, as the tables' owner; `superuser` and `clerk` are the target under other roles.

    Args:
        trapped: the search path of both databases is full of traps.
        clerk: a role that may read and write every table and owns none; empty for no such host.
    """

    def __init__(
        self,
        server: EmbeddedServer,
        world: World,
        directory: Path,
        name: str,
        clerk: str = "",
        *,
        trapped: bool = False,
    ) -> None:
        self._clerk = clerk
        self._connections: dict[str, psycopg.Connection[Any]] = {}
        self._owners: dict[str, str] = {}
        self._directory = directory
        self._control = Control(directory, catalog=world.catalog)
        for role in ("source", "target"):
            database = f"{name}_{role}"
            server.drop_database(database)
            self._owners[role] = server.create_database(database)
            create_caseless(server.conninfo(database, user=SUPERUSER), "types")
            execute(
                server.conninfo(database, user=SUPERUSER),
                *(f"CREATE EXTENSION {name} SCHEMA types" for name in ("ltree", "hstore", "cube", "isn")),
            )
            self._control.add_host(role, self._owners[role])
            loader = psycopg.connect(server.conninfo(database, user=SUPERUSER), autocommit=True)
            loader.execute("SET session_replication_role = replica; SET TimeZone = 'UTC'")
            self._connections[role] = loader
            if trapped:
                set_traps(server.conninfo(database, user=SUPERUSER))
        self.superuser = server.conninfo(f"{name}_target", user=SUPERUSER)
        for host, user in {"superuser": SUPERUSER, "clerk": clerk}.items():
            if user:
                self._control.add_host(host, server.conninfo(f"{name}_target", user=user))
        self.build(world)

    def build(self, world: World) -> None:
        """Replace both databases' schema, and the catalog file."""
        self.world = world
        made = f"SET client_min_messages = error; SET search_path = public; {ANEW}; {world.ddl}"
        for owner in self._owners.values():
            with psycopg.connect(owner, autocommit=True) as connection:
                connection.execute(made.encode())
                if self._clerk:
                    connection.execute(GRANTS.format(sql.Identifier(self._clerk)))
        self.classify(world)

    def classify(self, world: World) -> None:
        """Replace the catalog file alone."""
        self.world = world
        catalogs = self._directory / "inventory" / "catalogs"
        (catalogs / "application.yml").write_text(world.catalog, encoding="utf-8")
        self._inventory = inventory.load(self._directory / "inventory")

    def add_host(self, name: str, conninfo: str) -> None:
        """Name one of the databases once more."""
        self._control.add_host(name, conninfo)
        self._inventory = inventory.load(self._directory / "inventory")

    def close(self) -> None:
        """End the connections."""
        for connection in self._connections.values():
            connection.close()

    def load(self, role: str, state: State) -> None:
        """Make a database hold exactly this state."""
        statements: list[sql.Composable] = []
        for table in self.world.tables:
            statements.append(sql.SQL("DELETE FROM {}").format(identifier(table.name)))
            rows = [
                sql.SQL("({})").format(sql.SQL(", ").join(sql.Literal(row[name]) for name in table.columns))
                for row in state[table.name]
            ]
            if rows:
                names = sql.SQL(", ").join(map(sql.Identifier, table.columns))
                statements.append(
                    sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES {}").format(
                        identifier(table.name), names, sql.SQL(", ").join(rows)
                    )
                )
        self._connections[role].execute(sql.SQL("; ").join(statements))

    def set_standing(self, role: str, standing: Mapping[str, tuple[int, bool]]) -> None:
        """Let sequences stand somewhere."""
        for name, (value, called) in standing.items():
            self._connections[role].execute(
                "SELECT setval(%s::regclass, %s, %s)", [identifier(name).as_string(None), value, called]
            )

    def standing(self, role: str, names: Iterable[str]) -> dict[str, tuple[int, bool]]:
        """Where sequences stand."""
        found = {}
        for name in names:
            query = sql.SQL("SELECT last_value, is_called FROM {}").format(identifier(name))
            row = self._connections[role].execute(query).fetchone()
            assert row is not None
            found[name] = (int(row[0]), bool(row[1]))
        return found

    def read(self, role: str) -> dict[str, Counter[tuple[str | None, ...]]]:
        """Everything a database holds."""
        return {
            table.name: Counter(
                self._connections[role].execute(
                    sql.SQL("SELECT {} FROM {}").format(
                        sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in table.columns),
                        identifier(table.name),
                    )
                )
            )
            for table in self.world.tables
        }

    def state(self, role: str) -> State:
        """The same as a state."""
        return {
            table.name: [dict(zip(table.columns, row, strict=True)) for row in sorted(rows.elements(), key=str)]
            for table in self.world.tables
            for rows in [self.read(role)[table.name]]
        }

    @property
    def directory(self) -> Path:
        """The control directory."""
        return self._directory

    def conninfo(self, role: str) -> str:
        """The conninfo of a database, as the tables' owner."""
        return self._owners[role]

    def backup(self, arguments: Mapping[str, Any], *, host: str = "source") -> Manifest:
        """Back a database up."""
        label = self._run("backup", host, arguments).facts["label"]
        return self._control.repository.manifest(str(label))

    def versions(self, role: str) -> Versions:
        """Where rows lie and which transactions wrote them."""
        found: Versions = {}
        for table in self.world.tables:
            query = sql.SQL("SELECT ctid::text, xmin::text, {} FROM {}").format(
                sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in table.columns),
                identifier(table.name),
            )
            for place, writer, *values in self._connections[role].execute(query):
                found.setdefault((table.name, *values), set()).add((place, writer))
        return found

    def restore(self, host: str, manifest: Manifest, mode: str, *, check: bool = False, **arguments: object) -> Outcome:
        """Restore a backup; device rows come along."""
        wanted = {"from": manifest.metadata.label, "mode": mode, "identity": "source", **arguments}
        return self._run("restore", host, wanted, check=check)

    def put_aside(self, *, keep: bool = False) -> list[QuarantinedRow]:
        """The rows that are in quarantine; unless they are kept there it is empty then."""
        repository = self._control.repository
        runs = quarantines(repository)
        found = [row for run in runs for row in read_rows(repository, run)]
        for run in () if keep else runs:
            remove(repository, run)
        return found

    def retry(self, host: str) -> Outcome:
        """Try again what is in quarantine."""
        return act(RETRY, {}, context_of(self._inventory, host))

    def verify(self, manifest: Manifest, **arguments: object) -> Outcome:
        """Verify a backup against the target."""
        return self._run("verify", "target", {"backup": manifest.metadata.label, **arguments})

    def run(self, action: str, host: str, arguments: Mapping[str, Any]) -> Outcome:
        """Run any action."""
        return self._run(action, host, arguments)

    def _run(self, action: str, host: str, arguments: Mapping[str, Any], *, check: bool = False) -> Outcome:
        return act(action, arguments, context_of(self._inventory, host, check=check))


def content(world: World, state: State) -> dict[str, Counter[tuple[str | None, ...]]]:
    """A state as `Laboratory.read` gives it."""
    return {
        table.name: Counter(tuple(row[name] for name in table.columns) for row in state[table.name])
        for table in world.tables
    }
