"""Where scratch databases are made: an embedded server of ours, or a server that holds somebody's databases too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
import psycopg
from msgspec import Struct
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from toolkit.errors import LockedError, RefusedError
from toolkit.model.proof import Restoration
from toolkit.postgres.servers.embedded import OWNER, EmbeddedServer
from toolkit.postgres.session.connection import Connection, connect, describe

MARK = "made by playback as a scratch database; every scratch restore makes it anew"
"""The comment that tells a scratch database from one that holds somebody's data; behind it stands of what it is one."""

_OF = "; of "

_NOTED = "; "

_RESTORED = "restored "

_LONGEST = 63 - len(".draft")
"""Bytes in the name of a database, with room for what tells a draft."""

_LOCALE = """
SELECT datcollate, datctype, to_jsonb(d) ->> 'datlocprovider',
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
FROM pg_catalog.pg_database d WHERE datname = current_database()
"""


class Words(Struct, frozen=True, kw_only=True):
    """What a person writes to have a scratch database otherwise, for hints.

    Attributes:
        beside: to have it on the host's own server.
        renamed: to have it under another name; empty where it has one alone.
        instead: what does without one, as a clause; empty for nothing.
    """

    beside: str = (
        "`on: host` in `scratch`, or for shipped playbooks `scratch_on: host` beside the host in the inventory,"
    )
    renamed: str = "`scratch: {like: HOST, name: NAME}`"
    instead: str = (
        "without one, `verify: {backup: LABEL}` compares a backup with the host's own database,"
        " `verify: {backup: LABEL, against: repository}` reads it back"
    )

    @property
    def other_name(self) -> str:
        """Say how to give it another name, as the beginning of a sentence with further ways; empty for nothing."""
        return f"give the scratch database another name, {self.renamed}, or " if self.renamed else ""


class Place(Struct, frozen=True, kw_only=True):
    """A server on which scratch databases are made.

    Attributes:
        title: what it is called in messages.
        maker: conninfo of the role that makes databases and extensions.
        member: conninfo of the role that owns them and all that is in them.
        owner: the name of that role, where it is another one than the maker.
        original: the database that its scratch databases are like, in words; empty where all share them.
        words: how they are asked for.
    """

    title: str
    maker: str
    member: str
    owner: str = ""
    original: str = ""
    words: Words = Words()

    @property
    def mark(self) -> str:
        """The comment on its scratch databases."""
        return f"{MARK}{_OF}{self.original}" if self.original else MARK

    def conninfo(self, database: str) -> str:
        """Give the conninfo of one of its databases."""
        return make_conninfo(self.member, dbname=database)

    def drop(self, name: str) -> bool:
        """Drop a scratch database, whoever uses it; gives whether there was one.

        Raises:
            RefusedError: the database of that name was not made as a scratch database.
        """
        with connect(self.maker, application="playback scratch") as connection:
            return drop_marked(connection, self, name)


def embedded_place(server: EmbeddedServer) -> Place:
    """Give an embedded server as a place; its superuser makes what its databases' owner may not."""
    return Place(title="the embedded server", maker=server.superuser, member=server.conninfo("postgres"), owner=OWNER)


def place_beside(conninfo: str, host: str, *, like: str) -> Place:
    """Give the server of a host of the inventory as a place for scratch databases like another database."""
    original = describe(like).partition(" as ")[0]  # whoever makes it
    return Place(title=f"the server of {host}", maker=conninfo, member=conninfo, original=original)


def name_beside(name: str, conninfo: str, *, host: str = "") -> str:
    """Give the name of a scratch database on a server that holds others: it says what it is, and of what.

    Args:
        host: the host that it is like, where it is made on the server of another one: several may have databases of
            one name.
    """
    with connect(conninfo, application="playback scratch") as connection:
        original = connection.info.dbname
    full = f"playback_{name}_of_{original}{f'_at_{host}' if host else ''}".encode()
    if len(full) <= _LONGEST and "_of_" not in name and "_at_" not in original:
        return full.decode()
    # what is cut, or could be read in two ways, is told apart by a digest of the whole
    digest = hashlib.sha256(f"{name}\n{original}\n{host}".encode()).hexdigest()[:8]
    return f"{full[: _LONGEST - 9].decode(errors='ignore')}_{digest}"


@contextmanager
def alone(place: Place, name: str, *, doing: str = "making") -> Iterator[Connection]:
    """Keep other runs from making the same scratch database, or from something else; gives a session of the maker.

    Raises:
        RefusedError: the server is reached through a pooler.
        LockedError: another run is at it.
    """
    key = f"playback scratch {name}" if doing == "making" else f"playback {doing} scratch {name}"
    with connect(place.maker, application="playback scratch") as connection:
        refuse_pooler(connection, place.maker)  # which would have the lock, whoever comes next
        held = connection.execute(
            "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended(%s, 0))", [key]
        ).fetchone()
        if held != (True,):
            raise LockedError(
                f"another run is {doing} the scratch database {name} on {place.title}",
                hint=f"{place.words.other_name}let that one end",
            )
        yield connection


