"""Scratch databases: with another database's schema, made anew each time.

One is built in the order of pg_restore: tables, then rows, then keys, constraints, indexes and triggers. So there are
two drafts: `bare` without all of the latter, for rows to be loaded into, and `whole` with them, in which a restore can
be planned, or carried out like in any other database. One of them becomes the scratch database; of a build that fails
nothing is left. On a server of ours `whole` stays, closed to all sessions, and serves again while the schema is the
same, which a digest of the statements that make it shows.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import make_conninfo

from toolkit.errors import DatabaseError, RefusedError
from toolkit.model.proof import Restoration
from toolkit.postgres.servers.lacking import Extension, extensions_of, lacking, make_roles, older_extensions
from toolkit.postgres.servers.place import (
    Place,
    alone,
    create_marked,
    database_of,
    drop_marked,
    give_path,
    has_note,
    locale_of,
    note,
    note_restored,
    open_to_sessions,
    path_of,
)
from toolkit.postgres.servers.programs import ProgramError, Programs, Running, fitting
from toolkit.postgres.session.connection import Connection, connect, describe

_SETTINGS = "-c synchronous_commit=off -c default_transaction_read_only=off"
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

_EXTENSION, _SCHEMA, _CONSTRAINT = 3079, 2615, 2606
"""Catalogs of objects, by the number that an archive has for them: pg_extension, pg_namespace, pg_constraint."""

_LEFT_OUT = re.compile(r"(COMMENT - EXTENSION|EVENT TRIGGER|FOREIGN DATA WRAPPER|SERVER|USER MAPPING|FOREIGN TABLE) ")
"""Kinds of entries that only superusers may make, or that lead out of the database."""

_HAS_LZ4 = "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"

_ENTRY = re.compile(r"\d+; (\d+) (\d+) (.*)")

_KEYS_OUT = """
SELECT k.oid::bigint, pg_catalog.format('%%I.%%I', n.nspname, c.relname), k.conname,
       pg_catalog.format('%%I.%%I', pn.nspname, p.relname)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname = ANY (%s) AND pn.nspname <> ALL (%s)
