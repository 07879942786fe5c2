"""Runs a command line and writes where its seconds of processor went: `python -m benchmarks.sampling FILE run …`.

Every few milliseconds the time that each thread has used since the last look goes to what its stack shows: Linux keeps
it per thread. It counts for the innermost call that one of PARTS knows, be it Python or a library at work below it.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections import Counter
from functools import cache
from linecache import getline
from pathlib import Path
from types import CodeType, FrameType

INTERVAL = 0.005
"""Seconds between two looks."""

PARTS = (
    ("hashing", re.compile(r"sha256|hexdigest|hashlib|\bdigest\w*\.update\(")),
    ("compressing", re.compile(r"compress")),
    (
        "reading and writing rows",
        re.compile(r"/psycopg|get_copy_data|put_copy_data|copy\.(read|write)|/postgres/schema/rows"),
    ),
    ("storing", re.compile(r"/toolkit/storage/(local|folder|s3|private)|fsync|/toolkit/private/|/botocore/")),
    ("cutting chunks", re.compile(r"/toolkit/planning/chunking|/toolkit/storage/chunk_writer")),
    ("other storage", re.compile(r"/toolkit/storage/")),
    ("comparing", re.compile(r"/toolkit/postgres/compare/")),
    ("selection, schema", re.compile(r"/toolkit/postgres/(selection|schema|servers|session)/")),
    ("restore", re.compile(r"/toolkit/postgres/")),
    ("playbook, inventory, output", re.compile(r"/toolkit/|/jinja2/|/yaml/|/jsonschema|/rich/")),
)
"""The parts of a command, and what shows one: a line of source, headed by its file."""

_OWN = "/toolkit/"
_IMPORTING = ("starting: imports", "starting: imports")


class Sampler(threading.Thread):
    """Looks at all other threads until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.parts: Counter[str] = Counter()
        self.lines: Counter[str] = Counter()
        self.own = 0.0
        self._spent: dict[int, int] = {}
        self._stopped = threading.Event()

    def run(self) -> None:
        """Look again and again."""
        while not self._stopped.wait(INTERVAL):
            self.look()
        self.own = time.thread_time()

    def stop(self) -> None:
        """Look once more and end."""
        self._stopped.set()
        self.join()
        self.look()

    def look(self) -> None:
        """Give each thread's time since the last look to what it does."""
        frames = sys._current_frames()
        known = {each.native_id: each.ident for each in threading.enumerate()}
        for entry in Path("/proc/self/task").iterdir():
            number = int(entry.name)
            if number == self.native_id:
                continue
            try:
                spent = int((entry / "schedstat").read_text().split()[0])
            except (OSError, IndexError):
                continue
            fresh = spent - self._spent.get(number, 0)
            self._spent[number] = spent
            if fresh:
                frame = frames.get(known.get(number) or 0)
                part, line = described(frame)
                self.parts[part] += fresh
                self.lines[line] += fresh


def described(frame: FrameType | None) -> tuple[str, str]:
    """Give the part that a stack belongs to, and its innermost line of the toolkit."""
    part = line = ""
    if frame is None:
        return "threads of libraries", "threads of libraries"
    while frame is not None:
        # between two instructions a frame may be at no line
        found = _known(frame.f_code, frame.f_lineno or 0)
        if found == _IMPORTING:
            return found
        part, line = part or found[0], line or found[1]
        frame = frame.f_back
    return part or "the rest", line or "the rest"


@cache
def _known(code: CodeType, number: int) -> tuple[str, str]:
    """Give the part that a line of source shows, and the line where it is the toolkit's; empty for what is not."""
    file = code.co_filename
    if file.startswith("<frozen importlib"):
        return _IMPORTING
    text = f"{file}: {getline(file, number).strip()}"
    part = next((name for name, pattern in PARTS if pattern.search(text)), "")
    return part, f"{file.rpartition(_OWN)[2]}:{number} {code.co_name}" if _OWN in file else ""


def main() -> None:
    """Run the command line that was given, sampled."""
    file, sys.argv = Path(sys.argv[1]), ["invoke", *sys.argv[2:]]
    # what holds the interpreter must give it to the sampler at once, or its time would count for what follows
    sys.setswitchinterval(1e-4)
    sampler = Sampler()
    sampler.start()
    try:
        from invoke.main import program  # noqa: PLC0415 - its import is part of what is measured

        program.run()
    finally:
        sampler.stop()
        seconds = {
            "parts": {name: spent / 1e9 for name, spent in sampler.parts.items()},
            "lines": {name: spent / 1e9 for name, spent in sampler.lines.items()},
            "all": time.process_time() - sampler.own,
        }
        file.write_text(json.dumps(seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
