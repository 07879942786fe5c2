"""What is measured. Each work resets what it needs, gives the command that is timed, and checks what that has done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.data import ONE_SHOP
from benchmarks.measuring import Command
from benchmarks.place import HOME, TARGET, NotBuiltError, Place, backing_up, remove, size

SCRATCH = "playback_scratch_of_{}"
"""The name that a scratch database beside its original has."""

CUSTOM = ("-Fc",)


class Work(Protocol):
    """One thing that is measured."""

    def prepare(self, place: Place) -> Command:
        """Reset what the work needs, which is not timed, and give the command that is."""
        ...

    def check(self, place: Place) -> int | None:
        """Check what the command did; gives the bytes that it stored, None where it stores nothing.

        Raises:
            DiffersError: the result is not what it should be.
            NotBuiltError: the product did something else instead.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """Ours into an empty repository, or with `again` into one that has the same backup already."""

    data: str
    again: bool = False
    share: float = 1

    def prepare(self, place: Place) -> Command:
        """Empty the repository, or have it filled."""
        source = place.source(self.data, self.share)
        if self.again:
            repository = place.backup(self.data, self.share)
        else:
            repository = f"new-{source}"
            place.empty_repository(repository)
        host = place.host(source, self.data, repository)
        return place.play(repository, host, {"backup": backing_up(self.data)})

    def check(self, place: Place) -> int | None:
        """Give what the new repository holds; that it holds the data is what the rows of restores check."""
        return None if self.again else size(place.repository(f"new-{place.source(self.data, self.share)}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dump:
    """pg_dump into one compressed file, or the quickest way."""

    data: str
    best: bool = False

    def prepare(self, place: Place) -> Command:
        """Remove the last dump."""
        remove(self._file)
        # what a backup of ours leaves out, the peer need not read either
        skipped = [f"--exclude-table-data={table}" for table in _LEFT_OUT] if self.data == "R" else []
        database = place.conninfo(place.source(self.data))
        arguments = [
            place.program("pg_dump"),
            *(place.best if self.best else CUSTOM),
            *skipped,
            "-f",
            str(self._file),
            "--dbname",
            database,
        ]
        return Command(arguments=arguments, directory=HOME)

    def check(self, place: Place) -> int | None:
        """Give the size of the dump."""
        return size(self._file)

    @property
    def _file(self) -> Path:
        return HOME / "peer.dump"


_LEFT_OUT = (
    "sessions", "r710_connected_clients", "chat_rooms", "chat_messages", "chat_participants", "audit_logs",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Ours into a copy of the empty schema, of the source, or of a source in which rows differ."""

    data: str
    start: str = "empty"
    arguments: Mapping[str, object] = field(default_factory=dict)
    share: float = 1

    def prepare(self, place: Place) -> Command:
        """Make the target anew."""
        source = place.source(self.data, self.share)
        repository = place.backup(self.data, self.share)
        match self.start:
            case "empty":
                template = place.empty(self.data)
            case "same":
                template = source
            case damage:
                template = place.damaged(self.data, damage)
        host = place.host(place.reset_target(template), self.data, repository)
        wanted = {"from": {"job": "benchmark", "host": source}, "mode": "mirror", **self.arguments}
        return place.play(f"restore-{self.start}", host, {"restore": wanted})

    def check(self, place: Place) -> int | None:
        """Compare the target with the source."""
        place.verify(TARGET, place.source(self.data, self.share))
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusive(Restore):
    """Ours into empty tables that it has for itself, so that it may build their indexes after the rows."""

    arguments: Mapping[str, object] = field(default_factory=lambda: {"exclusive": True})

    def check(self, place: Place) -> int | None:
        """See as well that indexes were built anew: a copy of a database has those of its template."""
        place.verify(TARGET, place.source(self.data, self.share))
        if place.indexes(TARGET) == place.indexes(place.empty(self.data)):
            raise NotBuiltError("`exclusive: true` does not build indexes after the rows")
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """Ours into a scratch database beside the original."""

    data: str

    def prepare(self, place: Place) -> Command:
        """Drop the last one."""
        source = place.source(self.data)
        place.server.drop_database(SCRATCH.format(source))
        place.execute("postgres", "CHECKPOINT")
        host = place.host(source, self.data, place.backup(self.data))
        wanted = {"from": {"job": "benchmark", "host": source}, "mode": "mirror"}
        scratch = {"like": source, "on": "host", "keep": True}
        return place.play("scratch", host, {"restore": {**wanted, "scratch": scratch}})

    def check(self, place: Place) -> int | None:
        """Compare it with the source."""
        source = place.source(self.data)
        place.verify(SCRATCH.format(source), source)
        place.server.drop_database(SCRATCH.format(source))
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PgRestore:
    """pg_restore: rows into the empty schema, or the quickest way: everything into a new database, in two jobs."""

    data: str
    best: bool = False

    def prepare(self, place: Place) -> Command:
        """Make the target anew."""
        archive = place.archive(self.data, place.best if self.best else CUSTOM)
        options = ["-j2", "--no-owner"] if self.best else ["--data-only", "--disable-triggers"]
        target = place.conninfo(place.reset_target("template0" if self.best else place.empty(self.data)))
        arguments = [place.program("pg_restore"), *options, "--dbname", target, str(archive)]
        return Command(arguments=arguments, directory=HOME)

    def check(self, place: Place) -> int | None:
        """Compare the target with the source."""
        place.verify(TARGET, place.source(self.data))
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """A backup compared with the database that it was made of."""

    data: str

    def prepare(self, place: Place) -> Command:
        """Have the backup."""
        source = place.source(self.data)
        host = place.host(source, self.data, place.backup(self.data))
        return place.play("verify", host, {"verify": {"backup": {"job": "benchmark", "host": source}}})

    def check(self, place: Place) -> int | None:
        """Check nothing: a difference would have ended the command with an error."""
        return None


def one_shop() -> Restore:
    """Ours for one of 20 businesses, all of whose rows differ."""
    return Restore(data="A", start="one_shop", arguments={"businesses": [ONE_SHOP]})
