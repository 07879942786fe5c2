"""What has become of a restore: nothing yet, some batches, all of it, or nobody knows; whatever ends it, it is told."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import psycopg

from toolkit.errors import (
    CommittedError,
    DatabaseError,
    Interrupted,
    PlaybackError,
    RefusedError,
    TaskError,
    UndecidedError,
)
from toolkit.model.sequence import SequenceMove
from toolkit.postgres.session.connection import first_line
from toolkit.postgres.write.sequence_moves import statement_of

AGAIN = "run again: rows that are there already are left as they are"


class State(Enum):
    """How far the transaction of the moment has come."""

    OPEN = 1
    COMMITTING = 2
    COMMITTED = 3


class Fate:
    """Kept as a restore goes, so that an error or Ctrl-C at any moment is told as what it is.

    Args:
        steps: every batch is a transaction of its own.

    Attributes:
        state: of the transaction that writes, of the last one where there are several.
        transaction: its id, once it is being committed.
        pending: rows of the batch that is written; none where it only prepares.
        moves: the sequences that still have to move once all is committed.
    """

    def __init__(self, label: str, schema: str, *, steps: bool) -> None:
        self._label = label
        self._schema = schema
        self._steps = steps
        self._batches = self._rows = 0
        self.state = State.OPEN
        self.transaction = ""
        self.pending = 0
        self.moves: list[SequenceMove] = []

    def committed(self) -> None:
        """The transaction is committed: that was all, or one batch."""
        if self._steps:
            self._batches += bool(self.pending)
            self._rows += self.pending
            self.state = State.OPEN
        else:
            self.state = State.COMMITTED

    def finished(self, moves: Iterable[SequenceMove]) -> None:
        """The last of several transactions is committed, and all is proven; these sequences have still to move."""
        self.moves = list(moves)
        self.state = State.COMMITTED

    def told(self, error: BaseException) -> BaseException:
        """The error that says what has become of the restore; the one given where nothing was changed."""
        interrupted = isinstance(error, KeyboardInterrupt)
        what = "interrupted" if interrupted else error.message if isinstance(error, PlaybackError) else _line(error)
        if isinstance(error, UndecidedError):
            return error
        if self.state is State.COMMITTED:
            said, hint = f"backup {self._label} is restored and committed", self._left()
            return _made(CommittedError, interrupted, f"{said}; after that: {what}", hint)
        if self.state is State.COMMITTING:
            said = f"nobody can say whether transaction {self.transaction} was committed, which restores backup"
            return _made(UndecidedError, interrupted, f"{what}: {said} {self._label}", AGAIN)
        if self._batches:
            said = f"{self._batches} batches with {self._rows} rows are committed and stay"
            if isinstance(error, PlaybackError) and not isinstance(error, RefusedError):
                return _again(error, f"{what}; {said}")
            kind = DatabaseError if isinstance(error, psycopg.Error) else TaskError
            return _made(kind, interrupted, f"{what}; {said}", "run again: it goes on from there")
        return error

    def _left(self) -> str:
        if not self.moves:
            return "no row has to be restored again"
        listed = "\n".join(f"  {statement_of(self._schema, move)}" for move in self.moves)
        return f"these sequences were not moved; run this, or restore again:\n{listed}"


def is_settled_as_nothing(error: BaseException) -> bool:
    """Whether an error that ended a restore leaves nothing behind: no row committed, and none in doubt."""
    return not isinstance(error, CommittedError | UndecidedError | Interrupted)


def _line(error: BaseException) -> str:
    return first_line(error) if isinstance(error, psycopg.Error) else f"unexpected {type(error).__name__}: {error}"


def _made(kind: type[PlaybackError], interrupted: bool, message: str, hint: str) -> BaseException:
    return Interrupted(f"{message}; {hint}") if interrupted else kind(message, hint=hint)


def _again(error: PlaybackError, message: str) -> PlaybackError:
    """The same error with another message."""
    error.message = message
    error.args = (message,)
    return error
