"""The statements that an action sends, by the server's own log, for the demo in the situations that matter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.control import Control, rows
from toolkit.postgres.servers.embedded import EmbeddedServer

_LOGGED = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*?)(?=\n\d{4}-\d\d-\d\d |\Z)", re.DOTALL)


@dataclass
class Sent:
    """The statements that a block sent."""

    statements: list[str] = field(default_factory=list)

    def kinds(self) -> Counter[str]:
        """How many there were of each kind: their beginnings, without names and values."""
        return Counter(map(_kind, self.statements))


def _kind(statement: str) -> str:
    plain = re.sub(r"\s+", " ", statement).strip()
    plain = re.sub(r"'[^']*'|\"[^\"]*\"|\b\d+\b", "?", plain)
    return re.sub(r"\?(?:\.\?)?(?:, \?(?:\.\?)?)+", "…", plain)[:70]


@dataclass(frozen=True)
class Listener:
    """Hears what is sent to the databases of a server that were asked to tell."""

    server: EmbeddedServer

    def listen_to(self, conninfo: str) -> None:
        """Let a database write every statement into the server's log."""
        name = str(conninfo_to_dict(conninfo)["dbname"])
        with psycopg.connect(self.server.superuser, autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} SET log_statement = 'all'").format(sql.Identifier(name)))

    @contextmanager
    def hearing(self) -> Iterator[Sent]:
        """Hear what is sent inside the block, by sessions that end there."""
        log, sent = self.server.directory / "log", Sent()
        start = log.stat().st_size
        yield sent
        with log.open("rb") as file:
            file.seek(start)
            sent.statements = _LOGGED.findall(file.read().decode("utf-8", "replace"))


def situations(listener: Listener, control: Control, source: str, target: str, empty: str) -> dict[str, Sent]:
    """What is sent in each situation.

    Args:
        source: conninfo of host `source`, which holds the demo.
        target: of host `target`, another copy of it.
        empty: of host `empty`, which has its schema and no rows.
    """
    for each in (source, target, empty):
        listener.listen_to(each)
    first = str(rows(source, "SELECT min(id) FROM businesses")[0][0])
    found: dict[str, Sent] = {}

    @contextmanager
    def called(name: str) -> Iterator[None]:
        with listener.hearing() as found[name]:
            yield

    with called("back up everything"):
        whole = control.backup("source", demo="include")
    with called("back up one business"):
        single = control.backup("source", businesses=[first])
    with called("merge everything, nothing to change"):
        assert not control.restore("target", whole, "merge").changed
    with called("merge one business, nothing to change"):
        assert not control.restore("target", single, "merge").changed
    with called("verify everything"):
        control.verify("target", whole)
    _stir(target)
    with called("merge one business out of everything"):
        assert control.restore("target", whole, "merge", businesses=[first]).changed
    with called("mirror everything, rows of 40 tables changed"):
        assert control.restore("target", whole, "mirror").changed
    with called("restore everything into an empty database"):
        assert control.restore("empty", whole, "mirror").changed
    return found


def _stir(conninfo: str) -> None:
    """Change two rows of every table that has a column of names, titles, notes or the like."""
    columns = rows(
        conninfo,
        "SELECT c.relname, min(a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.atttypid = 'text'::regtype"
        " AND a.attname IN ('name', 'notes', 'description', 'title') GROUP BY c.relname ORDER BY c.relname",
    )
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for table, column in columns:
            change = "UPDATE {t} SET {c} = {c} || '~' WHERE ctid = ANY (ARRAY(SELECT ctid FROM {t} LIMIT 2))"
            connection.execute(sql.SQL(change).format(t=sql.Identifier(table), c=sql.Identifier(column)))
