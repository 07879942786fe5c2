"""What can be said about a playbook beyond its schema: names that do not exist, templates that cannot be read."""

from __future__ import annotations

import zoneinfo
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from toolkit.config import patterns, plain_secrets, playbook, validation
from toolkit.config.document import Document, Keys
from toolkit.config.foreseeing import Foreseen
from toolkit.config.inventory import SETTINGS, LoadedInventory
from toolkit.config.templates import Templates, is_template
from toolkit.errors import InputError, Problem
from toolkit.model.duration import Duration
from toolkit.model.host import BundleRepository, EmbeddedDatabase, ServerDatabase
from toolkit.model.role import ROLE, Role
from toolkit.shipped import found_file

_CONDITIONS: Final = ("when", "until", "changed_when", "failed_when")
_SECTIONS: Final = ("pre_tasks", "tasks", "post_tasks", "handlers")
_TELLING: Final = ("on_failure", "on_success", "on_recovery")
_PARTS: Final = ("block", "rescue", "always")


def playbook_problems(
    document: Document,
    path: Path,
    control: Path,
    inventory: LoadedInventory | None,
    extra: Mapping[str, Any] | None = None,
) -> Iterator[Problem]:
    """Problems of a playbook that its schema finds nothing wrong with.

    Args:
        path: the playbook's file; `vars_files` are relative to it.
        inventory: None when it has problems itself; the names in it are not checked then.
        extra: the variables that win over all others in a run.
    """
    linter = _PlaybookLinter(document, path, control, inventory, extra or {})
    for index, play in enumerate(document.value):
        yield from linter.play((index,), play)


