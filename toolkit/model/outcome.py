"""What an action gives back to the run, and how it tells of its progress."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self

from msgspec import Struct, field


class Moved(Struct, frozen=True, kw_only=True):
    """One row of the table that ends a run: what moved, in tables, rows, bytes (raw) and seconds.

    Attributes:
        stored: bytes newly written to the destination; None where it makes no sense.
    """

    what: str
    tables: int
    rows: int
    bytes: int
    seconds: float
    stored: int | None = None


class Outcome(Struct, frozen=True, kw_only=True):
    """The result of an action on one host.

    Attributes:
        changed: whether anything was changed (in check mode: would be).
        result: what was done or found, as one of the kinds of `toolkit/model/result.py`; then `toolkit/views` says what
            the message, details, facts and plan are. None for an outcome that says them itself.
        message: one line for people, printed beside the status.
        details: further lines, printed below it.
        warnings: repeated in the recap and the report.
        facts: what `register` keeps beside `changed`, `failed`, `skipped` and `msg`; JSON-serialisable.
        moved: rows for the closing table.
        plan: the plan of what it did or would do, for the report; None where there is none.
        skipped: the reason why nothing was done; empty when something was.
        exit_code: 0, or 1 (failed), 3 (partial) or 6 (differences): the task counts as failed then, its facts kept.
    """

    changed: bool = False
    result: object = None
    message: str = ""
    details: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    moved: tuple[Moved, ...] = ()
    plan: Mapping[str, object] | None = None
    skipped: str = ""
    exit_code: int = 0


class Progress(Protocol):
    """Live progress of one action. Total counts may be unknown (None)."""

    def start(
        self,
        what: str,
        *,
        rows: int | None = None,
        bytes: int | None = None,
        tables: Mapping[str, int] | None = None,
    ) -> None:
        """Begin a phase, e.g. `read`, with its expected rows and bytes, and the rows expected of each table."""

    def advance(self, *, rows: int = 0, bytes: int = 0, table: str = "") -> None:
        """Count rows and bytes, of a table where it is known; cheap, from any thread, for every chunk."""

    def note(self, text: str) -> None:
        """Say where it stands, e.g. the table's name."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class SilentProgress:
    """Progress that nobody watches."""

    def start(
        self,
        what: str,
        *,
        rows: int | None = None,
        bytes: int | None = None,
        tables: Mapping[str, int] | None = None,
    ) -> None:
        """Do nothing."""

    def advance(self, *, rows: int = 0, bytes: int = 0, table: str = "") -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None
