"""The control directory: where tasks.py, playbooks and the inventory are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from toolkit import shipped
from toolkit.config import inventory as inventories
from toolkit.config.inventory import LoadedInventory
from toolkit.errors import InputError
from toolkit.wording import meant, nearest

DEMO = "demo"
"""The inventory of the demo, where no directory has that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The control directory.

    Attributes:
        inventory: the inventory directory as a person named it; empty for the control directory's own, `demo` for the
            one that is shipped.
    """

    directory: Path
    inventory: str = ""

    @property
    def has_inventory(self) -> bool:
        """Whether there is an inventory that nobody has to name."""
        return self._is_checkout or (self.directory / "inventory").is_dir()

    @property
    def _is_checkout(self) -> bool:
        """Whether it is the source of Playback, which is the control directory of the demo."""
        return self.directory.resolve() == shipped.ROOT.resolve()

    def load_inventory(self, extra: Mapping[str, Any] | None = None) -> LoadedInventory:
        """Read the inventory; InputError with every problem of it.

        Args:
            extra: the variables of `--extra-vars`, which win over those of every host.
        """
        return inventories.load(self.inventory_directory(), control=self.directory, extra=extra)

    def inventory_directory(self) -> Path:
        """Give the inventory directory; InputError where none is named and the control directory has none."""
        own = self.directory / "inventory"
        named = self.inventory or (DEMO if self._is_checkout and not own.is_dir() else "")
        if not named and not own.is_dir():
            hint = (
                "go to a directory that has one, make one with `playback init DIR`, or try the demo: playback run"
                " playbooks/nightly.yml --inventory demo"
            )
            raise InputError(f"there is no inventory in {self.directory}", hint=hint)
        found = self.existing(named) if named else own
        if not found.exists() and meant(named, [DEMO]) and named != DEMO:
            raise InputError(f"{named}: no such directory{meant(named, [DEMO])}")
        return shipped.DEMO_INVENTORY if named == DEMO and not found.exists() else found

    def playbook(self, name: str) -> Path:
        """Give the file of a playbook: the one that a person named, else the shipped one of that name.

        Raises:
            InputError: there is neither.
        """
        found, beside = self.existing(name), shipped.ROOT / name
        if found.exists():
            return found
        if shipped.PLAYBOOKS in beside.parents and beside.is_file():
            return beside
        folders = (self.directory / "playbooks", shipped.PLAYBOOKS)
        known = {file.stem: f"playbooks/{file.name}" for folder in folders for file in sorted(folder.glob("*.yml"))}
        near = nearest(Path(name).stem, known)
        hint = f"did you mean {known[near]}?" if near else f"there are {', '.join(known.values())}"
        raise InputError(f"{name}: no such file", hint=hint)

    def existing(self, name: str) -> Path:
        """Find a file or directory a person named: below the working directory, else below the control directory."""
        path = Path(name).expanduser()
        return path if path.exists() or path.is_absolute() else self.directory / path


def utc_now() -> datetime:
    """Give the time, for everything that is given a clock."""
    return datetime.now(UTC)
