"""`scratch`: where a restore makes a database for itself, how it is called, and what becomes of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

from msgspec import Struct, structs

from toolkit.actions.arguments import Arguments, Text, about, matching
from toolkit.actions.context import Context
from toolkit.actions.targets import direct_conninfo_of
from toolkit.errors import PlaybackError
from toolkit.model.catalog import Catalog
from toolkit.model.host import EmbeddedDatabase, ServerDatabase
from toolkit.model.role import Role
from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.place import Place, Words, alone, embedded_place, name_beside, place_beside
from toolkit.postgres.servers.scratch import Draft, scratch_database

EMBEDDED, BESIDE = "embedded", "host"


ScratchName = Annotated[
    str,
    matching(
        "^[a-z][a-z0-9_-]{0,40}$",
        "lower-case letters, digits, - and _, beginning with a letter, at most 41 of them",
    ),
]


class Scratch(Arguments, frozen=True, kw_only=True):
    """A database that is made for a restore."""

    like: Annotated[Text, about("The host whose schema the scratch database gets.", "till-1", role=Role.HOST)]
    on: Annotated[
        Text,
        about(
            "The server that it is made on: `embedded`, one of Playback's own; `host`, the one of the host that it is"
            " like, whose role then needs CREATEDB; or that of another host of the inventory.",
            "host",
        ),
    ] = EMBEDDED
    name: Annotated[ScratchName, about("The name of the scratch database.", "scratch")] = "scratch"
    keep: Annotated[
        bool | None,
        about(
            "Whether it stays when the play has ended, until it is made anew. Default: an embedded one stays, one on a"
            " host's server does not.",
            True,
        ),
    ] = None


class Made(Struct, frozen=True, kw_only=True):
    """A scratch database that is being made.

    Attributes:
        host: the name by which later tasks reach it.
    """

    draft: Draft
    host: str


@contextmanager
def making(context: Context, catalog: Catalog, scratch: Scratch) -> Iterator[Made]:
    """Make a scratch database; it is there when the block has ended well, and until the play ends unless it is kept.

    Raises:
        RefusedError: the place lacks something, or somebody else's database has its name.
        LockedError: another run is making it.
        DatabaseError: it cannot be made.
    """
    original = context.inventory.host(scratch.like)
    like = direct_conninfo_of(context, original)
    place, name, host = _place(context, scratch, like)
    context.progress.note("making the scratch database")
    with scratch_database(place, name, like=like, schemas=catalog.schemas, programs=original.programs) as draft:
        yield Made(draft=draft, host=host)
    keep = scratch.keep if scratch.keep is not None else scratch.on == EMBEDDED
    if not keep:
        context.at_end(f"Drop scratch database {name}", _dropping(place, name))


@contextmanager
def borrowed(context: Context, scratch: Scratch) -> Iterator[str]:
    """Have the scratch database that a restore in this block makes for oneself; gives its host's name.

    Whichever way the block ends, it is dropped afterwards, unless it is to be kept.

    Raises:
        LockedError: another run has it.
        DatabaseError: its server cannot be reached, or it cannot be dropped.
    """
    place, name, host = _place(context, scratch, direct_conninfo_of(context, context.inventory.host(scratch.like)))
    with alone(place, name, doing="using"):
        try:
            yield host
        except BaseException:
            if not scratch.keep:
                with suppress(PlaybackError):
                    place.drop(name)
            raise
        if not scratch.keep:
            place.drop(name)


_WORDS = {
    "": Words(),
    "drill": Words(
        beside="`on: host` in `drill`, or for shipped playbooks `scratch_on: host` beside the host in the inventory,",
        renamed="`name: NAME` in `drill`",
    ),
    "export": Words(beside="`on: host` in `export`", renamed="", instead=""),
    "import": Words(beside="`on: host` in `import`", renamed="`name: NAME` in `import`", instead=""),
}
"""By the action that has one made for itself; all of them rule that by arguments of their own."""


def _place(context: Context, scratch: Scratch, like: str) -> tuple[Place, str, str]:
    """The server, the database's name there, and the name by which later tasks reach it."""
    if scratch.on == EMBEDDED:
        database = EmbeddedDatabase(scratch.name)
        server = embedded.start(embedded.directory_of(context.inventory.directory, database), hasty=True)
        place = structs.replace(embedded_place(server), words=_WORDS[context.scratch_by])
        return place, database.name, str(database)
    beside = scratch.like if scratch.on == BESIDE else scratch.on
    conninfo = direct_conninfo_of(context, context.inventory.host(beside))
    name = name_beside(scratch.name, like, host="" if beside == scratch.like else scratch.like)
    place = structs.replace(place_beside(conninfo, beside, like=like), words=_WORDS[context.scratch_by])
    return place, name, str(ServerDatabase(host=beside, database=name))


def _dropping(place: Place, name: str) -> Callable[[], bool]:
    return lambda: place.drop(name)
