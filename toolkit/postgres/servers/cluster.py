"""One private server's files and processes: made, started and stopped with PostgreSQL's own programs.

<home>/              0700, of whoever runs this
    data/            0700, of the server's account: the data, and the socket where its path is short enough
    password         the only password, for every role, in the form of libpq's password files
    socket           the directory of the socket, where that cannot be in `data`
    hasty            there is nothing here that has to outlive a crash of the machine; the last start since it started
    lock, users      who starts or stops it now, and which processes use it
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from msgspec import Struct

from toolkit.errors import DatabaseError
from toolkit.postgres.servers.account import Account, account_of, named_account
from toolkit.postgres.servers.installations import installation, program
from toolkit.postgres.servers.sockets import SOCKET, fits, free_port, short_directory
from toolkit.postgres.servers.surroundings import private_conninfo
from toolkit.private import files

SUPERUSER = "postgres"
_SETTINGS = "playback.conf"

_HASTY = """fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = '4GB'
checkpoint_timeout = '1h'
maintenance_work_mem = '128MB'
"""
"""Settings of a server that never waits for the disk, and writes rows of new tables once only."""

_CLOCK = 60
"""Seconds by which the time of a start seems to move when the clock is set."""

_LOCALES = (None, "C.UTF-8", "C")
"""For new data: that of the environment, and what stands in for one that is not installed."""

_PATIENCE = "120"
"""Seconds for which a start or a stop is waited for."""


class Cluster(Struct, frozen=True):
    """The server whose files are in a home directory."""

    home: Path

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "data"

    @property
    def version(self) -> int | None:
        """The major version of the data; None when there are none yet."""
        try:
            return int((self.data / "PG_VERSION").read_text("ascii").strip())
        except (FileNotFoundError, ValueError):
            return None

    @property
    def binaries(self) -> Path:
        """Where the programs of its version are."""
        return installation(self.version) / "bin"

    def superuser(self) -> str:
        """Give the conninfo of the running server's superuser. The password is in a file, and in no conninfo."""
        place = {"host": str(self._socket_directory()), "port": "5432"}
        if sys.platform == "win32":
            place = {"host": "127.0.0.1", "port": self._postmaster()[3]}
        return private_conninfo(**place, user=SUPERUSER, dbname="postgres", passfile=str(self.home / "password"))

    def password(self) -> str:
        """Give the password of all roles."""
        return (self.home / "password").read_text("ascii").strip().rpartition(":")[2]

    @property
    def hasty(self) -> bool:
        """Whether its server never waits for the disk."""
        return self._haste.exists()

    def may_be_torn(self) -> bool:
        """Tell whether the machine may have crashed since a hasty server wrote its data; nobody can tell it did not."""
        try:
            noted = self._haste.read_text("ascii")
        except FileNotFoundError:
            return False
        now = boot()
        if noted.isdecimal() and now.isdecimal():
            return abs(int(noted) - int(now)) > _CLOCK
        return noted not in {"", now}

    def make(self, version: int, *, hasty: bool = False) -> None:
        """Make the data directory; it is there complete or not at all.

        Raises:
            DatabaseError: that fails.
        """
        self._haste.unlink(missing_ok=True)
        draft = self.home / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        # only a name that the system knows can make a data directory; whoever else has it cannot get in here
        maker, owner = named_account(), account_of(draft)
        maker.own(draft)
        password = secrets.token_urlsafe(32)
        initdb = program(installation(version) / "bin", "initdb")
        command = [initdb, "-D", maker.data_argument(draft), "-U", SUPERUSER, "--auth=scram-sha-256"]
        # a password that nobody could guess needs no hashing thousands of times, which every connection would wait for
        command += ["--encoding=UTF8", "--no-instructions", "--lc-messages=C", "--set", "scram_iterations=1"]
        command += ["--no-sync"] if hasty else []
        for locale in _LOCALES:
            with _password_file(self.home, maker, password) as (name, options):
                done = maker.run([*command, f"--pwfile={name}"], draft, locale=locale, **options)
            if not done.returncode:
                break
        else:
            raise DatabaseError(f"no data directory can be made in {self.home}: {_last_line(done.stdout)}")
        rules = "host all all 127.0.0.1/32" if sys.platform == "win32" else "local all all"
        replication = rules.replace(" all", " replication", 1)
        rule = f"{rules} scram-sha-256\n{replication} scram-sha-256\n"
        (draft / "pg_hba.conf").write_text(rule, "ascii")
        with (draft / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(f"\ninclude '{_SETTINGS}'\n")
        owner.own(draft)
        files.write(self.home / "password", f"*:*:*:*:{password}\n".encode("ascii"))
        if hasty:
            files.write(self._haste, b"")
        draft.rename(self.data)

    def remove(self) -> None:
        """Remove the data of a server that does not run."""
        shutil.rmtree(self.data)

    def is_running(self) -> bool:
        """Tell whether its server runs."""
        return self._process() is not None and self._postmaster()[7:8] == ["ready"]

    def start(self) -> None:
        """Start the server; it listens on a socket that its owner alone reaches, on Windows on the loopback address.

        Raises:
            DatabaseError: it does not start.
        """
        account = account_of(self.data)
        settings = self.data / _SETTINGS
        # what a crash left would be taken for another server's once its process number is some other process's
        for left in (settings, self.data / SOCKET, self.data / f"{SOCKET}.lock"):
            left.unlink(missing_ok=True)
        files.create(settings, self._settings(account).encode())
        if self.hasty:
            files.write(self._haste, boot().encode())
        account.own(settings)
        before = self._postmaster()
        done = self._control(
            account, "start", "-l", "log", until=lambda: self._postmaster() != before and self.is_running()
        )
        if done:
            self._forget_socket()
            log = (self.data / "log").read_text("utf-8", errors="replace") if (self.data / "log").exists() else ""
            raise DatabaseError(
                f"the embedded server in {self.home} does not start: {_reason(log) or _last_line(done)}",
                hint=f"see {self.data / 'log'}; removing {self.home} makes a new, empty server",
            )

    def stop(self) -> None:
        """Stop the server, if it runs, ending all of its sessions."""
        if self._process() is not None:
            account = account_of(self.data)
            if self._control(account, "stop", "-m", "fast", until=lambda: self._process() is None):
                self._control(account, "stop", "-m", "immediate")
        self._forget_socket()

    @property
    def _haste(self) -> Path:
        return self.home / "hasty"

    def _control(self, account: Account, verb: str, *arguments: str, until: Callable[[], bool] | None = None) -> str:
        """Have pg_ctl do something; gives what it said where it failed.

        Args:
            until: tells that it is done, which pg_ctl itself sees ten times a second only.
        """
        command = [
            program(self.binaries, "pg_ctl"),
            verb,
            "-D",
            account.data_argument(self.data),
            "-w",
            "-t",
            _PATIENCE,
            *arguments,
        ]
        # on Windows a server may depend on the program that has started it until that has ended
        done = account.run(command, self.data, until=None if sys.platform == "win32" else until)
        return done.stdout or "no reason given" if done.returncode else ""

    def _settings(self, account: Account) -> str:
        durability = _HASTY if self.hasty else ""
        if sys.platform == "win32":
            return f"{durability}listen_addresses = '127.0.0.1'\nport = {free_port()}\nunix_socket_directories = ''\n"
        self._forget_socket()
        place = "."
        if not fits(self.data):
            place = str(short_directory(account))
            files.write(self.home / "socket", os.fsencode(place))
        return (
            f"{durability}listen_addresses = ''\nport = 5432\nunix_socket_directories = '\"{place}\"'\n"
            "unix_socket_permissions = 0700\n"
        )

    def _socket_directory(self) -> Path:
        """Where the socket is.

        Raises:
            DatabaseError: others could have put theirs there.
        """
        try:
            place = Path(os.fsdecode((self.home / "socket").read_bytes()))
        except FileNotFoundError:
            return self.data
        if not files.is_private(place, account_of(self.data).number):
            raise DatabaseError(
                f"the socket of the embedded server in {self.home} is not safe: others can change {place}",
                hint="end all runs that use the server and run again: it gets a new directory",
            )
        return place

    def _forget_socket(self) -> None:
        with suppress(FileNotFoundError):
            place = Path(os.fsdecode((self.home / "socket").read_bytes()))
            if files.is_private(place, account_of(self.data).number):
                shutil.rmtree(place, ignore_errors=True)
            (self.home / "socket").unlink()

    def _postmaster(self) -> Sequence[str]:
        """The lines of `postmaster.pid`: process, data directory, start, port, socket directory, …, state."""
        try:
            return [line.strip() for line in (self.data / "postmaster.pid").read_text("utf-8").splitlines()]
        except FileNotFoundError:
            return []

    def _process(self) -> psutil.Process | None:
        lines = self._postmaster()
        try:
            process = psutil.Process(int(lines[0]))
            # the number may be another's by now, and where nobody waits for it an ended process keeps its number
            if process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE:
                return process
        except (IndexError, ValueError, psutil.Error):
            pass
        return None


def boot() -> str:
    """Give what tells this start of the machine from others: an id, or its time in seconds."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return str(int(psutil.boot_time()))


@contextmanager
def _password_file(home: Path, maker: Account, password: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What initdb reads the password from, and with which options it has to be started for it."""
    if maker.number is None:
        file = home / "password.draft"
        file.unlink(missing_ok=True)
        files.create(file, f"{password}\n".encode("ascii"))
        try:
            yield str(file), {}
        finally:
            file.unlink()
        return
    if sys.platform == "win32":
        raise NotImplementedError
    # another account cannot get at a file of ours
    reading, writing = os.pipe()
    try:
        os.fchown(reading, maker.number, maker.number)
        os.write(writing, f"{password}\n".encode("ascii"))
        os.close(writing)
        yield f"/dev/fd/{reading}", {"pass_fds": (reading,)}
    finally:
        os.close(reading)


def _reason(log: str) -> str:
    """The last thing that a server called fatal in its log; empty when there is nothing."""
    fatal = [line for line in log.splitlines()[-20:] if "FATAL:" in line]
    return fatal[-1].partition("FATAL:")[2].strip() if fatal else ""


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
