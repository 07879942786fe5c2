"""What a command finds in the control directory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from toolkit import shipped
from toolkit.app.arguments import existing
from toolkit.config import inventory as inventories
from toolkit.config.inventory import LoadedInventory
from toolkit.errors import InputError, MissingError, PlaybackError, StorageError, UnsetError
from toolkit.model.manifest import Manifest
from toolkit.storage.known import KnownRepositories
from toolkit.storage.repository import Repository

DEMO = "demo"
"""The inventory of the demo, where no directory has that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The control directory.

    Attributes:
        directory: where tasks.py is.
        inventory: the inventory directory as a person named it; empty for the control directory's own, `demo` for the
            one that is shipped.
    """

    directory: Path
    inventory: str = ""

    def load_inventory(self) -> LoadedInventory:
        """Read the inventory; InputError with every problem of it."""
        return inventories.load(self.inventory_directory(), control=self.directory)

    def inventory_directory(self) -> Path:
        """Give the inventory directory; InputError where none is named and the control directory has none."""
        own = self.directory / "inventory"
        if not self.inventory and not own.is_dir():
            hint = (
                "go to a directory that has one, or try the demo: playback run playbooks/nightly.yml --inventory demo"
            )
            raise InputError(f"there is no inventory in {self.directory}", hint=hint)
        found = existing(self.inventory, self.directory) if self.inventory else own
        return shipped.DEMO_INVENTORY if self.inventory == DEMO and not found.exists() else found

    def playbook(self, name: str) -> Path:
        """Give the file of a playbook: the one that a person named, else the shipped one of that name."""
        found, beside = existing(name, self.directory), shipped.ROOT / name
        return beside if shipped.PLAYBOOKS in beside.parents and beside.is_file() and not found.exists() else found


def repositories(inventory: LoadedInventory, name: str) -> Iterator[tuple[str, Repository | PlaybackError]]:
    """The named repository, or all of the inventory, each opened, or why it cannot be.

    Raises:
        InputError: there is none of that name, or none at all.
    """
    names = [name] if name else list(inventory.repositories)
    if not names:
        raise InputError("the inventory has no repositories", hint="add one to inventory/repositories.yml")
    known = KnownRepositories(inventory.directory)
    for each in names:
        if each not in inventory.repositories:
            inventory.repository(each)  # raises, with the names that there are
        try:
            yield each, known.open(inventory.repository(each), create=False)
        except PlaybackError as error:
            yield each, error


def is_unused(error: PlaybackError) -> bool:
    """Whether a repository that cannot be opened is none yet: not set up on this machine, or never backed up to."""
    return isinstance(error, (UnsetError, MissingError))


def brief_reason(error: PlaybackError) -> str:
    """Why a repository of several cannot be opened, in few words."""
    return error.brief if isinstance(error, UnsetError) else error.message


def find_backup(inventory: LoadedInventory, label: str, name: str) -> tuple[str, Repository, Manifest]:
    """The backup of that label with its repository: the named one, or the first of the inventory that has it.

    Raises:
        InputError: none of them has it.
        PlaybackError: it is there but cannot be read, or the named repository cannot be opened.
    """
    failures: list[str] = []
    for found, repository in repositories(inventory, name):
        if isinstance(repository, PlaybackError):
            failures.append(f"{found}: {brief_reason(repository)}")
        elif label in repository.labels():
            return found, repository, repository.manifest(label)
    if failures and name:
        raise StorageError(failures[0])
    where = f"repository {name}" if name else "any repository of the inventory"
    unread = "".join(f"\n  not looked into: {failure}" for failure in failures)
    raise InputError(
        f"there is no backup {label} in {where}{unread}", hint="`invoke backups` lists the backups there are"
    )


def utc_now() -> datetime:
    """The time, for everything that is given a clock."""
    return datetime.now(UTC)
