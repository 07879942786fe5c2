"""Watching runs: the files of one are read once, however many people look at its page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from starlette.concurrency import run_in_threadpool

from toolkit.app.runs import record as records
from toolkit.app.runs.course import Course
from toolkit.app.runs.record import Known, State

POLL: Final = 0.3
"""Seconds between two looks at the files of a run that goes on."""
BEAT: Final = 15.0
"""Seconds after which something is sent to who watches, so that nobody takes a connection for dead."""
LINES: Final = 200
"""How many of the last lines that a run printed are shown while it goes on."""


@dataclass(slots=True)
class Look:
    """A run, seen at a moment.

    Attributes:
        printed: the last lines that it printed.
        turned: a task has begun since the look before, or the run has ended.
    """

    known: Known
    course: Course
    printed: str
    turned: bool = True

    @property
    def goes_on(self) -> bool:
        """Whether more is to come."""
        return self.known.state is State.RUNNING


@dataclass(slots=True)
class Tail:
    """Reads the files of a run on, from where it has come."""

    known: Known
    course: Course = field(default_factory=Course)
    _events: int = 0
    _printed: int = 0
    _output: str = ""
    _looked: bool = False
    _tasks: int = -1

    def look(self) -> Look | None:
        """Read on; None where nothing is new."""
        directory = self.known.directory
        # first, so that the files of one that has ended are read to their end
        known = records.read(directory.parents[2], self.known.run.id) or self.known
        news = self.course.take(records.events_in(self._more_events()))
        more = self._more_output()
        changed = news or more or known.state is not self.known.state or not self._looked
        turned = len(self.course.tasks) != self._tasks or known.state is not self.known.state
        self.known, self._looked, self._tasks = known, True, len(self.course.tasks)
        return Look(known=known, course=self.course, printed=self._output, turned=turned) if changed else None

    def _more_events(self) -> bytes:
        data = _from(self.known, records.EVENTS, self._events)
        whole = data[: data.rfind(b"\n") + 1]
        self._events += len(whole)
        return whole

    def _more_output(self) -> bool:
        data = _from(self.known, records.OUTPUT, self._printed)
        whole = data[: data.rfind(b"\n") + 1]
        self._printed += len(whole)
        if whole:
            lines = (self._output + whole.decode("utf-8", errors="replace")).splitlines(keepends=True)
            self._output = "".join(lines[-LINES:])
        return bool(whole)


def looked(known: Known) -> Look:
    """Look at a run once."""
    tail = Tail(known)
    return tail.look() or Look(known=known, course=tail.course, printed="")


def _from(known: Known, name: str, place: int) -> bytes:
    file: BinaryIO
    try:
        with (known.directory / name).open("rb") as file:
            file.seek(place)
            return file.read()
    except OSError:
        return b""


@dataclass(slots=True)
class _Watched:
    """A run that somebody watches.

    Attributes:
        sent: what was shown last, as an event of the stream.
        version: how often that has changed.
        over: nothing more will come.
    """

    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    sent: str = ""
    version: int = 0
    over: bool = False
    viewers: int = 0
    reading: asyncio.Task[None] | None = None

    async def news(self, seen: int) -> None:
        """Wait for something that has not been seen yet, or BEAT seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT), self.changed:
                await self.changed.wait_for(lambda: self.version > seen or self.over)

    async def leave(self) -> None:
        """Let everybody who waits go."""
        async with self.changed:
            self.over = True
            self.changed.notify_all()

    async def tell(self, shown: str, *, over: bool) -> None:
        """Give everybody who waits something new."""
        async with self.changed:
            self.sent, self.over = shown, over
            self.version += 1
            self.changed.notify_all()


@dataclass(slots=True)
class Watching:
    """The runs that somebody watches, each read by one task."""

    show: Callable[[Look], str]
    runs: dict[str, _Watched] = field(default_factory=dict)

    async def stream(self, known: Known) -> AsyncIterator[str]:
        """Give what is to be sent to one who watches: all of it as it stands, then whatever changes, until the end."""
        run = known.run.id
        watched = self.runs.get(run)
        if watched is None:
            watched = self.runs[run] = _Watched()
            watched.reading = asyncio.create_task(self._read(known, watched))
        watched.viewers += 1
        seen = 0
        try:
            while True:
                await watched.news(seen)
                told, version, over = watched.sent, watched.version, watched.over
                if version > seen:
                    seen = version
                    yield told
                elif not over:
                    yield ": still here\n\n"
                if over:
                    return
        finally:
            watched.viewers -= 1
            if not watched.viewers and self.runs.get(run) is watched:
                del self.runs[run]
                if watched.reading is not None:
                    watched.reading.cancel()

    async def close(self) -> None:
        """End all streams: the console ends."""
        for watched in list(self.runs.values()):
            await watched.leave()

    async def _read(self, known: Known, watched: _Watched) -> None:
        tail = Tail(known)
        try:
            while not watched.over:
                look = await run_in_threadpool(tail.look)
                if look is not None:
                    await watched.tell(await run_in_threadpool(self.show, look), over=not look.goes_on)
                await asyncio.sleep(POLL)
        finally:
            # whatever went wrong, nobody waits for more
            watched.over = True
            self.runs.pop(known.run.id, None)


def event(name: str, text: str) -> str:
    """Write an event of a stream."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
