"""Parts of tasks, done by processes of this machine for a task that runs here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from toolkit.actions.context import Helper, HelperLostError
from toolkit.errors import TaskError, UndecidedError
from toolkit.model.outcome import Progress
from toolkit.runner import wire
from toolkit.runner.errands import heard
from toolkit.runner.executor import Order
from toolkit.runner.processes import Hello, ProcessPool
from toolkit.runner.wire import Errand, LostError
from toolkit.storage.processes import acting_name


def errand_of(order: Order, *, run: str = "", part: str | None = None) -> Errand:
    """Give a task, or a part of one, as another process is given it."""
    return Errand(
        run=run,
        key=f"{order.host.name}-{uuid.uuid4().hex}",
        action=order.action.name,
        arguments=order.pack() if part is None else None,
        place=(order.place.file, order.place.line, order.place.path),
        host=order.host.name,
        playbook=order.playbook,
        check=order.check,
        diff=order.diff,
        now=order.now().isoformat(),
        part=part,
        by=acting_name(),
    )


AGAIN: Final = "run it again on the hosts that failed"


def lost(order: Order, who: str) -> TaskError | UndecidedError:
    """Give what is known of a task that was begun and that nobody answers for any more."""
    if order.action.writes and not order.check:
        message = f"{who} was lost while this task ran, and nobody can say whether it came to its end"
        return UndecidedError(message, hint=f"it is done whole or not at all, and may still be running there; {AGAIN}")
    return TaskError(f"{who} was lost while this task ran", hint=AGAIN)


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