def refuse_pooler(connection: Connection, conninfo: str) -> None:
    """Raise RefusedError for a session that a pooler gives to others as well."""
    if connection.pooled:
        raise RefusedError(
            f"{describe(conninfo)} is reached through a pooler: pg_dump would leave its settings in the pool, and"
            " databases cannot be made through it",
            hint="name the same database without the pooler as `direct` of the host in the inventory",
        )


def drop_marked(connection: Connection, place: Place, name: str) -> bool:
    """Drop a database that has our mark, ending its sessions; RefusedError for one without it, or like another one."""
    row = connection.execute(
        "SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE datname = %s", [name]
    ).fetchone()
    if row is None:
        return False
    mark = str(row[0] or "")
    if mark.startswith(MARK) and not f"{mark}{_NOTED}".startswith(f"{place.mark}{_NOTED}"):
        other = mark.removeprefix(MARK).removeprefix(_OF).partition(_NOTED)[0] or "another database"
        raise RefusedError(
            f"database {name} is a scratch database like {other}, and one like {place.original} would replace it",
            hint=f"{place.words.other_name}drop that one",
        )
    if not mark.startswith(MARK):
        raise RefusedError(
            f"database {name} was not made as a scratch database, and a scratch restore would replace it",
            hint=f"{place.words.other_name}rename that one",
        )
    connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    return True


def create_marked(
    connection: Connection, place: Place, name: str, *, template: str = "template0", locale: sql.Composed | None = None
) -> None:
    """Create a database with our mark; one of that name that was left behind goes first."""
    drop_marked(connection, place, name)
    options: list[sql.Composable] = [sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))]
    if place.owner:
        options.append(sql.SQL("OWNER {}").format(sql.Identifier(place.owner)))
    options.append(sql.SQL("TEMPLATE {}").format(sql.Identifier(template)))
    connection.execute(sql.SQL(" ").join([*options, *([locale] if locale else [])]))
    note(connection, place, name)


def note(connection: Connection, place: Place, name: str, text: str = "") -> None:
    """Give a database our mark, and note something with it."""
    comment = sql.Literal(f"{place.mark}{_NOTED}{text}" if text else place.mark)
    connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), comment))


def note_restored(connection: Connection, place: Place, name: str, restoration: Restoration | None) -> None:
    """Note with a scratch database what was restored into it, or nothing."""
    text = f"{_RESTORED}{msgspec.json.encode(restoration).decode()}" if restoration else ""
    note(connection, place, name, text)


_RESTORATION = msgspec.json.Decoder(Restoration)
"""Made here, because msgspec crashes when several threads decode into a type for the first time at once."""


def restoration_in(connection: Connection) -> Restoration | None:
    """Give what was restored into the scratch database of this session; None for any other database."""
    row = connection.execute(
        "SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database"
        " WHERE datname = pg_catalog.current_database()"
    ).fetchone()
    comment = str(row[0] or "") if row else ""
    if not comment.startswith(MARK):
        return None
    try:
        return _RESTORATION.decode(comment.partition(f"{_NOTED}{_RESTORED}")[2])
    except msgspec.DecodeError:
        return None


def has_note(connection: Connection, place: Place, name: str, text: str) -> bool:
    """Tell whether there is a database of ours of that name with that note."""
    row = connection.execute(
        "SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE datname = %s", [name]
    ).fetchone()
    return row == (f"{place.mark}{_NOTED}{text}",)


def open_to_sessions(connection: Connection, name: str, *, opened: bool) -> None:
    """Let a database have sessions, or nobody's."""
    statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    connection.execute(statement.format(sql.Identifier(name), sql.SQL("true" if opened else "false")))


def path_of(connection: psycopg.Connection) -> list[str]:
    """Give the schemas in which the sessions of a database find names, in order: those that are there."""
    row = connection.execute("SELECT pg_catalog.current_schemas(false)::pg_catalog.text[]").fetchone()
    assert row is not None
    return list(row[0])


def give_path(connection: psycopg.Connection, name: str, path: Sequence[str]) -> None:
    """Let the sessions of a database find names in these schemas."""
    if path:
        listed = sql.SQL(", ").join(map(sql.Literal, path)).as_string(connection)
        statement = sql.SQL("ALTER DATABASE {} SET search_path TO ").format(sql.Identifier(name)).as_string(connection)
        connection.execute(f"{statement}{listed}".encode())


def locale_of(connection: psycopg.Connection) -> sql.Composed:
    """Give the clause with which CREATE DATABASE makes a database that sorts like this one."""
    row = connection.execute(_LOCALE).fetchone()
    assert row is not None
    collate, ctype, provider, name = row
    clause = sql.SQL("ENCODING 'UTF8' LC_COLLATE {} LC_CTYPE {}").format(sql.Literal(collate), sql.Literal(ctype))
    if provider in {"i", "b"} and name:
        kind = "icu" if provider == "i" else "builtin"
        more = sql.SQL("LOCALE_PROVIDER {} {} {}").format(
            sql.Identifier(kind), sql.SQL("ICU_LOCALE" if kind == "icu" else "BUILTIN_LOCALE"), sql.Literal(name)
        )
        clause = sql.SQL("{} {}").format(clause, more)
    return sql.Composed([clause])


def database_of(conninfo: str) -> str:
    """Give the name of the database in a conninfo, as text."""
    return str(conninfo_to_dict(conninfo).get("dbname") or "")
