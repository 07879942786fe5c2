"""Tasks in worker processes of this machine, as Ansible's forks are: none waits for another one's Python."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from toolkit.model.outcome import Outcome
from toolkit.runner import wire
from toolkit.runner.errands import heard
from toolkit.runner.executor import Helpers, Order, Threads
from toolkit.runner.helping import errand_of, lost
from toolkit.runner.interruption import Interruption
from toolkit.runner.processes import Hello, ProcessPool
from toolkit.runner.wire import LostError


class Forks:
    """Runs tasks in worker processes of this machine; what concerns the run itself it runs here, as `Threads` does.

    A process that is lost is replaced for the next host; its own host has failed, and is never begun again.
    """

    def __init__(self, forks: int, hello: Hello, interruption: Interruption, helpers: Helpers) -> None:
        self.forks = forks
        self._interruption = interruption
        self._here = Threads(helpers=helpers)
        self._pool = ProcessPool(hello)

    def run(self, order: Order) -> Outcome:
        """Run an action in a process and give its outcome.

        Raises:
            TaskError: its process was lost, and nothing that lasts can have been done.
            UndecidedError: the same, and nobody knows how the task ended.
        """
        if order.write_answers or order.action.stays(order.written):
            return self._here.run(order)
        errand = errand_of(order)
        with order.progress() as progress:
            try:
                answer = self._pool.do(errand, lambda news: heard(news, progress), self._stopping)
            except LostError as error:
                raise lost(order, "its process") from error
        return wire.outcome(answer)

    def _stopping(self) -> bool:
        return self._interruption.pending

    def __enter__(self) -> Self:
        with self._interruption.held():
            self._pool.begin(self.forks)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._interruption.held():
            self._pool.close()
