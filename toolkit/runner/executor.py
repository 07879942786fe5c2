"""Where a task runs on a host: the one seam between plays, which know nothing of it, and threads or other machines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self

from msgspec import Struct

from toolkit.actions.action import Action
from toolkit.actions.context import Context, Helper, Inventory
from toolkit.model.host import Host
from toolkit.model.outcome import Outcome, Progress
from toolkit.model.playbook import Place
from toolkit.runner.arguments import prepared
from toolkit.runner.interruption import Interruption, StoppableProgress
from toolkit.stopping import stopped_when
from toolkit.views.view import shown


class Order(Struct, frozen=True, kw_only=True):
    """One attempt at one task on one host.

    Attributes:
        title: what the task is called.
        written: the action's arguments, templates and all.
        place: the task's.
        render: gives the arguments without templates, secrets as Secrets.
        pack: gives them as JSON values for another machine, which asks for secrets itself.
        variables: gives what templates see.
        progress: gives where its progress is told.
        at_end: takes what is to be done when the play has ended.
    """

    action: Action[Any]
    title: str
    written: Any
    place: Place
    host: Host
    inventory: Inventory
    playbook: str
    check: bool
    diff: bool
    write_answers: str
    now: Callable[[], datetime]
    interruption: Interruption
    render: Callable[[], Any]
    pack: Callable[[], Any]
    variables: Callable[[], Mapping[str, Any]]
    progress: Callable[[], Progress]
    at_end: Callable[[str, Callable[[], bool]], None]


class Executor(Protocol):
    """Runs tasks on hosts. A run enters it before its first task and leaves it after the last one."""

    @property
    def forks(self) -> int:
        """How many hosts at the same time; known once it is entered."""

    def run(self, order: Order) -> Outcome:
        """Run an action and give its outcome; called from as many threads as there are forks, and from the main one.

        Raises:
            PlaybackError: it failed.
            KeyboardInterrupt: it was interrupted; Interrupted where more is to be said.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


Helpers = Callable[[Order, Progress], AbstractContextManager[Helper]]
"""Gives, for a `with`, what has parts of a task done by other processes."""


class Threads:
    """Runs tasks in the process of the run, in the threads that ask for it.

    Args:
        helpers: for parts of tasks; None where there are none.
    """

    def __init__(self, forks: int = 1, helpers: Helpers | None = None) -> None:
        self.forks = forks
        self._helpers = helpers

    def run(self, order: Order) -> Outcome:
        """Run an action in this thread."""
        with self._context(order) as context:
            arguments = prepared(order.action, order.render(), order.place)
            return shown(order.action.run(arguments, context))

    def part(self, order: Order, part: str) -> str:
        """Do a part of a task that another process runs."""
        assert order.action.part is not None
        with self._context(order) as context:
            return order.action.part(part, context)

    @contextmanager
    def _context(self, order: Order) -> Iterator[Context]:
        helpers = self._helpers
        with StoppableProgress(order.progress(), order.interruption) as progress:
            context = Context(
                host=order.host,
                inventory=order.inventory,
                playbook=order.playbook,
                check=order.check,
                diff=order.diff,
                now=order.now,
                progress=progress,
                variables=order.variables(),
                write_answers=order.write_answers or None,
                at_end=order.at_end,
                helpers=None if helpers is None else partial(helpers, order, progress),
            )
            main = threading.current_thread() is threading.main_thread()
            with nullcontext() if main else stopped_when(progress.due):
                yield context

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None
