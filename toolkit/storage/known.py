"""The repositories that were used from a control directory: a place that has lost its repository is no new one.

A bundle is none of them: it is carried away, and another one stands in its place.

`.playback/repositories.jsonl` has a line for each, with name, place and id. A directory on which nothing is mounted, or
a bucket that was emptied, would otherwise be taken for a place where no backup was made yet.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from threading import Lock

import msgspec

from toolkit.errors import MissingError, RefusedError
from toolkit.model.host import BundleRepository, RepositoryConfig, S3Repository
from toolkit.private import files
from toolkit.storage.decoding import decoded
from toolkit.storage.layout import MARKER
from toolkit.storage.open import open_store
from toolkit.storage.repository import Repository

_writing = Lock()


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """A repository that was there: its name in the inventory, its place, and its id."""

    name: str
    place: str
    id: str


_KNOWN = msgspec.json.Decoder(_Known)


class KnownRepositories:
    """Opens the repositories of an inventory, and remembers them.

    Args:
        control: the control directory.
    """

    def __init__(self, control: Path) -> None:
        self._file = control / ".playback" / "repositories.jsonl"

    def open(self, config: RepositoryConfig, *, create: bool) -> Repository:
        """Open a repository, making it first when `create` is given and its place never had one.

        Raises:
            RefusedError: its place had a repository, which is not there now.
            MissingError, StorageError, DamageError: as `Repository.open`.
        """
        store = open_store(config)
        known = self._known(config)
        try:
            repository = Repository.open(store, create=create and known is None)
        except MissingError as error:
            if known is None:
                raise
            raise self._lost(known, "there is none now") from error
        if known is not None and known.id != repository.id:
            raise self._lost(known, f"there is another one now, {repository.id}")
        if known is None and not isinstance(config, BundleRepository):
            self._remember(_Known(name=config.name, place=_place(config), id=repository.id))
        return repository

    def open_if_there(self, config: RepositoryConfig) -> Repository | None:
        """Open a repository; None where its place never had one. Raises as `open` does."""
        store = open_store(config)
        if self._known(config) is None and not store.exists(MARKER):
            return None
        return self.open(config, create=False)

    def _known(self, config: RepositoryConfig) -> _Known | None:
        """What is known of a repository, as long as the inventory says that it is in the same place."""
        place = _place(config)
        return next((each for each in self._all() if (each.name, each.place) == (config.name, place)), None)

    def _all(self) -> list[_Known]:
        found = []
        try:
            lines = self._file.read_bytes().splitlines()
        except OSError:
            return []
        for line in lines:
            with suppress(msgspec.DecodeError):
                found.append(decoded(_KNOWN, line))
        return found

    def _remember(self, new: _Known) -> None:
        # where the control directory cannot be written to, nothing is remembered, as before the first run
        with _writing, suppress(OSError):
            lines = [each for each in self._all() if each.name != new.name]
            files.write(self._file, b"".join(msgspec.json.encode(each) + b"\n" for each in (*lines, new)))

    def _lost(self, known: _Known, fact: str) -> RefusedError:
        return RefusedError(
            f"{known.place} had repository {known.id} when {known.name} was last used from here, and {fact}",
            hint=f"mount or restore it; where it is gone for good, delete the line of {known.name} in {self._file}",
        )


def _place(config: RepositoryConfig) -> str:
    place = open_store(config).place
    return f"{place} at {config.endpoint}" if isinstance(config, S3Repository) and config.endpoint else place
