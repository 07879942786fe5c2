"""Everything that can be said about the files of a control directory without running anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.config import catalog, console, inventory, playbook, validation
from toolkit.config import document as documents
from toolkit.config.document import Document
from toolkit.config.inventory import LoadedInventory
from toolkit.config.playbook_lint import playbook_problems
from toolkit.errors import InputError, Problem

_ENDINGS = (".yml", ".yaml")


def lint(control: Path, paths: Sequence[Path] = (), *, inventory: Path | None = None) -> list[Problem]:
    """Check files; what a file is follows from its place in the control directory, else from its shape.

    Args:
        control: the control directory.
        paths: files, or directories of which every YAML file is checked; none for all of the control directory.
        inventory: the inventory directory, where it is not the control directory's own.

    Returns:
        Every problem, by file and line; none when all is well.
    """
    linter = _Linter(control.absolute(), inventory or control.absolute() / "inventory")
    if paths:
        for path in paths:
            if not linter.check(path):
                message = "no YAML file (.yml, .yaml) is in this directory"
                linter.problems.append(Problem(file=str(path), message=message))
    else:
        linter.check_inventory(linter.inventory)
        if (linter.control / "playbooks").is_dir():
            linter.check(linter.control / "playbooks")
    return sorted(dict.fromkeys(linter.problems), key=lambda problem: (problem.file, problem.line))


def lint_run(playbook_file: Path, loaded: LoadedInventory, extra: Mapping[str, Any]) -> list[Problem]:
    """Give what `lint` says of a playbook and of what it runs on: nothing else of the control directory."""
    document = documents.read(playbook_file, control=loaded.directory)
    problems = validation.check_document(document, "playbook") or list(
        playbook_problems(document, playbook_file, loaded.directory, loaded, extra)
    )
    problems += loaded.problems(unused=False, playbook=playbook_file)
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line))


class _Linter:
    def __init__(self, control: Path, inventory: Path) -> None:
        self.control, self.inventory = control, inventory
        self.problems: list[Problem] = []
        self._inventories: dict[Path, tuple[LoadedInventory | None, list[Problem]]] = {}

    def check(self, path: Path) -> bool:
        """Check a file or all files of a directory; give whether there is any."""
        if path.is_dir() and (path / "hosts.yml").exists():
            self.check_inventory(path)
        elif path.is_dir():
            found = [
                entry
                for entry in sorted(path.rglob("*"))
                if entry.suffix in _ENDINGS and not any(part.startswith(".") for part in entry.relative_to(path).parts)
            ]
            for entry in found:
                self._check_file(entry)
            return bool(found)
        else:
            self._check_file(path)
        return True

    def check_inventory(self, directory: Path) -> None:
        """Check hosts.yml, repositories.yml, console.yml, variables and catalogs of an inventory directory."""
        self.problems.extend(self._inventory(directory)[1])

    def _check_file(self, path: Path) -> None:
        own = next((parent for parent in path.absolute().parents if (parent / "hosts.yml").exists()), None)
        if own is not None and _is_inventory_file(path.absolute().relative_to(own)):
            name = documents.show_file(path, self.control)
            self.problems.extend(problem for problem in self._inventory(own)[1] if problem.file == name)
            return
        try:
            self.problems.extend(self._by_shape(path, documents.read(path, control=self.control)))
        except InputError as error:
            self.problems.extend(error.problems)

    def _by_shape(self, path: Path, document: Document) -> Iterator[Problem]:
        value = document.value
        if isinstance(value, dict) and "catalog" in value:
            catalog.load(path, control=self.control)
        elif isinstance(value, dict) and "all" in value:
            yield from validation.check_document(document, "inventory")
        elif (
            isinstance(value, dict)
            and value
            and all(isinstance(part, dict) and "type" in part for part in value.values())
        ):
            yield from validation.check_document(document, "repositories")
        elif isinstance(value, dict):
            playbook.load_variables(path, control=self.control)
        else:
            yield from validation.check_document(document, "playbook") or playbook_problems(
                document, path, self.control, self._inventory(self.inventory)[0]
            )

    def _inventory(self, directory: Path) -> tuple[LoadedInventory | None, list[Problem]]:
        if directory not in self._inventories:
            try:
                loaded = inventory.load(directory, control=self.control)
                self._inventories[directory] = (loaded, loaded.problems())
            except InputError as error:
                self._inventories[directory] = (None, list(error.problems))
            try:
                console.load(directory / console.FILE, control=self.control)
            except InputError as error:
                self._inventories[directory][1].extend(error.problems)
        return self._inventories[directory]


def _is_inventory_file(relative: Path) -> bool:
    return relative.name in ("hosts.yml", "repositories.yml", console.FILE) or relative.parts[0] in (
        "group_vars",
        "host_vars",
        "catalogs",
    )
