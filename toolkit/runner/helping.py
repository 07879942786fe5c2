"""Parts of tasks, done by processes of this machine for a task that runs here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from toolkit.actions.context import Helper, HelperLostError
from toolkit.errors import TaskError
from toolkit.model.outcome import Progress
from toolkit.runner import wire
from toolkit.runner.errands import heard
from toolkit.runner.executor import Order
from toolkit.runner.processes import Hello, ProcessPool
from toolkit.runner.wire import Errand, LostError


def errand_of(order: Order, *, run: str = "", part: str | None = None) -> Errand:
    """Give a task, or a part of one, as another process is given it."""
    return Errand(
        run=run,
        key=f"{order.host.name}-{uuid.uuid4().hex}",
        claims="",
        action=order.action.name,
        arguments=order.pack() if part is None else None,
        place=(order.place.file, order.place.line, order.place.path),
        host=order.host.name,
        playbook=order.playbook,
        check=order.check,
        diff=order.diff,
        now=order.now().isoformat(),
        part=part,
    )


@contextmanager
def helping(hello: Hello, errand: Callable[[str], Errand], progress: Progress) -> Iterator[Helper]:
    """Give what has parts of a task done by processes of this machine, which end with the block.

    Args:
        errand: makes one of a part.
    """
    pool = ProcessPool(hello)

    def do(part: str, given_up: Callable[[], bool]) -> str:
        try:
            answer = pool.do(errand(part), lambda news: heard(news, progress), given_up)
        except LostError as error:
            raise HelperLostError("a process was lost") from error
        except TaskError as error:
            raise HelperLostError(error.message) from error
        return wire.part(answer)

    try:
        yield do
    finally:
        pool.close()
