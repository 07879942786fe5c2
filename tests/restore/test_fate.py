"""What is told of a restore that ends amid its commit or after it: committed, undecided, or nothing changed."""

from __future__ import annotations

import _thread
import re
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.control import execute, rows
from tests.restore.proxy import Session
from tests.restore.sweeping import COMMIT, WRITE, Bench, Injecting, ignore
from toolkit.actions.restored import staying_committed
from toolkit.errors import CommittedError, DatabaseError, Interrupted, TaskError, UndecidedError
from toolkit.model.outcome import Outcome
from toolkit.postgres.restore import transaction
from toolkit.postgres.write import batches, recovery
from toolkit.runner.interruption import PROCESS
from toolkit.storage.quarantine import quarantines, remove

MOVE = re.compile(
    r"""
    SELECT\ (pg_catalog\.)?(max\((pg_catalog\.)?nextval|setval)
    \('"public"\."items_id_seq"'::(pg_catalog\.)?regclass(,\ '24'|\)\))
    """,
    re.VERBOSE,
)
"""The statement that moves the sequence, not the one that tries it before the commit."""
ASK = re.compile(r"SELECT (pg_catalog\.)?pg_xact_status|BEGIN|COMMIT")


@pytest.fixture
def ready(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A target that cannot take item 5; nothing is waited for longer than it takes to be told."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    monkeypatch.setattr(batches, "BLOCKS", 1)
    monkeypatch.setattr(recovery, "UNDECIDED_SECONDS", 0.3)
    monkeypatch.setattr(recovery, "LOCK_SECONDS", 0.1)
    monkeypatch.setattr(transaction, "ATTEMPTS", 2)
    bench.reset()
    execute(bench.administrator, "ALTER TABLE items ADD CHECK (id <> 5) NOT VALID")
    with PROCESS.running():
        yield bench
    bench.proxy.on_statement = ignore
    for each in quarantines(bench.control.repository):
        remove(bench.control.repository, each)
    for file in bench.ledgers():
        file.unlink()


def restore(bench: Bench, *, atomic: bool = True) -> Outcome:
    """Mirror the backup; what the target cannot take is put aside."""
    return bench.control.restore("owner", bench.manifest, "mirror", atomic=atomic, on_error="quarantine")


def cut(session: Session, statement: str) -> None:
    """Cut the connection."""
    session.cut()


def interrupt(session: Session, statement: str) -> None:
    """Ctrl-C while the statement runs."""
    _thread.interrupt_main()


def lost_in_commit(session: Session, statement: str) -> None:
    """The server commits, the answer is lost."""
    session.send(statement)
    session.answer()
    session.cut()


class Then:
    """Does one thing at the first statement of a kind, and another at all that follow it of another kind."""

    def __init__(self, first: Injecting, after: re.Pattern[str], fault: Callable[[Session, str], None]) -> None:
        self._first, self._after, self._fault = first, after, fault

    def __call__(self, session: Session, statement: str) -> None:
        """See a statement."""
        if self._first.done and self._after.match(statement):
            self._fault(session, statement)
        self._first(session, statement)


def is_restored(bench: Bench) -> bool:
    """Whether the rows of the backup are there, and item 5 in quarantine."""
    there = rows(bench.target, "SELECT count(*) FROM items WHERE name = 'of the backup' AND tenant = 'a'") == [(23,)]
    return there and len(quarantines(bench.control.repository)) == 1


def is_untouched(bench: Bench, state: list[object]) -> bool:
    """Whether nothing has changed, and nothing is in quarantine."""
    return bench.state() == state and not quarantines(bench.control.repository)


@pytest.mark.parametrize("atomic", [True, False])
def test_a_sequence_that_cannot_be_moved_after_the_commit(ready: Bench, atomic: bool) -> None:
    """It is called committed, the sequence is named with the statement that moves it, and nothing is discarded."""
    ready.proxy.on_statement = Injecting(MOVE, 0, cut, times=100)
    with pytest.raises(CommittedError, match=r"is restored and committed; after that: .*connection") as raised:
        restore(ready, atomic=atomic)
    assert raised.value.exit_code == 7
    assert "rolled back" not in str(raised.value)
    assert is_restored(ready)
    before = rows(ready.target, "SELECT last_value FROM items_id_seq")
    execute(ready.target, raised.value.hint.splitlines()[-1])
    assert (before, rows(ready.target, "SELECT last_value FROM items_id_seq")) == ([(1,)], [(24,)])


def test_an_interruption_while_sequences_move(ready: Bench) -> None:
    """Ctrl-C says that all is committed, and which sequences were not moved; rows in quarantine stay there."""
    ready.proxy.on_statement = Injecting(MOVE, 0, interrupt)
    with pytest.raises(Interrupted, match=r"is restored and committed; .*\n  SELECT setval"):
        restore(ready)
    assert is_restored(ready)


def test_an_interruption_of_the_commit_that_the_server_goes_on_with(ready: Bench) -> None:
    """Ctrl-C in the very commit: the server is asked, and what it has committed is called so."""

    def fault(session: Session, statement: str) -> None:
        interrupt(session, statement)
        lost_in_commit(session, statement)

    ready.proxy.on_statement = Injecting(COMMIT, 0, fault)
    with pytest.raises(Interrupted, match="is restored and committed"):
        restore(ready)
    assert is_restored(ready)


def test_an_interruption_of_a_commit_that_does_not_reach_the_server(ready: Bench) -> None:
    """Then it is an interruption like any other: nothing has changed, nothing is in quarantine."""

    def fault(session: Session, statement: str) -> None:
        interrupt(session, statement)
        session.cut()

    state = ready.state()
    ready.proxy.on_statement = Injecting(COMMIT, 0, fault)
    with pytest.raises(KeyboardInterrupt) as raised:
        restore(ready)
    assert not isinstance(raised.value, Interrupted)
    assert is_untouched(ready, state)


@pytest.mark.parametrize("atomic", [True, False])
def test_a_commit_of_which_nobody_can_say_how_it_ended(ready: Bench, atomic: bool) -> None:
    """The server cannot be asked: that is called undecided, rows in quarantine stay, and running again settles it."""
    ready.proxy.on_statement = Then(Injecting(COMMIT, 0 if atomic else 3, lost_in_commit), ASK, cut)
    with pytest.raises(UndecidedError, match=r"undecided: .* the server does not say whether it was") as raised:
        restore(ready, atomic=atomic)
    assert raised.value.exit_code == 8
    assert "run again" in raised.value.hint
    assert not atomic or is_restored(ready)
    ready.proxy.on_statement = ignore
    assert restore(ready, atomic=atomic).exit_code == 3
    assert rows(ready.target, "SELECT last_value FROM items_id_seq") == [(24,)]


@pytest.mark.parametrize(("fault", "kind"), [(interrupt, Interrupted), (cut, TaskError)])
def test_a_restore_in_steps_says_how_far_it_came(
    ready: Bench, fault: Callable[[Session, str], None], kind: type[BaseException]
) -> None:
    """Ctrl-C, or an error, at a batch: the batches that are committed are counted, and nothing is called unchanged."""
    ready.proxy.on_statement = Injecting(WRITE, 5, fault, times=1 if fault is interrupt else 1000)
    with pytest.raises(kind, match=r"5 batches with \d+ rows are committed and stay"):
        restore(ready, atomic=False)
    ready.proxy.on_statement = ignore
    assert restore(ready, atomic=False).exit_code == 3
    assert is_restored(ready)


def test_a_sequence_that_somebody_alters_stops_the_restore_before_the_commit(ready: Bench) -> None:
    """Its lock is asked for while everything can still be rolled back."""
    state = ready.state()
    with psycopg.connect(ready.target) as other:
        other.execute("ALTER SEQUENCE items_id_seq RESTART WITH 3")
        with pytest.raises(
            DatabaseError, match="another session is altering one of the sequences items_id_seq"
        ) as raised:
            restore(ready)
        assert not isinstance(raised.value, CommittedError)
        other.rollback()
    assert is_untouched(ready, state)


def test_whatever_fails_after_the_commit_is_told_so() -> None:
    """Also what no other error is made of: a file that cannot be removed, a defect."""
    for error in (PermissionError(13, "Permission denied", "ledger"), ValueError("odd"), TaskError("no")):
        with (
            pytest.raises(CommittedError, match="backup x is restored and committed; after that: "),
            staying_committed("backup x is restored and committed"),
        ):
            raise error
