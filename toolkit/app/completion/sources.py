"""What can stand for a value: hosts, groups, repositories, labels, tables, playbooks, tags. Read leniently: of a file
that is wrong somewhere nothing is said, `lint` does that.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from toolkit import shipped
from toolkit.app.labels_seen import remembered
from toolkit.config import document
from toolkit.errors import InputError

PATIENCE: Final = 0.25
"""Seconds that the directories of all repositories may take to be listed; one on a network may never answer."""


class Sources:
    """Reads what names things in a control directory."""

    def __init__(self, control: Path, inventory: str = "") -> None:
        self.control = control
        self._inventory = self._directory(inventory)

    def _directory(self, named: str) -> Path:
        own = self.control / "inventory"
        if named:
            path = Path(named).expanduser()
            own = path if path.exists() or path.is_absolute() else self.control / path
        demo = named == "demo" or (not named and self.control.resolve() == shipped.ROOT.resolve())
        return shipped.DEMO_INVENTORY if demo and not own.exists() else own

    def hosts(self) -> list[str]:
        """Give the names of all hosts."""
        return list(dict.fromkeys(name for name, group in self._names() if not group))

    def patterns(self) -> list[str]:
        """Give what a pattern of hosts is made of: hosts and groups."""
        return list(dict.fromkeys(["all", *(name for name, _ in self._names())]))

    def repositories(self) -> list[str]:
        """Give the names of all repositories."""
        return list(self._repositories())

    def labels(self) -> list[str]:
        """Give the labels of backups, the newest first: those of local repositories, and those that were seen last."""
        found = {label for labels in remembered(self.control).values() for label in labels}
        # a dead network share does not let go of who asks it, but a daemon does not keep the program
        asking = threading.Thread(target=self._local_labels, args=(found,), daemon=True)
        asking.start()
        asking.join(PATIENCE)
        return sorted(found.copy(), reverse=True)

    def tables(self) -> list[str]:
        """Give the tables that the catalog files name."""
        found: dict[str, None] = {}
        for file in sorted((self._inventory / "catalogs").glob("*.yml")):
            written = self._read(file)
            for category in ("business", "device", "transient"):
                for group in _mapping(_mapping(written).get(category)).values():
                    found |= dict.fromkeys(name for name in _mapping(group) if "*" not in name)
        return list(found)

    def playbooks(self) -> list[str]:
        """Give the playbooks of the control directory, and the shipped ones, as they are named."""
        folders = (self.control / "playbooks", shipped.PLAYBOOKS)
        return list(dict.fromkeys(f"playbooks/{file.name}" for each in folders for file in sorted(each.glob("*.yml"))))

    def tags(self, playbook: str) -> list[str]:
        """Give the tags of a playbook's plays and tasks."""
        return sorted({tag for each in _parts(self._playbook(playbook)) for tag in _texts(each.get("tags"))})

    def tasks(self, playbook: str) -> list[str]:
        """Give the names of a playbook's tasks."""
        parts = _parts(self._playbook(playbook))
        return [str(each["name"]) for each in parts if "name" in each and "hosts" not in each]

    def _playbook(self, name: str) -> Any:
        places = (Path(name), self.control / name, shipped.ROOT / name)
        return next((self._read(path) for path in places if path.is_file()), None)

    def _names(self) -> Iterator[tuple[str, bool]]:
        """Hosts and groups, each with whether it is a group."""
        waiting = [_mapping(self._read(self._inventory / "hosts.yml"))]
        while waiting:
            for name, group in waiting.pop(0).items():
                yield name, True
                for host in _mapping(_mapping(group).get("hosts")):
                    yield host, False
                waiting.append(_mapping(_mapping(group).get("children")))

    def _repositories(self) -> Mapping[str, Any]:
        return _mapping(self._read(self._inventory / "repositories.yml"))

    def _local_labels(self, found: set[str]) -> None:
        for written in self._repositories().values():
            path = _mapping(written).get("path")
            if isinstance(path, str):
                with suppress(OSError):
                    folders = (self.control / Path(path).expanduser() / "backups").iterdir()
                    found.update(each.name for each in folders if not each.name.startswith("."))

    def _read(self, path: Path) -> Any:
        try:
            return document.read(path).value
        except InputError:
            return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [value] if isinstance(value, str) else []


def _parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Plays, blocks and tasks."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, Mapping):
            yield each
            for key in ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always"):
                yield from _parts(each.get(key))
