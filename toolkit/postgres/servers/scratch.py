"""Scratch databases: with another database's schema, made anew each time.

One is built in the order of pg_restore: tables, then rows, then keys, constraints, indexes and triggers. So there are
two drafts: `bare` without all of the latter, for rows to be loaded into, and `whole` with them, in which a restore can
be planned, or carried out like in any other database. One of them becomes the scratch database; of a build that fails
nothing is left. On a server of ours `whole` stays, closed to all sessions, and serves again while the schema is the
same, which a digest of the statements that make it shows.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import make_conninfo

from toolkit.errors import RefusedError
from toolkit.model.proof import Restoration
from toolkit.postgres.servers.lacking import lacking, make_roles
from toolkit.postgres.servers.original import Original, read_original
from toolkit.postgres.servers.place import (
    Place,
    alone,
    create_marked,
    database_of,
    drop_marked,
    give_path,
    has_note,
    note,
    note_restored,
    open_to_sessions,
    refuse_pooler,
)
from toolkit.postgres.servers.schema_archive import Archive, Table, dump, memory_of
from toolkit.postgres.session.connection import Connection, connect


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

    @property
    def unbound(self) -> str:
        """Conninfo of the whole draft for the role that may load rows whatever they point at, where there is one."""
        return make_conninfo(self.build.place.maker, dbname=database_of(self.whole))

    def add_keys(self, table: Table) -> None:
        """Add those keys of a table of the bare draft that depend on nothing but its rows.

        Raises:
            ProgramError: they cannot be built.
        """
        if lines := self.build.archive.keys.pop(table, []):
            self.build.archive.restore(self.bare, "post-data", lines)

    def indexes(self, table: Table) -> list[Callable[[], None]]:
        """Give what builds the indexes of a table of the bare draft that depend on nothing but its rows, one each.

        They may be built at once; each raises ProgramError where it cannot be built.
        """
        lines = self.build.archive.indexes.pop(table, [])
        return [partial(self.build.archive.restore, self.bare, "post-data", [line]) for line in lines]

    def constrain(self, jobs: int) -> None:
        """Add all keys, constraints, indexes and triggers that the bare draft has not got yet, in so many sessions.

        Raises:
            ProgramError: they cannot be built.
        """
        self.build.archive.restore(self.bare, "post-data", self.build.archive.left(), jobs=jobs)

    def interrupt(self) -> None:
        """End what is built in other threads."""
        self.build.archive.interrupt()

    def forget_whole(self) -> None:
        """Drop the whole draft, which nobody needs any more; unless it lasts."""
        if not self.lasting:
            self.build.place.drop(database_of(self.whole))

    def renew_whole(self) -> None:
        """Make the whole draft anew, where it was forgotten."""
        if not self.lasting:
            self.build.make(self.whole, "pre-data", "post-data")


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
    with alone(place, name) as maker, tempfile.TemporaryDirectory() as folder:
        with connect(like, application="playback scratch") as original:
            refuse_pooler(original, like)
            _refuse_lacking(original, maker, place)
            drop_marked(maker, place, name)
            if place.owner:
                make_roles(original, maker)
            known = read_original(original, maker, place, like=like, schemas=schemas, programs=programs)
        bare, whole = f"{name}.draft", f"{name}.whole"
        build = _Build(place=place, known=known)
        draft = Draft(bare=place.conninfo(bare), whole=place.conninfo(whole), said=known.said, build=build)
        try:
            draft.lasting = build.make_both(maker, Path(folder, "schema"), draft)
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
    """Makes drafts.

    Attributes:
        archive: the schema, once it is dumped.
    """

    place: Place
    known: Original
    archive: Archive = field(init=False)

    def make_both(self, maker: Connection, file: Path, draft: Draft) -> bool:
        """Make both drafts, side by side; gives whether the whole one stays for the next time.

        Databases are made while the schema is dumped.
        """
        place, whole = self.place, database_of(draft.whole)
        with ThreadPoolExecutor(max_workers=2) as pool:
            created = pool.submit(self._create, draft.bare)
            another = None if place.owner else pool.submit(self._create, draft.whole)
            programs = dump(self.known.dumped, maker, file)
            self.archive = Archive(programs=programs, file=file, title=place.title, memory=memory_of(maker))
            self.archive.list_entries(self.known.skipped, self.known.owners)
            created.result()
            filled = pool.submit(self.archive.restore, draft.bare, "pre-data")
            definition = self.digest(maker) if place.owner else ""
            if not (definition and has_note(maker, place, whole, definition)):
                (another or pool.submit(self._create, draft.whole)).result()
                self.archive.restore(draft.whole, "pre-data")
                self.archive.restore(draft.whole, "post-data")
                if definition:
                    note(maker, place, whole, definition)
            filled.result()
        return bool(definition)

    def make(self, conninfo: str, *sections: str) -> None:
        """Make a draft with some sections of the archive."""
        self._create(conninfo)
        for section in sections:
            self.archive.restore(conninfo, section)

    def digest(self, maker: Connection) -> str:
        """Give a digest of all that the whole draft is made of, the same for the same schema."""
        there = maker.execute("SELECT name, default_version FROM pg_available_extensions ORDER BY name").fetchall()
        made = [(each.name, each.schema, dict(there).get(each.name)) for each in self.known.extensions]
        parts = [maker.info.server_version, self.known.path, made, self.archive.statements()]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _create(self, conninfo: str) -> None:
        """Create a database with its extensions, as the one who may."""
        name = database_of(conninfo)
        with connect(self.place.maker, application="playback scratch") as maker:
            create_marked(maker, self.place, name, locale=self.known.locale)
            give_path(maker, name, self.known.path)
        if not self.known.extensions:
            return
        with connect(make_conninfo(self.place.maker, dbname=name), application="playback scratch") as connection:
            owner = sql.SQL("AUTHORIZATION {}").format(sql.Identifier(self.place.owner or connection.info.user))
            for each in self.known.extensions:
                schema = sql.Identifier(each.schema)
                if each.schema != "pg_catalog":
                    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {} {}").format(schema, owner))
                create = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA {} CASCADE")
                connection.execute(create.format(sql.Identifier(each.name), schema))


def _refuse_lacking(original: Connection, maker: Connection, place: Place) -> None:
    if found := lacking(original, maker, place):
        words = place.words
        instead = f"; {words.instead}" if words.instead else ""
        raise RefusedError(
            f"{place.title} cannot hold the schema of {original.info.dbname}; it lacks",
            found,
            hint=f"{words.beside} makes it on the host's own server (its role needs CREATEDB), `on: OTHER` on another"
            f" host's{instead}. Nothing was changed",
        )


@contextmanager
def _again(place: Place, maker: Connection) -> Iterator[Connection]:
    """A session of the maker: the one given, or another where an interruption ended it."""
    if not maker.closed:
        yield maker
        return
    with connect(place.maker, application="playback scratch") as another:
        yield another
