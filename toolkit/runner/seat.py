"""A seat at a Dask worker, as its run sees it: a queue of tasks, and the call that takes them."""

from __future__ import annotations

import threading
import uuid

from dask.distributed import Client, Future, Queue

from toolkit.runner.worker import bell_of, sit


class Seat:
    """A queue of tasks, one at a time, and the call at a worker that takes them.

    Attributes:
        future: of that call; None before there was one.
        woken: set when the answer is told, or the call ends.
        answer: to the task that was laid down last; empty as long as there is none.
    """

    def __init__(self, client: Client, name: str) -> None:
        self.tasks, self._bell = Queue(name, client=client), Queue(bell_of(name), client=client)
        self.future: Future[tuple[str, str]] | None = None
        self.woken = threading.Event()
        self.answer = ""

    @property
    def is_taken(self) -> bool:
        """Whether a worker sits there, or is to."""
        return self.future is not None and not self.future.done()

    def lay(self, text: str) -> None:
        """Lay a task down."""
        self.answer = ""
        self.woken.clear()
        self.tasks.put(text)
        self._bell.put(True)

    def close(self) -> None:
        """Remove its queues from the scheduler."""
        self.tasks.close()
        self._bell.close()

    def take(self, client: Client, run: str, key: str) -> None:
        """Have a worker sit down; the scheduler calls it by the task that it begins with."""
        name = f"{key}-{uuid.uuid4().hex}"
        self.future = client.submit(sit, run, self.tasks.name, key=name, pure=False, retries=0)
        self.future.add_done_callback(lambda _: self.woken.set())

    def tell(self, answer: str) -> None:
        """Take the answer."""
        self.answer = answer
        self.woken.set()
