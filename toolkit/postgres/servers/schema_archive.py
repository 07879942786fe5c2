"""The schema of a database as an archive of pg_dump, and parts of it restored into other databases."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

from msgspec import Struct, field

from toolkit.errors import DatabaseError, RefusedError
from toolkit.postgres.servers.programs import ProgramError, Programs, Running, fitting
from toolkit.postgres.session.connection import Connection

_SETTINGS = "-c synchronous_commit=off -c default_transaction_read_only=off -c maintenance_work_mem={}"

_MEMORY = """
SELECT greatest(setting::bigint, 131072) FROM pg_settings WHERE name = 'maintenance_work_mem'
"""
"""Kilobytes that the building of one index may sort in: the server's own setting, or 128 MB where that is less."""
_DUMP = [
    "--format=custom",
    "--schema-only",
    "--no-owner",
    "--no-privileges",
    "--no-tablespaces",
    "--no-security-labels",
    "--no-publications",
    "--no-subscriptions",
]

_UNOWNED = ["--no-owner", "--no-privileges"]

EXTENSION, SCHEMA, CONSTRAINT = 3079, 2615, 2606
"""Catalogs of objects, by the number that an archive has for them: pg_extension, pg_namespace, pg_constraint."""

_LEFT_OUT = re.compile(r"(COMMENT - EXTENSION|EVENT TRIGGER|FOREIGN DATA WRAPPER|SERVER|USER MAPPING|FOREIGN TABLE) ")
"""Kinds of entries that only superusers may make, or that lead out of the database."""

_HAS_LZ4 = "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"

_ENTRY = re.compile(r"\d+; (\d+) (\d+) (.*)")


Table = tuple[str, str]
"""A schema, and the name of a table in it."""


class Archive(Struct, kw_only=True):
    """An archive, and what of it has been restored.

    Attributes:
        title: where it is restored, in messages.
        memory: kilobytes that the building of one index may sort in there.
        entries: the entries that are restored.
        keys, indexes: by table, the entries that may be restored before other tables have their rows, and are not yet.
    """

    programs: Programs
    file: Path
    title: str
    memory: int
    entries: list[str] = field(default_factory=list)
    keys: dict[Table, list[str]] = field(default_factory=dict)
    indexes: dict[Table, list[str]] = field(default_factory=dict)
    _running: Running = field(default_factory=Running)
    _restored: set[str] = field(default_factory=set)
    _lists: Iterator[int] = field(default_factory=count)

    def list_entries(self, skipped: Collection[tuple[int, int]], owners: Mapping[tuple[int, int], Table]) -> None:
        """Read which entries it has.

        Args:
            skipped: the objects that are left out, by catalog and object id.
            owners: the tables of indexes and of keys that depend on nothing but the rows of these.
        """
        for line in self.programs.run("pg_restore", ["--list", str(self.file)]).splitlines():
            found = _ENTRY.fullmatch(line)
            if found is None or _LEFT_OUT.match(found[3]):
                continue
            which = int(found[1]), int(found[2])
            if which not in skipped:
                self.entries.append(line)
                for kind, early in (("CONSTRAINT ", self.keys), ("INDEX ", self.indexes)):
                    if which in owners and found[3].startswith(kind):
                        early.setdefault(owners[which], []).append(line)

    def statements(self) -> list[str]:
        """Give all statements that it is restored by, line by line."""
        options = [f"--use-list={self._listed(self.entries)}", *_UNOWNED, "--file=-", str(self.file)]
        # psql's programs guard a script by a random word
        guards = ("\\restrict ", "\\unrestrict ")
        return [line for line in self.programs.run("pg_restore", options).splitlines() if not line.startswith(guards)]

    def left(self) -> list[str]:
        """Give the entries that have not been restored on their own."""
        return [line for line in self.entries if line not in self._restored]

    def restore(self, conninfo: str, section: str, entries: Sequence[str] | None = None, *, jobs: int = 1) -> None:
        """Restore one section, or some entries of it.

        Raises:
            ProgramError: they cannot be built.
        """
        listed = self._listed(self.entries if entries is None else entries)
        options = [f"--section={section}", f"--use-list={listed}", *_UNOWNED]
        options += [f"--jobs={jobs}"] if jobs > 1 else []
        try:
            arguments = [*options, str(self.file)]
            self.programs.run(
                "pg_restore",
                arguments,
                database=conninfo,
                settings=_SETTINGS.format(self.memory),
                running=self._running if entries is not None else None,
            )
        except ProgramError as error:
            error.hint = f"the schema could not be built on {self.title}; no scratch database was made"
            raise
        self._restored.update(entries or ())

    def interrupt(self) -> None:
        """End what other threads restore entry by entry."""
        self._running.end()

    def _listed(self, entries: Sequence[str]) -> Path:
        listed = self.file.with_name(f"list-{next(self._lists)}")
        listed.write_text("\n".join(entries) + "\n", encoding="utf-8")
        return listed


class Dumped(Struct, frozen=True, kw_only=True):
    """The database whose schema is dumped.

    Attributes:
        programs: the directory with PostgreSQL's programs that the inventory names; empty for what there is.
        excluded: options that leave out what the role may not read.
    """

    conninfo: str
    name: str
    user: str
    version: int
    programs: str
    excluded: Sequence[str]


def memory_of(maker: Connection) -> int:
    """Give the kilobytes that the building of one index may sort in on a server."""
    row = maker.execute(_MEMORY).fetchone()
    assert row is not None
    return int(row[0])


def dump(original: Dumped, maker: Connection, file: Path) -> Programs:
    """Write the schema of a database to an archive for a server; gives the programs that could.

    Args:
        maker: a session of that server.

    Raises:
        RefusedError: the role may not read it.
        DatabaseError: it cannot be read.
    """
    versions = {"source": original.version, "target": maker.info.server_version // 10000}
    options = [*_DUMP, *original.excluded, "--file", str(file)]
    if maker.execute(_HAS_LZ4).fetchone() != (True,):
        options.append("--no-toast-compression")
    failed: dict[str, list[str]] = {}
    for programs in fitting(original.programs, **versions):
        try:
            programs.run("pg_dump", options, database=original.conninfo)
        except ProgramError as error:
            failed.setdefault(" / ".join(error.said), []).append(f"{programs.version} in {programs.directory}")
        else:
            return programs
    if denied := [said for said in failed if "permission denied" in said]:
        raise RefusedError(
            f"pg_dump may not read the schema of {original.name} as role {original.user}",
            denied,
            hint="it locks every table for reading: GRANT SELECT on all of them, or run as the owner of the tables",
        )
    listed = "".join(f"\n  - {said} (pg_dump {', '.join(which)})" for said, which in failed.items())
    raise DatabaseError(
        f"pg_dump cannot read the schema of {original.name}:{listed}",
        hint="where none of them has TLS, say, install PostgreSQL's client programs; `programs: DIRECTORY` of the host"
        " in the inventory says which to use",
    )
