"""What an action is given, and the shape every action has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from toolkit.model.catalog import Catalog
from toolkit.model.host import Host, RepositoryConfig
from toolkit.model.outcome import Progress


class Inventory(Protocol):
    """What actions ask of the inventory. Every method raises InputError, naming the file, for an unknown name."""

    @property
    def directory(self) -> Path:
        """The control directory: relative paths and `.playback` are below it."""

    def host(self, name: str) -> Host:
        """Give the host of that name."""

    def repository(self, name: str) -> RepositoryConfig:
        """Give the repository of that name."""

    def catalog(self, name: str) -> Catalog:
        """Give the catalog of that name, read and checked."""


class Helper(Protocol):
    """Has parts of a task done by other processes, here or on other machines."""

    def __call__(self, part: str, given_up: Callable[[], bool]) -> str:
        """Have a part done, and wait for it; called from as many threads as there are processes.

        Args:
            part: what the action's `part` takes, JSON.
            given_up: tells whether nobody wants it any more; what was begun is cancelled then.

        Raises:
            HelperLostError: its process is lost. Whether it was done is not known.
            PlaybackError: what `part` raised.
            KeyboardInterrupt: it was given up.
        """


class HelperLostError(Exception):
    """A process that did a part is lost, or none can be had; the text says why."""


class Context(Struct, frozen=True, kw_only=True):
    """Everything an action may use besides its arguments.

    Attributes:
        playbook: stem of the playbook's file name; the default job.
        check: say what would change and change nothing.
        diff: show samples of what would change.
        write_answers: a file for what drift asks, before a restore is refused for it; None for none.
        now: the time as an argument: gives an aware UTC datetime.
        variables: the host's variables merged with the task's, as templates see them.
        at_end: takes what is to be done when the play has ended on this host, whichever way it ends, with its name; it
            gives whether it changed anything.
        scratch_by: the action that has a scratch database made for itself; empty where it is asked for by `scratch`.
        helpers: gives, for a `with`, what has parts of the task done by other processes; None where there are none.
    """

    host: Host
    inventory: Inventory
    playbook: str
    check: bool
    diff: bool
    now: Callable[[], datetime]
    progress: Progress
    variables: Mapping[str, Any]
    at_end: Callable[[str, Callable[[], bool]], None]
    write_answers: str | None = None
    scratch_by: str = ""
    helpers: Callable[[], AbstractContextManager[Helper]] | None = None