ORDER BY 2, 3
"""

# an index by a function of somebody's may look at other tables
_EARLY = """
WITH plain AS (
    SELECT i.indexrelid, n.nspname, c.relname
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND i.indexprs IS NULL AND i.indpred IS NULL AND c.oid >= 16384
)
SELECT 1259, indexrelid::bigint, nspname, relname FROM plain
UNION ALL
SELECT 2606, k.oid::bigint, p.nspname, p.relname
FROM plain p JOIN pg_constraint k ON k.conindid = p.indexrelid AND k.contype IN ('p', 'u', 'x')
"""

# pg_dump locks what it copies, and needs the right to read it for that
_UNREADABLE = """
SELECT pg_catalog.format('--exclude-schema=%%I', n.nspname)
FROM pg_namespace n
WHERE n.nspname <> ALL (%(schemas)s) AND n.nspname !~ '^pg_' AND NOT has_schema_privilege(n.oid, 'USAGE')
UNION ALL
SELECT pg_catalog.format('--exclude-table=%%I.%%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> ALL (%(schemas)s) AND n.nspname !~ '^pg_' AND has_schema_privilege(n.oid, 'USAGE')
AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT has_table_privilege(c.oid, 'SELECT')
"""


@dataclass(slots=True, kw_only=True)
class Draft:
    """A scratch database that is being made.

    Attributes:
        bare: conninfo of the draft without keys, constraints, indexes and triggers.
        whole: conninfo of the draft with them, and no rows.
        said: what differs from the original, as sentences.
        chosen: which of the two becomes the scratch database.
        lasting: the whole draft stays for the next time, when the schema may be the same.
        holds: what was restored into it, which is noted with it.
    """

    bare: str
    whole: str
    said: tuple[str, ...]
    build: _Build = field(repr=False)
    chosen: str = ""
    lasting: bool = False
    holds: Restoration | None = None

    def index(self, schema: str, table: str) -> None:
        """Build the primary key and the indexes of a table of the bare draft that depend on nothing but its rows.

        Raises:
            ProgramError: they cannot be built.
        """
        if lines := self.build.early.pop((schema, table), []):
            self.build.restore(self.bare, "post-data", lines)

    def constrain(self, jobs: int) -> None:
        """Add all keys, constraints, indexes and triggers that the bare draft has not got yet, in so many sessions.

        Raises:
            ProgramError: they cannot be built.
        """
        self.build.restore(self.bare, "post-data", self.build.left(), jobs=jobs)

    def interrupt(self) -> None:
        """End what `index` and `constrain` do in other threads."""
        self.build.running.end()

    def forget_whole(self) -> None:
        """Drop the whole draft, which nobody needs any more; unless it lasts."""
        if not self.lasting:
            self.build.place.drop(database_of(self.whole))

    def renew_whole(self) -> None:
        """Make the whole draft anew, where it was forgotten."""
        if self.lasting:
            return
        with connect(self.build.place.maker, application="playback scratch") as maker:
            self.build.make(maker, self.whole)
        self.build.restore(self.whole, "post-data")


@contextmanager
def scratch_database(place: Place, name: str, *, like: str, schemas: Sequence[str], programs: str) -> Iterator[Draft]:
    """Make a scratch database; it is there, under its name, when the block has ended well.

    Args:
        like: conninfo of the database whose schema is taken, through pg_dump.
        schemas: those whose rows will come; keys that lead to tables of other ones are left out.
        programs: the directory with PostgreSQL's programs that the inventory names; empty for what there is.

    Raises:
        RefusedError: there is a database of that name which is not a scratch database, or the place lacks something.
        LockedError: another run is making it.
        DatabaseError: it cannot be made.
    """
    for conninfo in (like, place.maker):
        _refuse_pooler(conninfo)
    with alone(place, name) as maker, tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "schema")
        with connect(like, application="playback scratch") as original:
            _refuse_lacking(original, maker, place)
            drop_marked(maker, place, name)
            if place.owner:
                make_roles(original, maker)
            extensions = extensions_of(original)
            keys = original.execute(_KEYS_OUT, [list(schemas), list(schemas)]).fetchall()
            said = older_extensions(original, maker)
            locale = None if place.owner else locale_of(original)
            path = path_of(original)
            owners = {(catalog, number): (schema, table) for catalog, number, schema, table in original.execute(_EARLY)}
            unreadable = [option for (option,) in original.execute(_UNREADABLE, {"schemas": list(schemas)})]
            chosen = _dump(original, maker, like, archive=archive, named=programs, more=unreadable)
        said += [
            f"key {key} of {table} leads to {parent}, whose rows are not restored: left out"
            for _, table, key, parent in keys
        ]
        build = _Build(
            place=place,
            programs=chosen,
            archive=archive,
            folder=Path(folder),
            extensions=tuple(extensions),
            locale=locale,
            path=tuple(path),
        )
        build.list_entries({key for key, *_ in keys}, owners)
        bare, whole = f"{name}.draft", f"{name}.whole"
        draft = Draft(bare=place.conninfo(bare), whole=place.conninfo(whole), said=tuple(said), build=build)
        definition = build.digest(maker) if place.owner else ""
        try:
            build.make(maker, draft.bare)
            if not (definition and has_note(maker, place, whole, definition)):
                create_marked(maker, place, whole, template=bare)
                give_path(maker, whole, path)
                build.restore(draft.whole, "post-data")
                if definition:
                    note(maker, place, whole, definition)
            draft.lasting = bool(definition)
            open_to_sessions(maker, whole, opened=True)
            yield draft
            kept = bare if draft.chosen == draft.bare else whole
            note_restored(maker, place, kept, draft.holds)
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            maker.execute(rename.format(sql.Identifier(kept), sql.Identifier(name)))
        finally:
            with _again(place, maker) as session:
                drop_marked(session, place, bare)
                if draft.lasting and draft.chosen != draft.whole:
                    open_to_sessions(session, whole, opened=False)
                else:
                    drop_marked(session, place, whole)


@dataclass(slots=True, kw_only=True)
class _Build:
    """Restores parts of an archive into drafts.

    Attributes:
        entries: the entries of the archive that are restored.
        early: per table those that may be built before other tables have their rows, and are not yet.
        running: what is being built.
    """

    place: Place
    programs: Programs
    archive: Path
    folder: Path
    extensions: tuple[Extension, ...]
    locale: sql.Composed | None
    path: tuple[str, ...]
    entries: list[str] = field(default_factory=list)
    early: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    running: Running = field(default_factory=Running)
    _built: set[str] = field(default_factory=set)
    _lists: Iterator[int] = field(default_factory=count)

    def list_entries(self, keys: Collection[int], owners: Mapping[tuple[int, int], tuple[str, str]]) -> None:
        """Read which entries the archive has.

        Args:
            keys: those that are left out.
            owners: the tables of indexes and of keys, by catalog and object id.
        """
        made = {(_EXTENSION, each.id) for each in self.extensions} | {(_SCHEMA, e.schema_id) for e in self.extensions}
        skipped = made | {(_CONSTRAINT, key) for key in keys}
        for line in self.programs.run("pg_restore", ["--list", str(self.archive)]).splitlines():
            found = _ENTRY.fullmatch(line)
            if found is None or _LEFT_OUT.match(found[3]):
                continue
            which = int(found[1]), int(found[2])
            if which not in skipped:
                self.entries.append(line)
                if which in owners and found[3].startswith(("INDEX ", "CONSTRAINT ")):
                    self.early.setdefault(owners[which], []).append(line)

    def digest(self, maker: Connection) -> str:
        """Give a digest of all that the whole draft is made of, the same for the same schema."""
        listed = self._listed(self.entries)
        statements = self.programs.run("pg_restore", [f"--use-list={listed}", *_UNOWNED, "--file=-", str(self.archive)])
        # psql's programs guard a script by a random word
        lines = [line for line in statements.splitlines() if not line.startswith(("\\restrict ", "\\unrestrict "))]
        there = maker.execute("SELECT name, default_version FROM pg_available_extensions ORDER BY name").fetchall()
        made = [(each.name, each.schema, dict(there).get(each.name)) for each in self.extensions]
        parts = [maker.info.server_version, self.path, made, lines]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def left(self) -> list[str]:
        """Give the entries that have not been built on their own."""
        return [line for line in self.entries if line not in self._built]

    def make(self, maker: Connection, conninfo: str) -> None:
        """Create a draft with extensions and tables."""
        name = database_of(conninfo)
        create_marked(maker, self.place, name, locale=self.locale)
        give_path(maker, name, self.path)
        self.make_extensions(name, self.extensions)
        self.restore(conninfo, "pre-data")

    def make_extensions(self, database: str, extensions: Sequence[Extension]) -> None:
        """Create the extensions, as the one who may."""
        if not extensions:
            return
        with connect(make_conninfo(self.place.maker, dbname=database), application="playback scratch") as connection:
            owner = sql.SQL("AUTHORIZATION {}").format(sql.Identifier(self.place.owner or connection.info.user))
            for each in extensions:
                schema = sql.Identifier(each.schema)
                if each.schema != "pg_catalog":
                    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {} {}").format(schema, owner))
                create = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA {} CASCADE")
                connection.execute(create.format(sql.Identifier(each.name), schema))

    def restore(self, conninfo: str, section: str, entries: Sequence[str] | None = None, *, jobs: int = 1) -> None:
        """Restore one section of the archive, or some entries of it."""
        listed = self._listed(self.entries if entries is None else entries)
        options = [f"--section={section}", f"--use-list={listed}", *_UNOWNED]
        options += [f"--jobs={jobs}"] if jobs > 1 else []
        try:
            self.programs.run(
                "pg_restore",
                [*options, str(self.archive)],
                database=conninfo,
                settings=_SETTINGS,
                running=self.running if entries is not None else None,
            )
        except ProgramError as error:
            error.hint = f"the schema could not be built on {self.place.title}; no scratch database was made"
            raise
        self._built.update(entries or ())

    def _listed(self, entries: Sequence[str]) -> Path:
        listed = self.folder / f"list-{next(self._lists)}"
        listed.write_text("\n".join(entries) + "\n", encoding="utf-8")
        return listed


def _dump(
    original: Connection, maker: Connection, like: str, *, archive: Path, named: str, more: Sequence[str]
) -> Programs:
    """Write the schema of a database to an archive; gives the programs that could."""
    versions = {"source": original.info.server_version // 10000, "target": maker.info.server_version // 10000}
    options = [*_DUMP, *more, "--file", str(archive)]
    if maker.execute(_HAS_LZ4).fetchone() != (True,):
        options.append("--no-toast-compression")
    failed: dict[str, list[str]] = {}
    for programs in fitting(named, **versions):
        try:
            programs.run("pg_dump", options, database=like)
        except ProgramError as error:
            failed.setdefault(" / ".join(error.said), []).append(f"{programs.version} in {programs.directory}")
        else:
            return programs
    if denied := [said for said in failed if "permission denied" in said]:
        raise RefusedError(
            f"pg_dump may not read the schema of {original.info.dbname} as role {original.info.user}",
            denied,
            hint="it locks every table for reading: GRANT SELECT on all of them, or run as the owner of the tables",
        )
    listed = "".join(f"\n  - {said} (pg_dump {', '.join(which)})" for said, which in failed.items())
    raise DatabaseError(
        f"pg_dump cannot read the schema of {original.info.dbname}:{listed}",
        hint="where none of them has TLS, say, install PostgreSQL's client programs; `programs: DIRECTORY` of the host"
        " in the inventory says which to use",
    )


def _refuse_pooler(conninfo: str) -> None:
    with connect(conninfo, application="playback scratch") as connection:
        if connection.pooled:
            raise RefusedError(
                f"{describe(conninfo)} is reached through a pooler: pg_dump would leave its settings in the pool, and"
                " databases cannot be made through it",
                hint="name the same database without the pooler as `direct` of the host in the inventory",
            )


def _refuse_lacking(original: Connection, maker: Connection, place: Place) -> None:
    if found := lacking(original, maker, place):
        raise RefusedError(
            f"{place.title} cannot hold the schema of {original.info.dbname}; it lacks",
            found,
            hint="`on: host` in `scratch`, or for shipped playbooks `scratch_on: host` beside the host in the"
            " inventory, makes it on the host's own server (its role needs CREATEDB), `on: OTHER` on another host's;"
            " without one, `verify: {backup: LABEL}` compares a backup with the host's own database,"
            " `verify: {backup: LABEL, against: repository}` reads it back. Nothing was changed",
        )


@contextmanager
def _again(place: Place, maker: Connection) -> Iterator[Connection]:
    """A session of the maker: the one given, or another where an interruption ended it."""
    if not maker.closed:
        yield maker
        return
    with connect(place.maker, application="playback scratch") as another:
        yield another
