"""What can be said about a playbook beyond its schema: names that do not exist, templates that cannot be read."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from toolkit.config import patterns, plain_secrets, playbook, validation
from toolkit.config.document import Document, Keys
from toolkit.config.inventory import LoadedInventory
from toolkit.config.templates import Templates, is_template
from toolkit.errors import InputError, Problem
from toolkit.model.duration import Duration

_CONDITIONS: Final = ("when", "until", "changed_when", "failed_when")
_SECTIONS: Final = ("pre_tasks", "tasks", "post_tasks", "handlers")
_PARTS: Final = ("block", "rescue", "always")
_REPOSITORIES: Final = {
    "backup": ("repository",),
    "restore": ("repository",),
    "verify": ("repository",),
    "prune": ("repository",),
    "copy": ("from", "to"),
}
_EXPRESSIONS: Final = {"assert": "that", "debug": "var"}


def playbook_problems(
    document: Document, path: Path, control: Path, inventory: LoadedInventory | None
) -> Iterator[Problem]:
    """Problems of a playbook that its schema finds nothing wrong with.

    Args:
        path: the playbook's file; `vars_files` are relative to it.
        inventory: None when it has problems itself; the names in it are not checked then.
    """
    linter = _PlaybookLinter(document, path, control, inventory)
    for index, play in enumerate(document.value):
        yield from linter.play((index,), play)


@dataclass(frozen=True, slots=True)
class _PlaybookLinter:
    document: Document
    path: Path
    control: Path
    inventory: LoadedInventory | None
    templates: Templates = field(default_factory=Templates)

    def play(self, at: Keys, play: dict[str, Any]) -> Iterator[Problem]:
        """Everything about one play."""
        handlers = {handler["name"] for handler in play.get("handlers", ())}
        if self.inventory is not None:
            hosts = play["hosts"] if isinstance(play["hosts"], list) else [play["hosts"]]
            if not any(is_template(pattern) for pattern in hosts):
                known = {**self.inventory.groups, **{name: (name,) for name in self._scratch_hosts()}}
                for message in patterns.unknown_names(",".join(hosts), known):
                    yield self.document.problem((*at, "hosts"), message)
        yield from self._variables((*at, "vars"), play.get("vars", {}))
        yield from self._variables_files((*at, "vars_files"), play.get("vars_files", ()))
        for section in _SECTIONS:
            for step, task in _steps((*at, section), play.get(section, ())):
                yield from self._step(step, task, handlers)

    def _step(self, at: Keys, task: dict[str, Any], handlers: set[str]) -> Iterator[Problem]:
        for keyword, value in task.items():
            if keyword in _PARTS:
                continue
            if keyword in _CONDITIONS:
                yield from self._conditions((*at, keyword), value)
            elif keyword == "vars":
                yield from self._variables((*at, keyword), value)
            elif keyword == "notify":
                for name in [value] if isinstance(value, str) else value:
                    if not is_template(name) and name not in handlers:
                        yield self.document.problem((*at, keyword), validation.unknown(name, handlers, "handler"))
            elif keyword in validation.actions():
                yield from self._action((*at, keyword), keyword, value)
            else:
                yield from self._syntax((*at, keyword), value)

    def _action(self, at: Keys, action: str, arguments: dict[str, Any]) -> Iterator[Problem]:
        for name, value in arguments.items():
            yield from plain_secrets.problems(name, value, self.document.place((*at, name)))
            if _EXPRESSIONS.get(action) == name:
                yield from self._conditions((*at, name), value)
            else:
                yield from self._syntax((*at, name), value)
            if self.inventory is not None and name in _REPOSITORIES.get(action, ()):
                for repository in [value] if isinstance(value, str) else value:
                    if not is_template(repository) and repository not in self.inventory.repositories:
                        message = validation.unknown(repository, self.inventory.repositories, "repository")
                        yield self.document.problem((*at, name), message)
        if action == "verify" and "host" in arguments:
            yield from self._host((*at, "host"), arguments["host"])
        if action == "restore" and "scratch" in arguments:
            yield from self._host((*at, "scratch", "like"), arguments["scratch"]["like"])
        if action == "prune":
            yield from self._retention(at, arguments)
        file = arguments.get("file", "") if action == "sql" else ""
        if file and not is_template(file) and not (self.control / file).exists():
            yield self.document.problem((*at, "file"), f"there is no file {file} in the control directory")

    def _retention(self, at: Keys, arguments: dict[str, Any]) -> Iterator[Problem]:
        zone = arguments.get("time_zone", "UTC")
        known = zoneinfo.available_timezones()
        if not is_template(zone) and zone not in known:
            yield self.document.problem((*at, "time_zone"), validation.unknown(zone, known, "time zone"))
        for name, value in arguments.items():
            if name.startswith(("keep_within", "grace")) and not is_template(value):
                try:
                    Duration.parse(value)
                except ValueError as error:
                    yield self.document.problem((*at, name), str(error))

    def _host(self, at: Keys, name: str) -> Iterator[Problem]:
        if self.inventory is not None and not is_template(name):
            known = {*self.inventory.groups["all"], *self._scratch_hosts()}
            if name not in known:
                yield self.document.problem(at, validation.unknown(name, known, "host"))

    def _scratch_hosts(self) -> set[str]:
        """The hosts that restores of this playbook make."""
        tasks = (
            task
            for index, play in enumerate(self.document.value)
            for section in _SECTIONS
            for _, task in _steps((index, section), play.get(section, ()))
        )
        scratches = (task["restore"]["scratch"] for task in tasks if "scratch" in task.get("restore", {}))
        return {scratch.get("name", "scratch") for scratch in scratches}

    def _variables(self, at: Keys, variables: dict[str, Any]) -> Iterator[Problem]:
        for name, value in variables.items():
            yield from self._syntax((*at, name), value)
            yield from plain_secrets.problems(name, value, self.document.place((*at, name)))

    def _variables_files(self, at: Keys, written: Any) -> Iterator[Problem]:
        for index, name in enumerate([written] if isinstance(written, str) else written):
            where = at if isinstance(written, str) else (*at, index)
            file = next((base / name for base in (self.path.parent, self.control) if (base / name).exists()), None)
            if is_template(name):
                yield from self._syntax(where, name)
            elif file is None:
                yield self.document.problem(where, f"there is no file {name} beside the playbook")
            else:
                try:
                    playbook.load_variables(file, control=self.control)
                except InputError as error:
                    yield from error.problems

    def _conditions(self, at: Keys, written: Any) -> Iterator[Problem]:
        for index, condition in enumerate(written) if isinstance(written, list) else ((None, written),):
            where = at if index is None else (*at, index)
            problem = isinstance(condition, str) and self.templates.syntax_problem(condition, expression=True)
            if problem:
                yield self.document.problem(where, problem)

    def _syntax(self, at: Keys, value: Any) -> Iterator[Problem]:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from self._syntax((*at, key), item)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._syntax((*at, index), item)
        elif is_template(value):
            problem = self.templates.syntax_problem(value)
            if problem:
                yield self.document.problem(at, problem)


def _steps(at: Keys, steps: Any) -> Iterator[tuple[Keys, dict[str, Any]]]:
    """All tasks and blocks, with those inside of blocks."""
    for index, step in enumerate(steps):
        yield (*at, index), step
        for part in _PARTS:
            yield from _steps((*at, index, part), step.get(part, ()))
