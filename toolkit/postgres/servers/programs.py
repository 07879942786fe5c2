"""PostgreSQL's own programs: which there are, which of them fit two servers, and what they say where they fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path

from msgspec import Struct
from psycopg.conninfo import make_conninfo

from toolkit.errors import DatabaseError, InputError
from toolkit.postgres.servers.installations import installations
from toolkit.postgres.servers.surroundings import for_programs
from toolkit.postgres.session import stalling
from toolkit.postgres.session.stalling import Lookout, StalledError, bounded
from toolkit.stopping import output_of

DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian and its kin keep several versions side by side."""


_NEWEST = 1000
"""A version that no server has yet."""


class ProgramError(DatabaseError):
    """A program of PostgreSQL failed.

    Attributes:
        said: each of its errors, whole.
    """

    def __init__(self, program: str, said: Sequence[str], *, hint: str = "") -> None:
        self.said = tuple(said)
        listed = said[0] if len(said) == 1 else "".join(f"\n  - {each}" for each in said)
        super().__init__(f"{program} failed: {listed}", hint=hint)


class Running:
    """Programs that run, to be ended by another thread."""

    def __init__(self) -> None:
        self._processes = set[subprocess.Popen[str]]()
        self._lock = threading.Lock()
        self._ended = False

    def end(self) -> None:
        """End them, and those that are still to come."""
        with self._lock:
            self._ended = True
            for process in self._processes:
                process.terminate()

    @contextmanager
    def holding(self, process: subprocess.Popen[str]) -> Iterator[None]:
        """Hold one of them while the block waits for it."""
        with self._lock:
            self._processes.add(process)
            if self._ended:
                process.terminate()
        try:
            yield
        finally:
            with self._lock:
                self._processes.discard(process)


class Programs(Struct, frozen=True, kw_only=True):
    """The programs of one installation.

    Attributes:
        version: its major version.
    """

    directory: Path
    version: int

    def run(
        self,
        program: str,
        arguments: Sequence[str],
        *,
        database: str | None = None,
        settings: str = "",
        running: Running | None = None,
    ) -> str:
        """Run a program to its end; gives what it printed.

        Args:
            database: conninfo of the database that it works on. A password goes through the environment, where no
                other user sees it.
            settings: server settings of its sessions, as `-c name=value`.
            running: those that another thread may end.

        Raises:
            ProgramError: it failed.
            DatabaseError: its connection has stalled.
        """
        environment = dict(os.environ)
        command = [_path(self.directory, program)]
        name = f"playback {program} {uuid.uuid4().hex[:12]}"
        if database is not None:
            parts, environment = for_programs(database)
            if settings:
                parts["options"] = f"{parts.get('options') or ''} {settings}".strip()
            command += ["--dbname", bounded(make_conninfo("", **{**parts, "application_name": name}))]
        with subprocess.Popen(
            [*command, *arguments],
            env={**environment, "PGCLIENTENCODING": "UTF8", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as process:
            try:
                look = Lookout(database, name, process.pid, stalling.PATIENCE) if database is not None else None
                with running.holding(process) if running is not None else nullcontext():
                    output, complaints = output_of(process, look=look)
            except StalledError as error:
                process.kill()  # which would try to tell the server
                # no ProgramError: to another program of the kind nothing would come either
                raise DatabaseError(f"{program} failed: {error}", hint="run again once the server answers") from error
            except BaseException:
                process.terminate()  # which cancels its statements
                raise
        said = list(_errors(program, complaints))
        if process.returncode and (said or not _ERROR.search(complaints)):
            raise ProgramError(program, said or [complaints.strip() or f"exit code {process.returncode}"])
        return output


def fitting(named: str, *, source: int, target: int) -> Iterator[Programs]:
    """Give the installations whose programs can copy a schema between two servers, the most fitting first.

    pg_dump reads servers up to its own version, and writes for servers of its own version. Others than those that come
    along are asked for their version only if these do not do.

    Args:
        named: the directory that the inventory names; empty for all that there are: those that come along, those on
            the PATH, and Debian's.
        source: major version of the server that is read.
        target: major version of the server that is written to.

    Raises:
        InputError: the directory that is named has no such programs.
        DatabaseError: there are none that fit.
    """
    own = {} if named else {home / "bin": version for home, version in installations().items()}
    exact = [path for path, version in own.items() if version == target >= source]
    yield from (Programs(directory=path, version=target) for path in exact)
    found = {directory: version for directory in _directories(named) if (version := _version(directory))}
    if named and not found:
        raise InputError(
            f"there is no pg_dump in {named}", hint="`programs` in the inventory names a directory with it"
        )
    fit = [Programs(directory=path, version=version) for path, version in found.items() if version >= source]
    if not fit:
        known = ", ".join(f"{version} in {directory}" for directory, version in found.items()) or "none"
        raise DatabaseError(
            f"there is no pg_dump for PostgreSQL {source} (found: {known})",
            hint=f"install the client programs of PostgreSQL {source} or later; `programs: DIRECTORY` of a host in the"
            " inventory says where they are",
        )
    fit.sort(key=lambda programs: abs(programs.version - target))
    yield from (programs for programs in fit if programs.directory not in exact)


def _directories(named: str) -> Iterator[Path]:
    if named:
        yield Path(named)
        return
    yield from (installation / "bin" for installation in installations())
    if (there := shutil.which("pg_dump")) is not None:
        yield Path(there).parent
    if DEBIAN.is_dir():
        yield from sorted(DEBIAN.glob("*/bin"))


@cache
def _version(directory: Path) -> int:
    """The major version of the programs in a directory; 0 where there are none."""
    command = [_path(directory, "pg_dump"), "--version"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.search(r"\) (\d+)", done.stdout)
    return int(found[1]) if found and not done.returncode else 0


def _path(directory: Path, program: str) -> str:
    return str(directory / (f"{program}.exe" if sys.platform == "win32" else program))


_ERROR = re.compile(r"error: ")
# an older server need not know every setting that a newer program makes for its own session
_HARMLESS = re.compile(r"unrecognized configuration parameter \"\w+\"")


def _errors(program: str, text: str) -> Iterator[str]:
    """Each error in what a program said, with the lines that belong to it."""
    for block in re.split(rf"^(?={program}: )", text, flags=re.MULTILINE):
        said = block.strip().removeprefix(f"{program}: ")
        if said.startswith(("error: ", "fatal: ")) and not _HARMLESS.search(said):
            yield " / ".join(line.strip() for line in said.partition(": ")[2].splitlines() if line.strip())


def open_with_psql(conninfo: str, *, named: str = "", statement: str = "") -> int:
    """Open a database with psql, in this terminal; gives its exit code.

    Args:
        named: as for `fitting`.
        statement: what it runs instead of asking; empty for nothing.

    Raises:
        ProgramError: none of the psql that there are can reach the database.
    """
    parts, environment = for_programs(conninfo)
    failures = []
    for programs in fitting(named, source=0, target=_NEWEST):
        try:
            programs.run("psql", ["--no-psqlrc", "--command", ""], database=conninfo)
        except ProgramError as error:
            failures.append(error)
            continue
        command = [_path(programs.directory, "psql"), "--dbname", make_conninfo("", **parts)]
        command += ["--command", statement] if statement else []
        with subprocess.Popen(command, env=environment) as process:
            while True:
                try:
                    return process.wait()
                except KeyboardInterrupt:  # which is for psql: it cancels its statement
                    continue
    # one that came to be asked for a log-in knows more than one that cannot speak TLS
    raise next((each for each in failures if "FATAL" in " ".join(each.said)), failures[0])
