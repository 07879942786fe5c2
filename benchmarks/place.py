"""Where the benchmark lives: its server, its databases, archives and control directory, in `.playback/benchmark`.

Databases and archives are kept between runs, and made anew when their definition changes. Backups are not: each run
makes its own with the product as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.data import DATA, Data
from benchmarks.measuring import Command, run
from toolkit import demo
from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.shipped import DEMO_INVENTORY

ROOT = Path(__file__).parent.parent
HOME = ROOT / ".playback" / "benchmark"
TARGET = "target"
"""The database that restores go into; there is one at a time."""

_DEMO_SCALES = ((0.5, "large"), (0.05, "medium"), (0, "small"))
"""From which scale of the benchmark on the reference application has which of its own."""

_TABLES = """
SELECT c.oid::regclass::text FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY c.relname
"""

_INDEXES = """
SELECT c.relname::text, c.oid::bigint FROM pg_class c
WHERE c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace ORDER BY c.relname
"""

_STRUCTURE = """
SELECT (SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relnamespace = 'public'::regnamespace AND i.indisvalid AND i.indisready),
    (SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND convalidated),
    (SELECT count(*) FROM pg_trigger WHERE tgenabled = 'O')
"""


class DiffersError(Exception):
    """A restore did not give back the data it should."""


class NotBuiltError(Exception):
    """The product cannot do this yet, or the version to compare with is not here."""


@dataclass(slots=True)
class Place:
    """The server and the files.

    Attributes:
        scale: the share of the rows of full scale that the data have.
        best: the options with which pg_dump is quickest. Where it was built without zstd that is without compression.
    """

    server: EmbeddedServer
    scale: float
    best: Sequence[str]
    _digests: dict[str, object] = field(default_factory=dict)
    _made: set[str | Path] = field(default_factory=set)

    @property
    def postmaster(self) -> int:
        """The server's process."""
        return int((self.server.directory / "postmaster.pid").read_text("ascii").split("\n", 1)[0])

    @property
    def inventory(self) -> Path:
        """The inventory of the control directory."""
        return HOME / "inventory"

    def conninfo(self, database: str) -> str:
        """Give the conninfo of a database for the superuser, as whom all sides work."""
        return self.server.conninfo(database, "postgres")

    def program(self, name: str) -> str:
        """Give the path of one of the server's own programs."""
        return str(self.server.binaries / name)

    def rows(self, data: Data, share: float = 1) -> int:
        """Give how many rows the data have at this scale."""
        return data.rows if data.fixed else max(int(data.rows * self.scale * share), 200)

    def source(self, name: str, share: float = 1) -> str:
        """Give the database with the data, made on first use.

        Args:
            share: of the rows that it would have, for measurements of growth.
        """
        data = DATA[name]
        if name == "R":
            return self._reference()
        rows = self.rows(data, share)
        return self._kept(f"{name.lower()}_{rows}", "", (data.schema, data.filling(rows)))

    def empty(self, name: str) -> str:
        """Give the database with the data's schema and no rows."""
        return self._kept(f"{name.lower()}_empty", "", (DATA[name].schema,))

    def damaged(self, name: str, damage: str) -> str:
        """Give the copy of the source in which some rows differ."""
        source = self.source(name)
        return self._kept(f"{source}_{damage}", source, (DATA[name].damage[damage],))

    def archive(self, name: str, options: Sequence[str], share: float = 1) -> Path:
        """Give an archive of the source that pg_dump made with these options, made on first use."""
        source = self.source(name, share)
        stamp = hashlib.sha256(f"{self._definition(source)} {options}".encode()).hexdigest()[:16]
        path = HOME / "archives" / f"{source}-{stamp}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".draft")
            remove(draft)
            subprocess.run(
                [self.program("pg_dump"), *options, "-f", str(draft), "--dbname", self.conninfo(source)], check=True
            )
            draft.rename(path)
        return path

    def reset_target(self, template: str) -> str:
        """Make the target anew as a copy of a database; gives its name. What was written by that is on disk then."""
        self.server.drop_database(TARGET)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self.execute("postgres", statement.format(sql.Identifier(TARGET), sql.Identifier(template)), "CHECKPOINT")
        return TARGET

    def verify(self, database: str, source: str) -> None:
        """Compare a database with the source: every row, and the number of indexes, constraints and triggers.

        Raises:
            DiffersError: it is not the same.
        """
        if source not in self._digests:
            self._digests[source] = self._digest(source)
        if self._digest(database) != self._digests[source]:
            raise DiffersError(f"{database} does not hold what {source} holds")

    def play(
        self, name: str, host: str, *tasks: Mapping[str, object], environment: Mapping[str, str] | None = None
    ) -> Command:
        """Give the command that runs tasks on a host of the inventory."""
        file = HOME / "playbooks" / f"{name}.yml"
        file.parent.mkdir(exist_ok=True)
        listed = [{"name": f"{name} {number}", **task} for number, task in enumerate(tasks)]
        file.write_text(json.dumps([{"name": name, "hosts": host, "tasks": listed}]), encoding="utf-8")
        return invoke("run", str(file), directory=HOME, environment=environment)

    def host(self, database: str, catalog: str, repository: str, store: Mapping[str, object] | None = None) -> str:
        """Name a database in the inventory, and its repository, a directory where no store is given.

        Returns:
            the name of the host.
        """
        repositories = HOME / "inventory" / "repositories.yml"
        hosts = HOME / "inventory" / "hosts.yml"
        stores = json.loads(repositories.read_text("utf-8"))
        stores[repository] = store or {"type": "local", "path": str(self.repository(repository))}
        repositories.write_text(json.dumps(stores), encoding="utf-8")
        known = json.loads(hosts.read_text("utf-8"))
        named = catalog if catalog != "R" else "multi-business"
        known["all"]["hosts"][database] = {
            "database": self.conninfo(database),
            "catalog": named,
            "repository": repository,
        }
        hosts.write_text(json.dumps(known), encoding="utf-8")
        return database

    def repository(self, name: str) -> Path:
        """Give the directory of a repository."""
        return HOME / "repositories" / name

    def copies(self, name: str, number: int) -> list[str]:
        """Give so many copies of a source, made on first use."""
        source = self.source(name)
        made = [f"{source}_{each}" for each in range(1, number + 1)]
        return [self._kept(each, source, ()) for each in made]

    def first_time(self, name: str | Path) -> bool:
        """Tell whether this run asks for the first time."""
        first = name not in self._made
        self._made.add(name)
        return first

    def empty_repository(self, name: str) -> None:
        """Remove a repository, and the note that it has been there."""
        remove(self.repository(name))
        remove(HOME / ".playback" / "repositories.jsonl")

    def backup(self, name: str, share: float = 1) -> str:
        """Give the repository that has a backup of the source, job `benchmark`, made on first use in this run."""
        source = self.source(name, share)
        repository = f"kept-{source}"
        if self.first_time(repository):
            self.empty_repository(repository)
            host = self.host(source, name, repository)
            run(self.play(f"keep-{source}", host, {"backup": backing_up(name)}), self.postmaster)
        return repository

    def indexes(self, database: str) -> list[tuple[str, int]]:
        """Give the indexes of a database, each with its number in the system catalogs."""
        with psycopg.connect(self.conninfo(database)) as connection:
            return connection.execute(_INDEXES).fetchall()

    def execute(self, database: str, *statements: str | sql.Composed) -> None:
        """Run statements one by one as the superuser."""
        with psycopg.connect(self.conninfo(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode() if isinstance(statement, str) else statement)

    def _reference(self) -> str:
        scale = next(scale for least, scale in _DEMO_SCALES if self.scale >= least)
        name = f"r_{scale}"
        if not self.server.has_database(name):
            self.server.drop_database("draft")
            demo.load(self.server.create_database("draft"), scale=scale)
            self.execute("draft", "VACUUM (ANALYZE, FREEZE)")
            self.execute("postgres", f"ALTER DATABASE draft RENAME TO {name}")
        return name

    def _kept(self, name: str, template: str, statements: Sequence[str]) -> str:
        """Give a database that was made with these statements, of this or an earlier run."""
        definition = hashlib.sha256(json.dumps([template, self._definition(template), statements]).encode()).hexdigest()
        if self._definition(name) != definition:
            self.server.drop_database("draft")
            self.server.drop_database(name)
            self.server.create_database("draft", template=template or None)
            self.execute("draft", *statements, "VACUUM (ANALYZE, FREEZE)")
            self.execute(
                "postgres", f"ALTER DATABASE draft RENAME TO {name}", f"COMMENT ON DATABASE {name} IS '{definition}'"
            )
        return name

    def _definition(self, name: str) -> str:
        with psycopg.connect(self.server.superuser) as connection:
            query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
            found = connection.execute(query, [name]).fetchone()
        return str(found[0]) if found else ""

    def _digest(self, database: str) -> object:
        with psycopg.connect(self.conninfo(database)) as connection:
            tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
            query = "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {} t"
            rows = [connection.execute(query.format(table).encode()).fetchone() for table in tables]
            return tables, rows, connection.execute(_STRUCTURE).fetchone()


def open_place(scale: float) -> Place:
    """Start the server, and make the control directory."""
    for name in ("inventory/catalogs", "repositories", "playbooks"):
        (HOME / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "tasks.py", HOME / "tasks.py")
    shutil.copy(DEMO_INVENTORY / "catalogs" / "multi-business.yml", HOME / "inventory" / "catalogs")
    for data in DATA.values():
        if data.catalog:
            (HOME / "inventory" / "catalogs" / f"{data.name}.yml").write_text(data.catalog, encoding="utf-8")
    (HOME / "inventory" / "hosts.yml").write_text('{"all": {"hosts": {}}}', encoding="utf-8")
    (HOME / "inventory" / "repositories.yml").write_text("{}", encoding="utf-8")
    server = embedded.start(HOME / "server")
    return Place(server, scale, _best(server))


def _best(server: EmbeddedServer) -> list[str]:
    options = ["-Fd", "-j2", "--compress=zstd:3"]
    tried = [str(server.binaries / "pg_dump"), "-Fc", options[-1], "-f", os.devnull, "--dbname", server.superuser]
    return options if not subprocess.run(tried, capture_output=True, check=False).returncode else [*options[:2], "-Z0"]


def invoke(
    *arguments: str, directory: Path, toolkit: Path = ROOT, environment: Mapping[str, str] | None = None
) -> Command:
    """Give a command line of a control directory, with the toolkit of this checkout or of another one."""
    return Command(
        arguments=[sys.executable, "-m", "invoke", *arguments],
        directory=directory,
        environment={"PYTHONPATH": str(toolkit), **(environment or {})},
    )


def backing_up(name: str) -> dict[str, object]:
    """Give the arguments of the backup of some data."""
    scope = {"demo": "include", "scope": "full-device"} if name == "R" else {}
    return {"job": "benchmark", **scope}


def remove(path: Path) -> None:
    """Remove a file or a directory, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def size(path: Path) -> int:
    """Give the bytes of a file, or of all files in a directory."""
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
