"""Every error a user can meet.

    PlaybackError               exit  what it means
    ├── InputError                2   what a person wrote is wrong: every problem, with its place
    │   └── UnsetError                an environment variable that it needs is not set
    ├── RefusedError              4   preflight says no; nothing was changed
    ├── LockedError               5   another run holds the repository
    ├── DifferenceError           6   a verification found differences
    ├── CommittedError            7   what was to be done is done for good, and then something failed
    ├── UndecidedError            8   nobody can say whether it was committed
    └── TaskError                 1   a task failed while it ran
        ├── MachineError              the operating system refused: permission, space, too many files
        ├── DatabaseError             the server refused
        │   ├── UnreachableError          it cannot be reached, or refuses the log-in
        │   ├── RowsRefusedError          it does not take the values of rows
        │   └── UnprovenError             what was restored is not what the backup has
        └── StorageError              the repository could not be read or written
            ├── MissingError          nothing is stored under that name
            └── DamageError           what is stored is not what was written

    Interrupted                 130   Ctrl-C, where more is to be said than that nothing was changed

A message is a lower-case fact with the names that matter; `hint` says what to do about it.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType


class ExitCode(IntEnum):
    """What a command ends with. Of several failures in one run the first of `PRECEDENCE` counts."""

    OK = 0
    FAILED = 1
    INPUT = 2
    """What a person wrote is wrong."""
    PARTIAL = 3
    """Done but for a part, which is named: rows put aside, a repository that did not take the backup."""
    REFUSED = 4
    """Nothing was changed."""
    LOCKED = 5
    DIFFERENCES = 6
    COMMITTED = 7
    """Done for good, and then something failed."""
    UNDECIDED = 8
    """Nobody can say whether it was committed."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it: 128 and the number of SIGINT."""


PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.UNDECIDED,
    ExitCode.COMMITTED,
    ExitCode.INPUT,
    ExitCode.LOCKED,
    ExitCode.REFUSED,
    ExitCode.FAILED,
    ExitCode.DIFFERENCES,
    ExitCode.PARTIAL,
)
"""Which exit code a run ends with where several tasks failed: the first of these that occurred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in something a person wrote, with the place where it stands.

    Attributes:
        file: path as the user would type it; empty when there is no file (a command-line option).
        line: 1-based line, 0 when unknown.
        path: where in the document, e.g. `[0].tasks[1].backup.demo`; empty for the whole of it.
        message: a lower-case fact and, where there is one, the remedy.
    """

    message: str
    file: str = ""
    line: int = 0
    path: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return ": ".join(part for part in (place, self.path, self.message) if part)


class PlaybackError(Exception):
    """The root: a message, an optional hint, and the exit code the run ends with."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nHINT: {self.hint}" if self.hint else self.message


class InputError(PlaybackError):
    """Bad usage, playbook, inventory, catalog or manifest; carries every problem found."""

    exit_code = ExitCode.INPUT

    def __init__(self, problems: Iterable[Problem] | str, *, hint: str = "") -> None:
        self.problems = (Problem(message=problems),) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)), hint=hint)


def none_or_some(missing: Collection[str], named: Collection[str]) -> type[InputError | RefusedError]:
    """Give the kind of error for names that are not there: a mistake where none of them is, else one that has gone."""
    return InputError if len(missing) == len(set(named)) else RefusedError


class UnsetError(InputError):
    """Environment variables that something of the inventory needs are not set; carries all of them."""

    def __init__(self, problems: Iterable[Problem], variables: Iterable[str], *, hint: str = "") -> None:
        super().__init__(problems, hint=hint)
        self.brief = f"not set up on this machine: {', '.join(variables)}"


class RefusedError(PlaybackError):
    """Preflight found a reason not to start; carries every reason. Nothing has been changed.

    Attributes:
        facts: what programs may want to know of it, as JSON values: the facts of a task that failed with it.
    """

    exit_code = ExitCode.REFUSED

    def __init__(
        self,
        message: str,
        reasons: Iterable[str] = (),
        *,
        hint: str = "",
        facts: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        self.reasons = tuple(reasons)
        self.facts = dict(facts)
        super().__init__("\n".join((message, *(f"  - {reason}" for reason in self.reasons))), hint=hint)


class LockedError(PlaybackError):
    """Another run holds the lock this one needs."""

    exit_code = ExitCode.LOCKED


class DifferenceError(PlaybackError):
    """A verification ran to its end and found differences."""

    exit_code = ExitCode.DIFFERENCES


class CommittedError(PlaybackError):
    """What was done stays done (a commit, backups removed), and then something failed. Never called a rollback."""

    exit_code = ExitCode.COMMITTED


class UndecidedError(PlaybackError):
    """The connection was lost in the commit, and the server cannot be asked, or does not say, how it ended."""

    exit_code = ExitCode.UNDECIDED


class Interrupted(KeyboardInterrupt):
    """Ctrl-C after something was done that stays done; the message says what."""


class TaskError(PlaybackError):
    """A task failed while it ran."""


class MachineError(TaskError):
    """The operating system refused something that is not ours to grant: a permission, space, a device."""


class DatabaseError(TaskError):
    """The server refused a statement or could not be reached."""


class UnreachableError(DatabaseError):
    """The server cannot be reached or refuses the log-in."""


class RowsRefusedError(DatabaseError):
    """The server does not take the values of rows: a constraint or a type says no."""


class UnprovenError(DatabaseError):
    """What was restored is not what the backup has; everything was rolled back."""


class StorageError(TaskError):
    """The repository could not be read or written."""


class MissingError(StorageError):
    """Nothing is stored under that name."""


class DamageError(StorageError):
    """What is stored is not what was written: a checksum, a size or a format does not hold."""

    exit_code = ExitCode.REFUSED


_REMEDIES = {
    errno.EACCES: "give the user who runs this access to it, or run it as the user who made it",
    errno.EPERM: "give the user who runs this access to it, or run it as the user who made it",
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there, or raise the quota",
    errno.EROFS: "it is mounted for reading only",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "the machine has too many open files",
    errno.EIO: "the device fails: look at the system's log",
}


def understood(error: Exception) -> PlaybackError | None:
    """Give an error as one that a user can mend; None for a defect of ours.

    What the operating system says about permissions, space and devices is the machine's; a missing file is ours.
    """
    if isinstance(error, PlaybackError):
        return error
    remedy = _REMEDIES.get(error.errno or 0) if isinstance(error, OSError) else None
    if remedy is None:
        return None
    assert isinstance(error, OSError)
    reason = (error.strerror or str(error)).lower()
    return MachineError(f"{error.filename}: {reason}" if error.filename else reason, hint=remedy)


def explained(error: Exception) -> PlaybackError:
    """Give an error as one that a user can mend, or as the defect of ours that it is."""
    return understood(error) or TaskError(
        f"unexpected {type(error).__name__}: {error}", hint="this is a defect: report it"
    )


def is_our_own(error: BaseException) -> bool:
    """Say whether an error tells nothing but what we found wrong, in our words: nothing of a server or a program."""
    return isinstance(error, InputError | RefusedError | LockedError | DifferenceError)