class _PlaybookLinter(Struct, frozen=True):
    document: Document
    path: Path
    control: Path
    inventory: LoadedInventory | None
    extra: Mapping[str, Any]
    templates: Templates = field(default_factory=Templates)

    def play(self, at: Keys, play: dict[str, Any]) -> Iterator[Problem]:
        """Give everything about one play."""
        handlers = {handler["name"] for handler in play.get("handlers", ())}
        if self.inventory is not None:
            hosts = play["hosts"] if isinstance(play["hosts"], list) else [play["hosts"]]
            if not any(is_template(pattern) for pattern in hosts):
                for message in patterns.unknown_names(",".join(hosts), self.inventory.groups):
                    yield self.document.problem((*at, "hosts"), message)
        yield from self._variables((*at, "vars"), play.get("vars", {}))
        yield from self._variables_files((*at, "vars_files"), play.get("vars_files", ()))
        foreseen = self._foreseen(play)
        for section in (*_SECTIONS, *_TELLING):
            for step, task in _steps((*at, section), play.get(section, ())):
                # these come after all handlers
                yield from self._step(step, task, set() if section in _TELLING else handlers, foreseen)
                yield from self._own_name((*step, "register"), task.get("register"))
                for name in task.get("set_fact", ()):
                    yield from self._own_name((*step, "set_fact", name), name)

    def _foreseen(self, play: dict[str, Any]) -> Foreseen | None:
        """What templates of a play will give; None where that cannot be said."""
        if self.inventory is None:
            return None
        more: dict[str, Any] = {}
        files = play.get("vars_files", ())
        try:
            for name in [files] if isinstance(files, str) else files:
                base = next((base for base in (self.path.parent, self.control) if (base / name).exists()), None)
                if base is None:
                    return None
                more |= playbook.load_variables(base / name, control=self.control)
        except InputError:
            return None
        return Foreseen(play, self.inventory, templates=self.templates, more=more, extra=self.extra)

    def _step(self, at: Keys, task: dict[str, Any], handlers: set[str], foreseen: Foreseen | None) -> Iterator[Problem]:
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
                if foreseen is not None and self.inventory is not None:
                    yield from self._repositories((*at, keyword), keyword, value, foreseen, task.get("loop"))
            elif keyword != "name":  # which is never rendered
                yield from self._syntax((*at, keyword), value)
                if keyword == "loop":
                    yield from plain_secrets.problems(keyword, value, self.document.place((*at, keyword)))

    def _action(self, at: Keys, action: str, arguments: dict[str, Any]) -> Iterator[Problem]:
        for name, value in arguments.items():
            yield from plain_secrets.problems(name, value, self.document.place((*at, name)))
        expressions = set()
        for keys, role, value in _roles(validation.action_schema(action), arguments):
            if role is Role.EXPRESSION:
                expressions.add(keys[0])
                yield from self._conditions((*at, *keys), value)
            else:
                yield from self._meant((*at, *keys), role, value)
        for name, value in arguments.items():
            if name not in expressions:
                yield from self._syntax((*at, name), value)

    def _repositories(
        self, at: Keys, action: str, arguments: dict[str, Any], foreseen: Foreseen, loop: object
    ) -> Iterator[Problem]:
        """Names of repositories that templates will give and that are none."""
        assert self.inventory is not None
        for keys, role, written in _roles(validation.action_schema(action), arguments):
            for value in written if isinstance(written, list) else [written]:
                if role is Role.REPOSITORY and is_template(value):
                    for name in sorted(foreseen.values(value, loop)):
                        yield from self._unknown_repository((*at, *keys), name)

    def _meant(self, at: Keys, role: Role, written: Any) -> Iterator[Problem]:
        """Problems of an argument that names something; what a template gives is not known yet."""
        for value in written if isinstance(written, list) else [written]:
            if is_template(value) or isinstance(value, dict):
                continue
            if role is Role.REPOSITORY and self.inventory is not None:
                yield from self._unknown_repository(at, value)
            elif role is Role.HOST and self.inventory is not None:
                yield from self._unknown(at, value, self.inventory.groups["all"], "host")
            elif role is Role.DATABASE and self.inventory is not None and EmbeddedDatabase.of(value) is None:
                beside = ServerDatabase.of(value)
                known = {*self.inventory.groups["all"], *(() if beside else self._embedded())}
                yield from self._unknown(at, beside.host if beside else value, known, "host")
            elif role is Role.TIME_ZONE:
                yield from self._unknown(at, value, zoneinfo.available_timezones(), "time zone")
            elif (role is Role.FILE and not (self.control / value).exists()) or (
                role is Role.SHIPPED_FILE and not found_file(self.control, value).exists()
            ):
                yield self.document.problem(at, f"there is no file {value} in the control directory")
            elif role is Role.DURATION:
                try:
                    Duration.parse(value)
                except ValueError as error:
                    yield self.document.problem(at, str(error))

    def _unknown_repository(self, at: Keys, name: str) -> Iterator[Problem]:
        known = self.inventory.repositories if self.inventory is not None else {name: None}
        if name not in known and BundleRepository.of(name, self.control) is None:
            yield self.document.problem(at, validation.unknown_repository(name, known))

    def _unknown(self, at: Keys, name: str, known: Collection[str], what: str) -> Iterator[Problem]:
        if name not in known:
            yield self.document.problem(at, validation.unknown(name, known, what))

    def _embedded(self) -> set[str]:
        """The embedded databases that `scratch` of tasks makes, as later tasks name them."""
        return {
            str(EmbeddedDatabase(str(scratch.get("name", "scratch"))))
            for index, play in enumerate(self.document.value)
            for section in _SECTIONS
            for _, task in _steps((index, section), play.get(section, ()))
            if isinstance(scratch := task.get("restore", {}).get("scratch"), dict)
            and scratch.get("on", "embedded") == "embedded"
        }

    def _variables(self, at: Keys, variables: dict[str, Any]) -> Iterator[Problem]:
        for name, value in variables.items():
            yield from self._own_name((*at, name), name)
            yield from self._syntax((*at, name), value)
            yield from plain_secrets.problems(name, value, self.document.place((*at, name)))

    def _own_name(self, at: Keys, name: object) -> Iterator[Problem]:
        """A variable that templates would see in place of a setting of the host, which stays as it is."""
        if name in SETTINGS:
            yield self.document.problem(
                at, f"{name} is a setting of the host, which a playbook cannot change; choose another name"
            )

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
                    for variable in playbook.load_variables(file, control=self.control):
                        yield from self._own_name(where, variable)
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


def _roles(schema: Mapping[str, Any], written: Mapping[str, Any]) -> Iterator[tuple[Keys, Role, Any]]:
    """Every argument that has a role, with its value or its default, those inside of arguments included."""
    for name, argument in schema.get("properties", {}).items():
        value = written.get(name, argument.get("default"))
        if ROLE in argument and value is not None:
            yield (name,), Role(argument[ROLE]), value
        if isinstance(value, dict):
            for part in (argument, *argument.get("anyOf", ())):
                for keys, role, inner in _roles(part, value):
                    yield (name, *keys), role, inner
