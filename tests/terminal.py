"""A program on a real terminal, and somebody who types there."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# the terminal has to be that of the process, since passwords are asked for at /dev/tty
_OWN_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

_PATIENCE = 60.0


def talk(
    words: Sequence[str | Path], answers: Sequence[tuple[str, str]], *, cwd: Path, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a program on a terminal; gives its exit code and all that was on the screen, typed text included.

    Args:
        answers: what the screen ends with when something is typed, and what that is; in this order, all of them.
    """
    import pty  # noqa: PLC0415 - Windows has none

    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _OWN_TERMINAL, *map(str, words)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=cwd,
        env={**(os.environ if env is None else env), "TERM": "dumb"},
    )
    os.close(slave)
    screen, waiting, ends = b"", list(answers), time.monotonic() + _PATIENCE
    with process:
        while time.monotonic() < ends:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    read = os.read(master, 65536)
                except OSError:  # Linux says so when nobody has the other end any more
                    break
                if not read:
                    break
                screen += read
            elif process.poll() is not None:
                break
            if waiting and screen.rstrip(b" ").endswith(waiting[0][0].encode()):
                os.write(master, f"{waiting.pop(0)[1]}\n".encode())
        else:
            process.kill()
    os.close(master)
    shown = screen.decode("utf-8").replace("\r\n", "\n")
    assert not waiting, shown
    return process.returncode, shown
