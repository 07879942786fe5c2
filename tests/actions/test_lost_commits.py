"""`sql` and `seed` whose connection is lost in the commit: the server is asked, and what nobody knows is undecided."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.actions.running import act
from tests.control import execute, rows
from tests.restore.proxy import Proxy, Session
from toolkit.errors import CommittedError, DatabaseError, TaskError, UndecidedError
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.write import recovery

TASKS: dict[str, dict[str, Any]] = {
    "sql": {"query": "INSERT INTO items VALUES (1, 'new')"},
    "seed": {"table": "items", "key": ["id"], "rows": [{"id": 1, "name": "new"}], "ids": "kept"},
}


class Cut:
    """Cuts the session that wrote in its COMMIT.

    Args:
        answered: the server commits first, and only its answer is lost.
        dead: no session is let through afterwards.
    """

    def __init__(self, *, answered: bool, dead: bool = False) -> None:
        self._answered = answered
        self._dead = dead
        self._writer: Session | None = None
        self._done = False

    def __call__(self, session: Session, statement: str) -> None:
        """See a statement."""
        if re.match('INSERT INTO ("public".)?"?items', statement):
            self._writer = session
        if statement == "COMMIT" and session is self._writer:
            self._done = True
            if self._answered:
                session.send(statement)
                session.answer()
            session.cut()
        if self._done and self._dead:
            session.cut()


@pytest.fixture
def proxy(pg18: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy before the server; nobody is asked for longer than it takes."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    monkeypatch.setattr(recovery, "UNDECIDED_SECONDS", 0.3)
    with Proxy(pg18.superuser) as made:
        yield made


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """A database with an empty table."""
    conninfo = new_database()
    execute(conninfo, "CREATE TABLE items (id integer PRIMARY KEY, name text)")
    return conninfo


@pytest.mark.parametrize("action", TASKS)
def test_a_commit_whose_answer_is_lost(action: str, proxy: Proxy, database: str, tmp_path: Path) -> None:
    """What the server has committed is reported as done; what it has not, as failed, and nothing is there."""
    through = proxy.conninfo(database)
    proxy.on_statement = Cut(answered=False)
    with pytest.raises(DatabaseError, match="connection"):
        act(action, TASKS[action], tmp_path, database=through)
    assert rows(database, "SELECT * FROM items") == []
    proxy.on_statement = Cut(answered=True)
    assert act(action, TASKS[action], tmp_path, database=through).changed
    assert rows(database, "SELECT * FROM items") == [(1, "new")]


@pytest.mark.parametrize("action", TASKS)
def test_a_commit_of_which_nobody_can_say(action: str, proxy: Proxy, database: str, tmp_path: Path) -> None:
    """The server cannot be asked: that is called undecided, and what to do fits the action."""
    proxy.on_statement = Cut(answered=True, dead=True)
    with pytest.raises(UndecidedError, match="undecided: the connection was lost while transaction") as raised:
        act(action, TASKS[action], tmp_path, database=proxy.conninfo(database))
    assert (
        raised.value.hint
        == {
            "sql": "look whether the statements took effect before you run them again",
            "seed": "run again: rows that are there already are left as they are",
        }[action]
    )


def test_statements_that_commit_themselves(database: str, tmp_path: Path) -> None:
    """What they committed before something failed is called committed; in check mode nothing of it is written."""
    query = "INSERT INTO items VALUES (1, 'a'); COMMIT; INSERT INTO items VALUES (1, 'b')"
    stays = "ended their transaction themselves, and what they committed stays; after that: duplicate key"
    with pytest.raises(CommittedError, match=stays):
        act("sql", {"query": query}, tmp_path, database=database)
    assert rows(database, "SELECT * FROM items") == [(1, "a")]
    with pytest.raises(TaskError, match=r"ended their transaction themselves; after that: .*read-only"):
        act("sql", {"query": "COMMIT; DELETE FROM items"}, tmp_path, database=database, check=True)
    assert rows(database, "SELECT * FROM items") == [(1, "a")]
