"""A worker process of a run on the same machine: `python -m toolkit.runner.process`, begun by `processes`.

It ends when its input ends, in the middle of an errand too: then the run is gone, and nobody takes the answer.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import IO

import msgspec

from toolkit.private.files import keep_private
from toolkit.runner.errands import Guest, done
from toolkit.runner.garbage import search_rarely
from toolkit.runner.interruption import pass_over
from toolkit.runner.processes import ANSWER, INTERRUPT, PROGRESS, Hello
from toolkit.runner.wire import received


class _Worker:
    def __init__(self, guest: Guest, out: IO[str]) -> None:
        self._guest = guest
        self._out = out
        self._saying = threading.Lock()
        self.busy = False

    def begin(self, text: str) -> None:
        """Do an errand in a thread of its own, since this one listens."""
        self.busy = True
        threading.Thread(target=self._do, args=(text,), daemon=True).start()

    def _do(self, text: str) -> None:
        answer = done(received(text), self._guest, lambda news: self._say(PROGRESS, json.dumps(news)))
        self.busy = False
        self._say(ANSWER, answer)

    def _say(self, kind: str, text: str) -> None:
        with self._saying:
            self._out.write(f"{kind}{text}\n")
            self._out.flush()


def main() -> None:
    """Do errands until the input ends."""
    pass_over()
    search_rarely()
    # whatever else is printed is no answer
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    keep_private()
    lines = (line.decode().rstrip("\n") for line in sys.stdin.buffer)
    first = next(lines, None)
    if first is None:
        return
    hello = msgspec.json.decode(first, type=Hello)
    guest = Guest(files=Path(hello.inventory), control=Path(hello.control), shown=hello.shown, extra=hello.extra)
    worker = _Worker(guest, out)
    for line in lines:
        if line.startswith(INTERRUPT):
            guest.interruption.notice()
        else:
            worker.begin(line[1:])
    if worker.busy:
        os._exit(1)


if __name__ == "__main__":
    main()
