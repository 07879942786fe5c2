"""The repositories of the inventory, for commands that look into one or all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.app.command import Call
from toolkit.config.inventory import LoadedInventory
from toolkit.config.masking import mask, mask_own
from toolkit.errors import InputError, MissingError, PlaybackError, StorageError, UnsetError, is_our_own
from toolkit.model.manifest import Manifest
from toolkit.output.answer import WARNING, Answer, Line
from toolkit.output.failure import error_lines
from toolkit.storage.known import KnownRepositories
from toolkit.storage.repository import Repository
from toolkit.wording import meant


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread(Answer):
    """A repository of several that cannot be opened or read.

    Attributes:
        brief: one line on standard output is enough, for the others are what was asked for.
    """

    name: str
    error: PlaybackError
    brief: bool = True

    @property
    def exit_code(self) -> int:
        """That of the error; 0 for one that is not used yet: not set up on this machine, or never backed up to."""
        unused = isinstance(self.error, UnsetError) or (self.brief and isinstance(self.error, MissingError))
        return 0 if unused else self.error.exit_code

    def lines(self) -> Iterator[Line]:
        """Say why, in few words where that is enough."""
        if self.brief or isinstance(self.error, UnsetError):
            yield Line(
                f"repository {self.name}: {brief_reason(self.error)}", WARNING, foreign=not is_our_own(self.error)
            )
        else:
            yield from error_lines(self.error)

    def document(self) -> Mapping[str, Any]:
        """Give the error and its hint."""
        hide = mask_own if is_our_own(self.error) else mask
        return {"repository": self.name, "error": hide(brief_reason(self.error)), "hint": hide(self.error.hint)}


def repositories(inventory: LoadedInventory, name: str) -> Iterator[tuple[str, Repository | PlaybackError]]:
    """Open the named repository, or all of the inventory; give each, or why it cannot be opened.

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


def opened(call: Call) -> Iterator[tuple[str, Repository | Unread]]:
    """Open the repository that a command was given, or all; of all, one that cannot be opened is told and passed over.

    Raises:
        PlaybackError: the one that was named cannot be opened.
    """
    for name, repository in repositories(call.control.load_inventory(), call.repository):
        if isinstance(repository, PlaybackError):
            if call.repository:
                raise repository
            yield name, Unread(name=name, error=repository)
        else:
            yield name, repository


def brief_reason(error: PlaybackError) -> str:
    """Say why a repository of several cannot be opened, in few words."""
    return error.brief if isinstance(error, UnsetError) else error.message


def find_backup(inventory: LoadedInventory, label: str, name: str) -> tuple[str, Repository, Manifest]:
    """Find the backup of that label with its repository: the named one, or the first of the inventory that has it.

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
    unread = "".join(f"\n  not looked into: {failure}" for failure in failures)
    raise nowhere(label, name, unread)


def holding(call: Call, label: str) -> Iterator[tuple[str, Repository]]:
    """Give the named repository, or all of the inventory, that have a backup; InputError when none has."""
    found, failures = False, []
    for name, repository in opened(call):
        if isinstance(repository, Unread):
            failures.append(f"{name}: {brief_reason(repository.error)}")
        elif label in repository.labels():
            found = True
            yield name, repository
    for failure in failures:
        call.note(f"not looked into: {failure}", style=WARNING)
    if not found:
        raise nowhere(label, call.repository)


def expect_host(call: Call, host: str, seen: Collection[str]) -> None:
    """See that a host by which a list was narrowed down is one: of the inventory, or of what repositories hold.

    Args:
        host: its name; empty where the list is of all.
        seen: the hosts of what was read.

    Raises:
        InputError: nobody knows it, so nothing could have been found.
    """
    known = sorted({*call.control.load_inventory().groups["all"], *seen})
    if host and host not in known:
        raise InputError(f"--host: unknown host {host}{meant(host, known)} (known: {', '.join(known) or 'none'})")


def nowhere(label: str, name: str, unread: str = "") -> InputError:
    """Give the error for a backup that is nowhere.

    Args:
        name: the repository that was looked into; empty for all.
        unread: lines about those that could not be.
    """
    where = f"repository {name}" if name else "any repository of the inventory"
    return InputError(
        f"there is no backup {label} in {where}{unread}", hint="`invoke backups` lists the backups there are"
    )
