"""Forks `invoke` off a process that has loaded the toolkit, for tests of what a command does, prints and ends with.

A new interpreter loads the same modules again, for a quarter of a second in hundreds of tests. What is forked has an
environment, a directory, streams and an exit code of its own as well. What only a new interpreter shows is tested with
one: what is loaded when, signals, streams that are closed, encodings, another toolkit, a package that is missing.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Mapping
from importlib.util import find_spec
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_STREAMS: Final = ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w"))


def can_fork(environment: Mapping[str, str]) -> bool:
    """Whether a command can be forked: on Linux, with the Python and the toolkit of the tests, where nobody measures.

    Args:
        environment: what the command's environment has beside that of the tests.
    """
    other = any(name.startswith("PYTHON") and value != str(ROOT) for name, value in environment.items())
    measured = any(name.startswith("COV") for name in os.environ)
    return sys.platform == "linux" and not other and not measured


def forked(words: tuple[str, ...], cwd: Path, environment: Mapping[str, str], streams: Path) -> int:
    """Run `invoke` with these words; gives its exit code.

    Args:
        environment: all of it.
        streams: a directory, in which `stdout` and `stderr` will have what the command prints.
    """
    process = _server().Process(target=_run, args=(words, str(cwd), dict(environment), str(streams)))
    process.start()
    process.join(timeout=120)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"invoke {' '.join(words)} did not end")
    return process.exitcode


def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.app.preloaded"])
    return context


def _run(words: tuple[str, ...], cwd: str, environment: dict[str, str], streams: str) -> None:
    """Be `python -m invoke`, from its beginning to its end."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(cwd)
    for number, name, mode in _STREAMS:
        path = Path(os.devnull) if mode == "r" else Path(streams, name)
        with path.open(mode) as stream:
            os.dup2(stream.fileno(), number)
        errors = "backslashreplace" if name == "stderr" else None
        setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors=errors, closefd=False))
    sys.path.insert(0, cwd)
    module = find_spec("invoke.__main__")
    assert module
    assert module.origin
    sys.argv = [module.origin, *words]
    from invoke.main import program  # noqa: PLC0415 - loaded before, where this runs

    try:
        program.run()
    finally:
        # multiprocessing ends a process without what Python does at its end
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
