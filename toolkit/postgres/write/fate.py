"""What has become of what an action writes: nothing yet, some batches, all of it, or nobody knows; it is told so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from msgspec import Struct

from toolkit.errors import (
    CommittedError,
    DatabaseError,
    Interrupted,
    PlaybackError,
    RefusedError,
    TaskError,
    UndecidedError,
)
from toolkit.model.schemas import Schemas
from toolkit.model.sequence import SequenceMove
from toolkit.postgres.session.connection import first_line
from toolkit.postgres.write.sequence_moves import statement_of

AGAIN = "run again: rows that are there already are left as they are"


class Untouched(Struct, frozen=True):
    """Nothing is committed."""


class Batches(Struct, frozen=True):
    """Batches are committed, each by itself, and more are to come."""

    number: int
    rows: int


class Committing(Struct, frozen=True):
    """A transaction is being committed: until the server says how that ended, nobody knows.

    Attributes:
        transaction: its id; empty where it has written nothing.
        before: how far all was before it.
    """

    transaction: str
    before: Untouched | Batches


class Committed(Struct, frozen=True):
    """All is committed. What fails now makes nothing undone.

    Attributes:
        moves: the sequences that still have to move; those that were moved are taken off.
    """

    moves: list[SequenceMove]
    schemas: Schemas | None = None


class Deed(Struct, frozen=True, kw_only=True):
    """What an action writes, in words.

    Attributes:
        does: `which restores backup X`.
        done: `backup X is restored`.
        left: what is left to do once it is committed, where no sequence has to move.
        again: what to do where nobody can say how it ended.
    """

    does: str
    done: str
    left: str = "nothing is left to do"
    again: str = AGAIN


class Fate:
    """Kept as an action goes, so that an error or Ctrl-C at any moment is told as what it is.

    Attributes:
        state: how far it has come.
    """

    def __init__(self, deed: Deed) -> None:
        self._deed = deed
        self.state: Untouched | Batches | Committing | Committed = Untouched()

    @property
    def again(self) -> str:
        """What to do where nobody can say how it ended."""
        return self._deed.again

    def committing(self, transaction: str) -> None:
        """Note that a transaction is about to be committed."""
        assert isinstance(self.state, Untouched | Batches)
        self.state = Committing(transaction, self.state)

    def rolled_back(self) -> None:
        """It was not committed."""
        if isinstance(self.state, Committing):
            self.state = self.state.before

    def committed(self, moves: list[SequenceMove], schemas: Schemas | None = None) -> None:
        """Note that all is committed; these sequences have still to move."""
        self.state = Committed(moves, schemas)

    def committed_batch(self, rows: int) -> None:
        """Note that a batch is committed by itself; none of its rows are the backup's where it only prepares."""
        self.rolled_back()
        before = self.state if isinstance(self.state, Batches) else Batches(0, 0)
        if rows:
            self.state = Batches(before.number + 1, before.rows + rows)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Raise whatever the block raises as the error that says what has become of it."""
        try:
            yield
        except BaseException as error:
            told = self._told(error)
            if told is error:
                raise
            raise told from error

    @contextmanager
    def settling(self) -> Iterator[None]:
        """What the block raises once all is committed is told at once, so that nobody takes it for a reason to begin
        again."""
        try:
            yield
        except BaseException as error:
            if isinstance(self.state, Committed):
                raise self._told(error) from error
            raise

    def _told(self, error: BaseException) -> BaseException:
        """The error that says what has become of it; the one given where nothing was changed, or it is told already."""
        if isinstance(error, UndecidedError | CommittedError | Interrupted):
            return error
        interrupted = isinstance(error, KeyboardInterrupt)
        what = "interrupted" if interrupted else error.message if isinstance(error, PlaybackError) else _line(error)
        match self.state:
            case Committed(moves, schemas):
                said = f"{self._deed.done} and committed; after that: {what}"
                return _made(CommittedError, interrupted, said, self._left(moves, schemas))
            case Committing(transaction):
                said = f"nobody can say whether transaction {transaction} was committed, {self._deed.does}"
                return _made(UndecidedError, interrupted, f"{what}: {said}", self.again)
            case Batches(number, rows):
                said = f"{what}; {number} batches with {rows} rows are committed and stay"
                if isinstance(error, PlaybackError) and not isinstance(error, RefusedError):
                    return _again(error, said)
                kind = DatabaseError if isinstance(error, psycopg.Error) else TaskError
                return _made(kind, interrupted, said, "run again: it goes on from there")
        return error

    def _left(self, moves: list[SequenceMove], schemas: Schemas | None) -> str:
        if not moves or schemas is None:
            return self._deed.left
        listed = "\n".join(f"  {statement_of(schemas, move)}" for move in moves)
        return f"these sequences were not moved; run this, or restore again:\n{listed}"


def _line(error: BaseException) -> str:
    return first_line(error) if isinstance(error, psycopg.Error) else f"unexpected {type(error).__name__}: {error}"


def _made(kind: type[PlaybackError], interrupted: bool, message: str, hint: str) -> BaseException:
    return Interrupted(f"{message}; {hint}") if interrupted else kind(message, hint=hint)


def _again(error: PlaybackError, message: str) -> PlaybackError:
    """The same error with another message."""
    error.message = message
    error.args = (message,)
    return error
