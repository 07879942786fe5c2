"""Tasks on the workers of a Dask cluster: one of its own on this machine, or one that runs already.

Dask may run again what a lost worker had begun, and what may have written must not be written again. So each task is
laid into a queue, out of which only one worker can take it, and of a task that was taken and whose answer does not come
nobody says more than is known. What Dask runs is a *seat* at a worker, which takes one task after the other out of its
queue: so Dask's own work is done once for many tasks.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from dask.distributed import Client, Future, KilledWorker

from toolkit.actions.context import Helper, HelperLostError
from toolkit.config.packing import pack_written
from toolkit.errors import TaskError, UndecidedError, UnreachableError
from toolkit.model.host import EmbeddedDatabase
from toolkit.model.outcome import Outcome, Progress
from toolkit.model.playbook import Place
from toolkit.runner import wire
from toolkit.runner.dask_client import connected, unheard_by_children
from toolkit.runner.errands import heard
from toolkit.runner.executor import Order, Threads
from toolkit.runner.helping import AGAIN, errand_of, lost
from toolkit.runner.interruption import Interruption
from toolkit.runner.seat import Seat
from toolkit.runner.wire import Errand, LostError
from toolkit.runner.worker import Visit, interrupt, work

_SLICE: Final = 0.2
_WITHOUT_WORKERS: Final = 30.0
"""Seconds that a task waits for a worker where the cluster has none; a lost one is begun anew within a few."""
_MOST: Final = 1000
"""Most hosts at the same time: each has a thread that waits for its worker."""
_KINDS: Final = (".yml", ".yaml")


class DaskCluster:
    """Runs tasks on Dask workers; what concerns the run itself it runs here, as `Threads` does.

    Args:
        address: of the scheduler; empty for workers of this run's own on this machine.
        forks: how many hosts at the same time; 0 for as many as the cluster has threads, or this machine processors.
        inventory: the inventory's directory, whose files go to the workers.
        directory: the control directory.
        shown: how messages call the inventory's directory.
        extra: variables that win over those of every host.

    Raises:
        InputError: an extra variable holds a secret as plain text, which is not sent to a worker.
    """

    def __init__(
        self,
        address: str,
        *,
        forks: int,
        inventory: Path,
        directory: Path,
        shown: str,
        extra: Mapping[str, Any],
        interruption: Interruption,
    ) -> None:
        self.forks = forks
        self._address = address
        self._run = uuid.uuid4().hex
        self._files = _files(inventory)
        self._directory, self._shown = directory, shown
        self._extra = {name: pack_written(value, Place(path=f"--extra-vars {name}")) for name, value in extra.items()}
        self._interruption = interruption
        self._here = Threads(helpers=self._helping)
        self._kept = Threads()
        self._open = ExitStack()
        self._gone = False
        self._deserted_since: float | None = None
        """When the cluster was first seen without workers, since the last answer."""
        self._client: Client | None = None
        self._stopping = _Once(lambda: interruption.pending, self._tell)
        self._seats: list[Seat] = []
        """Those that have no task now."""
        self._heard: dict[str, Progress] = {}
        self._awaited: dict[str, Seat] = {}

    def __enter__(self) -> Self:
        # Dask gives each of them a level of its own
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # one that is interrupted while it begins or ends leaves half of itself behind
        with self._interruption.held(), unheard_by_children(), ExitStack() as opened:
            client = opened.enter_context(connected(self._address, self.forks))
            visit = Visit(
                run=self._run,
                files=self._files,
                directory=str(self._directory),
                shown=self._shown,
                extra=self._extra,
                own=not self._address,
            )
            try:
                client.register_plugin(visit)
            except Exception as error:
                known = isinstance(error, RuntimeError)  # as `Visit` says it
                reason = (str(error) if known else f"{type(error).__name__}: {error}").splitlines()[0]
                hint = "every worker needs playback in the run's version, and a control directory: see docs/scale.md"
                raise TaskError(f"a worker cannot take tasks: {reason}", hint=hint) from error
            client.subscribe_topic(visit.name, self._hear)
            opened.callback(self._leave, client, visit.name)
            if not (threads := sum(client.nthreads().values())):
                hint = f"begin some, on every machine, and try again: dask worker {self._address}"
                raise UnreachableError(f"the scheduler {self._address} has no workers", hint=hint)
            self.forks = self.forks or min(_MOST, threads)
            self._client = client
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._interruption.held():
            self._open.close()

    def _leave(self, client: Client, visit: str) -> None:
        if client.status != "running":
            return
        for seat in self._seats:
            _quietly(partial(seat.lay, ""))
        if self._address:
            for seat in self._seats:
                _quietly(seat.close)
            _quietly(partial(client.unregister_worker_plugin, visit))

    def run(self, order: Order) -> Outcome:
        """Run an action on a worker and give its outcome.

        Raises:
            TaskError: its worker or the scheduler was lost, and nothing that lasts can have been done.
            UndecidedError: the same, and nobody knows how the task ended.
        """
        if self._is_embedded(order):
            return self._kept.run(order)
        if order.write_answers or order.action.stays(order.written):
            return self._here.run(order)
        errand = errand_of(order, run=self._run)
        assert self._client is not None
        with order.progress() as progress, self._hearing(errand, progress):
            return self._answered(self._client, order, errand)

    @contextmanager
    def _hearing(self, errand: Errand, progress: Progress) -> Iterator[None]:
        self._heard[errand.key] = progress
        try:
            yield
        finally:
            del self._heard[errand.key]

    @contextmanager
    def _helping(self, order: Order, progress: Progress) -> Iterator[Helper]:
        """Have parts of a task done by the workers. One that is lost on its way is done again by Dask, or is lost."""
        assert self._client is not None
        client = self._client

        def do(part: str, given_up: Callable[[], bool]) -> str:
            errand = errand_of(order, run=self._run, part=part)
            came = threading.Event()
            with self._hearing(errand, progress):
                try:
                    future = client.submit(work, wire.sent(errand), key=errand.key, pure=False)
                    future.add_done_callback(lambda _: came.set())
                    self._wait(client, future, came, _Once(given_up, partial(self._tell, errand.key)))
                    answer = future.result()
                except (CancelledError, OSError, KilledWorker) as error:
                    raise HelperLostError("a worker was lost, or the scheduler") from error
            return wire.part(answer)

        yield do

    def _answered(self, client: Client, order: Order, errand: Errand) -> Outcome:
        if client.status != "running" or self._gone:
            raise TaskError("the scheduler is gone; this task was not begun", hint=AGAIN)
        seat = self._seats.pop() if self._seats else Seat(client, f"{self._run}-{uuid.uuid4().hex}")
        self._awaited[errand.key] = seat
        try:
            seat.lay(wire.sent(errand))
            answer = self._told(client, seat, errand.key)
        except (LostError, CancelledError, OSError, KilledWorker) as error:
            raise self._lost(client, order, seat) from error
        finally:
            del self._awaited[errand.key]
        self._seats.append(seat)
        self._deserted_since = None
        return wire.outcome(answer)

    def _told(self, client: Client, seat: Seat, key: str) -> str:
        """Wait for the answer to a task that is laid down; LostError where nobody will give it."""
        attempts = 2 if seat.is_taken else 1
        while attempts:
            attempts -= 1
            if not seat.is_taken:
                seat.take(client, self._run, key)
            assert seat.future is not None
            while True:
                self._wait(client, seat.future, seat.woken, self._stopping)
                seat.woken.clear()
                if seat.answer:
                    return seat.answer
                if seat.future.done():
                    break
            # a long answer, or one that was told while this was looked at
            try:
                last, answer = seat.future.result()
            except (CancelledError, KilledWorker):
                if not attempts or client.status != "running":
                    raise
                # who sat there may have been lost before the task was taken, and then the next one takes it
                continue
            if last == key:
                return answer
        raise LostError

    def _wait(self, client: Client, future: Future[Any], came: threading.Event, look: Callable[[], object]) -> None:
        """Wait for the answer, or until nobody is left to give one.

        Args:
            look: called now and then; passes an interruption on to the workers.
        """
        # what others have waited for in vain is not waited for again
        looks = time.monotonic() + (0 if self._deserted_since else _WITHOUT_WORKERS / 6)
        while not came.is_set():
            try:
                came.wait(_SLICE)
                look()
                if time.monotonic() > looks:
                    looks = time.monotonic() + _WITHOUT_WORKERS / 6
                    if self._is_deserted(client):
                        future.cancel()
            except KeyboardInterrupt:
                self._interruption.notice()

    def _is_deserted(self, client: Client) -> bool:
        """Whether the cluster has been without workers for too long."""
        if client.status != "running" or client.nthreads():
            self._deserted_since = None
            return False
        self._deserted_since = self._deserted_since or time.monotonic()
        return time.monotonic() - self._deserted_since > _WITHOUT_WORKERS

    def _tell(self, part: str = "") -> None:
        """Have the workers stop what they do for this run, or one part of a task."""
        assert self._client is not None
        # one that does not answer keeps no other from hearing of it
        passing = partial(self._client.run, interrupt, self._run, part, on_error="ignore")
        threading.Thread(target=_quietly, args=(passing,), daemon=True).start()

    def _lost(self, client: Client, order: Order, seat: Seat) -> TaskError | UndecidedError:
        """What is known of a task that nobody answers for any more."""
        begun = True
        if client.status == "running":
            with suppress(Exception):
                # what can still be taken was not, and will not be
                begun = not seat.tasks.get(batch=True)
            who = "its worker" if self._deserted_since is None else "the cluster's last worker"
        else:
            self._gone, who = True, "the scheduler"
        if not begun:
            return TaskError(f"{who} was lost before this task began; nothing was done", hint=AGAIN)
        return lost(order, who)

    def _hear(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """Take a worker's answer, or tell of its progress; of a task that has ended nothing more is told."""
        message = event[1]
        if "answer" in message:
            if seat := self._awaited.get(message["key"]):
                seat.tell(message["answer"])
            return
        progress = self._heard.get(message["key"])
        if progress is not None:
            heard(message, progress)

    def _is_embedded(self, order: Order) -> bool:
        """Whether a task is about a private server, of which another machine would have one of its own."""
        if not self._address:
            return False
        database = order.host.database
        own = isinstance(database, str) and EmbeddedDatabase.of(database) is not None
        return own or "embedded:" in str(order.written)


class _Once:
    """Does something the first time that it is due."""

    def __init__(self, due: Callable[[], bool], what: Callable[[], object]) -> None:
        self._due = due
        self._what = what
        self._lock = threading.Lock()

    def __call__(self) -> None:
        """Do it when it is due and was not done before."""
        if self._due() and self._lock.acquire(blocking=False):
            self._what()


def _files(inventory: Path) -> dict[str, str]:
    return {
        file.relative_to(inventory).as_posix(): file.read_text(encoding="utf-8")
        for file in sorted(inventory.rglob("*"))
        if file.suffix in _KINDS and file.is_file() and not file.name.startswith(".")
    }


def _quietly(what: Callable[[], object]) -> None:
    with suppress(Exception):
        what()
