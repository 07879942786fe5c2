"""The account of the operating system under which the programs of private servers run.

That is the one who runs this, but for root, as whom PostgreSQL refuses to run. Then the server gets a number that no
account has: no other process runs as that, so nobody else can read what the server owns. No account is made. The server
is started inside its data directory and knows it as "where I am", so no directory above that has to let it pass.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import Struct

from toolkit.errors import DatabaseError
from toolkit.postgres.servers.surroundings import own_environment

_NUMBERS = range(61184, 65520)
"""What Linux distributions leave for users without a name that are made for a time (systemd calls them dynamic)."""

_HERE = Path("/proc/self/cwd")
_COPIES = Path("/var/cache/playback")
"""Where root's copies of programs are that only root can reach."""
_LOOK = 0.005
"""Seconds between two looks at whether a program has done what is waited for."""


class Account(Struct, frozen=True, kw_only=True):
    """Who runs a server's programs.

    Attributes:
        number: the user's and group's number; None for whoever runs this.
    """

    number: int | None

    def own(self, path: Path) -> None:
        """Give a file, or a directory with all below it, to the account; links are not followed."""
        if self.number is None or sys.platform == "win32":
            return
        os.chown(path, self.number, self.number, follow_symlinks=False)
        for folder, _, files in os.walk(path):
            for name in (".", *files):
                os.chown(Path(folder, name), self.number, self.number, follow_symlinks=False)

    def data_argument(self, data: Path) -> str:
        """Say how a program that is started in the data directory is told of it.

        Raises:
            DatabaseError: the account cannot reach it.
        """
        if self.number is None:
            return str(data)
        if _HERE.exists():
            return str(_HERE)
        if not lets_everyone_pass(data.parent):
            raise DatabaseError(
                f"PostgreSQL cannot run as root, and no other account can reach {data}",
                hint="run this as another user, or where every directory above lets all users pass",
            )
        return str(data)

    def run(
        self,
        command: Sequence[str],
        folder: Path,
        *,
        locale: str | None = None,
        until: Callable[[], bool] | None = None,
        **options: Any,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in a folder, with nothing of this process's rights; what it says is captured.

        Args:
            locale: what stands in for the locale of the environment; None leaves that one.
            until: asked again and again; once it says so, all is well, and the program is waited for no longer.
        """
        environment = own_environment() | ({} if locale is None else {"LC_ALL": locale})
        who: dict[str, Any] = {}
        if self.number is not None:
            who = {"user": self.number, "group": self.number, "extra_groups": []}
        if sys.platform == "win32":
            who["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        else:
            who["umask"] = 0o077
        # a server that a program starts keeps its output open, so it must be no pipe
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            with subprocess.Popen(
                command, cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT, **who, **options
            ) as process:
                code = _code(process, until)
            said.seek(0)
            return subprocess.CompletedProcess(command, code, said.read())


def _code(process: subprocess.Popen[bytes], until: Callable[[], bool] | None) -> int:
    """Wait for a program; gives its exit code, 0 where it was ended because nothing was left to wait for."""
    try:
        while until is not None:
            try:
                return process.wait(_LOOK)
            except subprocess.TimeoutExpired:
                if until():
                    process.terminate()
                    process.wait()
                    return 0
        return process.wait()
    except BaseException:
        process.kill()
        raise


def is_root() -> bool:
    """Tell whether this runs as root."""
    return sys.platform != "win32" and os.geteuid() == 0


def account_of(directory: Path) -> Account:
    """Give the account for the server of a data directory: for root the one that owns it, or a new one."""
    if sys.platform == "win32" or not is_root():
        return Account(number=None)
    owner = directory.lstat().st_uid
    return Account(number=owner or _unused())


def named_account() -> Account:
    """Give an account with a name, without which no data directory can be made."""
    if sys.platform == "win32" or not is_root():
        return Account(number=None)
    import pwd  # noqa: PLC0415 - there is none on Windows

    with suppress(KeyError):
        return Account(number=pwd.getpwnam("nobody").pw_uid)
    for entry in pwd.getpwall():
        if entry.pw_uid:
            return Account(number=entry.pw_uid)
    raise DatabaseError(
        "PostgreSQL cannot run as root, and this machine has no other account", hint="run this as another user"
    )


def runnable(installation: Path) -> Path:
    """Give an installation of PostgreSQL that every account can use: the one given, or, for root, a copy of it.

    Raises:
        DatabaseError: no copy can be made.
    """
    if not is_root() or (_readable(installation / "bin" / "postgres") and lets_everyone_pass(installation / "bin")):
        return installation
    program = (installation / "bin" / "postgres").stat()
    mark = sha256(f"{installation.resolve()} {program.st_size} {program.st_mtime_ns}".encode()).hexdigest()[:16]
    copy = _COPIES / f"{installation.name}-{mark}"
    try:
        if not copy.is_dir():
            _copy(installation, copy)
        safe = not copy.lstat().st_uid and not copy.lstat().st_mode & 0o022
    except OSError as error:
        raise DatabaseError(
            f"PostgreSQL cannot run as root; no other account can reach {installation}, and it cannot be copied:"
            f" {error}",
            hint="run this as another user, or install it where every directory above lets all users pass",
        ) from error
    if not safe:
        raise DatabaseError(
            f"{copy} does not belong to root alone", hint="remove it; whoever can change it could act as the server"
        )
    return copy


def lets_everyone_pass(directory: Path) -> bool:
    """Tell whether every account can pass through a directory and all above it."""
    resolved = directory.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (resolved, *resolved.parents))


def _readable(program: Path) -> bool:
    wanted = stat.S_IXOTH | stat.S_IROTH
    return program.stat().st_mode & wanted == wanted


def _copy(installation: Path, copy: Path) -> None:
    _COPIES.mkdir(parents=True, exist_ok=True)
    _COPIES.chmod(0o755)
    draft = Path(tempfile.mkdtemp(dir=_COPIES))
    try:
        for part in ("bin", "lib", "share"):
            shutil.copytree(installation / part, draft / part, symlinks=True)
        for folder, _, files in os.walk(draft):
            Path(folder).chmod(0o755)
            for name in files:
                file = Path(folder, name)
                if not file.is_symlink():
                    file.chmod(0o755 if Path(folder).name == "bin" else 0o644)
        try:
            draft.rename(copy)
        except OSError:
            if not copy.is_dir():  # else another run was faster
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _unused() -> int:
    """A number that is no user's and no group's."""
    if sys.platform == "win32":
        raise NotImplementedError
    import grp  # noqa: PLC0415 - there are none on Windows
    import pwd  # noqa: PLC0415

    while True:
        number = random.SystemRandom().choice(_NUMBERS)
        with suppress(KeyError):
            pwd.getpwuid(number)
            continue
        with suppress(KeyError):
            grp.getgrgid(number)
            continue
        return number
