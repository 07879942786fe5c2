"""The action `command`: run a program, without a shell."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from toolkit.actions.action import Action, ExactlyOne
from toolkit.actions.arguments import Arguments, Seconds, Text, Value, about
from toolkit.actions.context import Context
from toolkit.errors import ExitCode, InputError, TaskError
from toolkit.model.outcome import Outcome, Progress

_SHOWN_LINES = 20
_SLICE = 0.2
_GRACE = 2.0
"""Seconds that a program which is being ended has to tidy up."""


class CommandArguments(Arguments, frozen=True, kw_only=True):
    """The program and what it runs in."""

    argv: Annotated[
        Annotated[tuple[Value, ...], Meta(min_length=1)],
        about("The program and its arguments.", ["pg_isready", "--quiet"]),
    ] = ()
    cmd: Annotated[
        Text,
        about(
            "The same as one line, split into words as a shell would; nothing else of a shell works.",
            "pg_isready --quiet",
        ),
    ] = ""
    chdir: Annotated[
        Text, about("The directory to run in; relative to the control directory, which is the default.", "reports")
    ] = ""
    creates: Annotated[Text, about("A path; when it exists the command is not run.", ".playback/done")] = ""
    environment: Annotated[
        dict[str, Value],
        about("Environment variables to add.", {"LANG": "C", "PGPASSWORD": {"env": "TILL_PASSWORD"}}),
    ] = msgspec.field(default_factory=dict)
    timeout: Annotated[Seconds | None, about("Seconds after which the command is ended. Default: no limit.", 60)] = None


def run(arguments: CommandArguments, context: Context) -> Outcome:
    """Run `argv` (or `cmd`, split as a shell would) and wait for it.

    It runs in `chdir`, relative to the control directory, which is the default. Nothing is run when the path
    `creates`, relative to the same, exists. `environment` is added to our own. In check mode it is skipped, since
    nobody can tell what a program would do.

    Returns:
        Facts `rc`, `stdout`, `stderr` and `stdout_lines`; failed when `rc` is not 0.

    Raises:
        TaskError: the program cannot be started or takes longer than `timeout` seconds.
        InputError: `cmd` is not well quoted or empty.
    """
    argv = _argv(arguments)
    directory = context.inventory.directory / arguments.chdir
    creates = arguments.creates
    if creates and (directory / creates).exists():
        return Outcome(message=f"{creates} exists", facts={"rc": 0, "stdout": "", "stderr": "", "stdout_lines": []})
    if context.check:
        return Outcome(skipped=f"check mode: would run {argv[0]}")
    done = _run(argv, directory, arguments, context.progress)
    stdout, stderr = done.stdout.rstrip("\r\n"), done.stderr.rstrip("\r\n")
    facts = {"rc": done.returncode, "stdout": stdout, "stderr": stderr, "stdout_lines": stdout.splitlines()}
    if done.returncode != 0:
        message = _failure(argv[0], done.returncode, stderr or stdout)
        return Outcome(changed=True, message=message, facts=facts, exit_code=ExitCode.FAILED)
    return Outcome(changed=True, message=_shortened(stdout.splitlines()), facts=facts)


def _argv(arguments: CommandArguments) -> list[str]:
    if arguments.argv:
        return list(map(str, arguments.argv))
    try:
        # backslashes separate folders on Windows and must stay
        argv = shlex.split(arguments.cmd, posix=os.name != "nt")
    except ValueError as error:
        raise InputError(f"command.cmd: {str(error).lower()}", hint="give the words as a list: argv") from error
    if not argv:
        raise InputError("command.cmd is empty")
    return argv


def _run(
    argv: Sequence[str], directory: Path, arguments: CommandArguments, progress: Progress
) -> subprocess.CompletedProcess[str]:
    environment = {name: str(value) for name, value in arguments.environment.items()}
    limit = arguments.timeout
    end = None if limit is None else time.monotonic() + limit
    try:
        with subprocess.Popen(
            argv,
            cwd=directory,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as process:
            try:
                return _wait(process, end, progress)
            except BaseException:
                _stop(process)
                raise
    except subprocess.TimeoutExpired as error:
        raise TaskError(f"{argv[0]} was stopped: it took longer than {limit:g} s") from error
    except OSError as error:
        where = "" if directory.is_dir() else f" in {directory}"
        raise TaskError(
            f"{argv[0]} cannot be run{where}: {error.strerror or error}",
            hint="there is no shell: give the program's name or path, and its arguments as argv",
        ) from error


def _wait(process: subprocess.Popen[str], end: float | None, progress: Progress) -> subprocess.CompletedProcess[str]:
    """Wait for a program; TimeoutExpired at `end`, and KeyboardInterrupt once the run is being stopped."""
    while True:
        left = _SLICE if end is None else min(_SLICE, max(0.0, end - time.monotonic()))
        try:
            stdout, stderr = process.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            if end is not None and time.monotonic() >= end:
                raise
            # the only way in which a host that runs beside others learns of Ctrl-C
            progress.advance()
        else:
            return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def _stop(process: subprocess.Popen[str]) -> None:
    """End a program: kindly, then not."""
    process.terminate()
    try:
        process.wait(timeout=_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()


def _failure(program: str, code: int, output: str) -> str:
    lines = output.splitlines()[-_SHOWN_LINES:]
    return "\n".join((f"{program} ended with exit code {code}", *(f"  {line}" for line in lines)))


def _shortened(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return lines[0] if len(lines) == 1 else f"{lines[0]} … ({len(lines)} lines)"


ACTION = Action(
    name="command",
    does="Run a program on this machine, without a shell.",
    examples=({"argv": ["pg_isready", "--quiet"]}, {"cmd": "pg_isready --quiet"}),
    arguments=CommandArguments,
    run=run,
    rules=(ExactlyOne(("argv", "cmd")),),
    asks_others=True,
    on_leader=True,
)
