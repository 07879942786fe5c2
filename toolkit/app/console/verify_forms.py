"""The forms of the page Verify: what they say, what is wrong with it, and the playbook that it makes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from toolkit.app.console.composing import playbook
from toolkit.app.scope_options import names
from toolkit.errors import InputError
from toolkit.storage.layout import check_label

WHOLE, TURN = "whole", "turn"
"""How much is rehearsed: the whole backup, or the business that has waited longest."""

ONE: Final = "="
"""What stands before the key of a business that is rehearsed alone."""

PLACES: Final = ("embedded", "host")
"""Where a rehearsal may take place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What can be chosen: hosts that have a catalog file, and repositories."""

    hosts: Collection[str]
    repositories: Collection[str]

    def host(self, name: str) -> str:
        """Give a host that was chosen."""
        if name not in self.hosts:
            raise InputError(f"there is no computer {name!r}" if name else "no computer is chosen")
        return name

    def backup(self, value: str) -> tuple[str, str]:
        """Give the repository and the label of a backup that was chosen."""
        repository, _, label = value.partition("/")
        if not value:
            raise InputError("no backup is chosen")
        if repository not in self.repositories:
            raise InputError(f"there is no repository {repository!r}")
        check_label(label)
        return repository, label


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """What the form to compare says; a backup as `REPOSITORY/LABEL`, tables with commas between them."""

    backup: str = ""
    host: str = ""
    tables: str = ""

    def playbook(self, known: Known) -> str:
        """Write the playbook; InputError where something is missing or wrong."""
        repository, label = known.backup(self.backup)
        host = known.host(self.host)
        asked: dict[str, Any] = {"backup": label, "repository": repository, "against": "database"}
        if tables := list(dict.fromkeys(names(self.tables))):
            asked["tables"] = tables
        name = f"Compare {label} with {host}"
        return playbook(name, host, [{"name": name, "verify": asked}])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearse:
    """What the form to rehearse says; without a backup, the oldest that is not proven."""

    host: str = ""
    backup: str = ""
    businesses: str = WHOLE
    on: str = PLACES[0]

    def playbook(self, known: Known) -> str:
        """Write the playbook; InputError where something is missing or wrong."""
        host, asked = known.host(self.host), dict[str, Any](backups="oldest-unproven")
        what = f"a backup of {host}"
        if self.backup:
            repository, what = known.backup(self.backup)
            asked = {"backups": what, "repository": repository}
        if self.businesses == TURN:
            asked["businesses"] = "random 1"
        elif self.businesses.startswith(ONE) and self.businesses != ONE:
            asked["businesses"] = [self.businesses.removeprefix(ONE)]
        elif self.businesses != WHOLE:
            raise InputError(f"{self.businesses!r} does not say how much is rehearsed")
        if self.on not in PLACES:
            raise InputError(f"there is no place {self.on!r} to rehearse in")
        asked["on"] = self.on
        name = f"Rehearse a restore of {what}"
        return playbook(name, host, [{"name": name, "drill": asked}])
