"""Where the seconds of processor of a row go: the client's by part, the server's by statement."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import psycopg

from benchmarks.measuring import PROC, Cost, run, server_processes, title_of
from benchmarks.place import HOME, Place
from benchmarks.works import Work

INTERVAL = 0.02
SHOWN = 10
"""Lines of source, and statements, that are shown."""

_ACTIVITY = """
SELECT pid, CASE WHEN backend_type IN ('client backend', 'parallel worker') THEN query ELSE backend_type END
FROM pg_stat_activity WHERE pid <> pg_backend_pid()
"""


def profile(place: Place, name: str, work: Work) -> Iterator[str]:
    """Run a work twice, the second time watched; gives lines for people."""
    command = work.prepare(place)
    plain = run(command, place.postmaster)
    command = work.prepare(place)
    file = HOME / "profile.json"
    arguments = list(command.arguments)
    if arguments[1:3] == ["-m", "invoke"]:
        arguments[2:3] = ["benchmarks.sampling", str(file)]
    file.unlink(missing_ok=True)
    watch = _Statements(place)
    cost = run(replace(command, arguments=arguments), place.postmaster)
    server = watch.stop()
    yield f"\n{name}: {plain.seconds:.2f} s; watched {cost.seconds:.2f} s"
    yield from _client(file, cost)
    yield f"  server {cost.server or 0:.2f} s of processor"
    yield from _shares(server, cost.server or sum(server.values()), "ended between two looks, or looking")


def _client(file: Path, cost: Cost) -> Iterator[str]:
    yield f"  client {cost.client or 0:.2f} s of processor"
    if file.exists():
        found = json.loads(file.read_text("utf-8"))
        parts: dict[str, float] = found["parts"]
        spent = cost.client or found["all"]
        parts["watching, and other processes"] = spent - found["all"]
        yield from _shares(parts, spent, "before or after all that")
        yield "    of it, by line of the toolkit:"
        yield from (f"  {line}" for line in _shares(found["lines"]))


def _shares(parts: Mapping[str, float], total: float = 0, rest: str = "") -> Iterator[str]:
    for part, seconds in sorted(parts.items(), key=lambda each: -each[1])[:SHOWN]:
        yield f"    {seconds:6.2f}  {part}"
    if rest:
        yield f"    {max(0.0, total - sum(parts.values())):6.2f}  {rest}"


class _Statements(threading.Thread):
    """Adds the processor time of the server's processes up, by what each is doing."""

    def __init__(self, place: Place) -> None:
        super().__init__(daemon=True)
        self._conninfo = place.server.superuser
        self._spent: dict[int, int] = {}
        self._seconds: Counter[str] = Counter()
        self._first = True
        self._stopped = threading.Event()
        self.start()

    def run(self) -> None:
        """Look again and again."""
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            own = connection.info.backend_pid
            while not self._stopped.wait(INTERVAL):
                doing = {pid: _kind(query) for pid, query in connection.execute(_ACTIVITY).fetchall()}
                others = {pid: title_of(pid) for pid in server_processes() if pid not in doing and pid != own}
                for pid, what in (doing | others).items():
                    spent = _nanoseconds(pid)
                    # of the benchmark's own server, what a process used before it was seen first is of another work
                    known = self._spent.get(pid, spent if self._first else 0)
                    self._seconds[what] += spent - known
                    self._spent[pid] = spent
                self._first = False

    def stop(self) -> dict[str, float]:
        """End; gives seconds by statement."""
        self._stopped.set()
        self.join()
        return {name: spent / 1e9 for name, spent in self._seconds.items()}


def _kind(query: str) -> str:
    """Give a statement as one short line."""
    return re.sub(r"\s+", " ", re.sub(r"\b(pg_catalog|public)\.|\"", "", query)).strip()[:110] or "beginning"


def _nanoseconds(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "schedstat").read_text("ascii").split()[0])
    except (OSError, IndexError):
        return 0
